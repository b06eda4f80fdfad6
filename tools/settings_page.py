"""Write docs/settings.md from rag/settings.py: `python tools/settings_page.py`."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from pydantic import SecretStr

from rag.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"
SOURCE = ROOT / "rag" / "settings.py"

HEAD = """\
# Settings

<!-- Written by tools/settings_page.py from rag/settings.py. -->

Each is a variable of the environment, or a line of `footnote.toml` in the folder where Footnote
is started, by its name without `FOOTNOTE_` and in small letters. An option of the command wins
over the variable, the variable over the file. A value that cannot be used, or a name that looks
like a misspelt setting, ends the command with exit code 78 and what was expected.

```toml
model = "ollama:qwen3"
trusted_hosts = ["ask.corp"]

[collections]
hr = ["hr-staff"]
```

In a variable, a list is written with commas (`FOOTNOTE_TRUSTED_HOSTS=ask.corp,ask2.corp`) or as
JSON, a table as JSON (`FOOTNOTE_COLLECTIONS='{"hr": ["hr-staff"]}'`).
"""

# The setting that a group begins with, in the order of the source.
GROUPS = {
    "data_dir": "The store",
    "embedding_model": "Embedding and passages (after a change: `footnote reindex`)",
    "read_seconds": "Reading files ([ingesting.md](ingesting.md))",
    "search_k": "Searching and answering",
    "model": "A chat model ([models.md](models.md))",
    "access": "Who may come in ([intranet.md](intranet.md))",
    "questions_per_minute": "Limits and audit",
    "history_url": "What is kept of people",
    "host": "Where the server listens",
}


def page() -> str:
    """Return the page as it should be."""
    meanings = _meanings()
    lines = [HEAD.rstrip("\n")]
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            lines += ["", f"## {GROUPS[name]}", "", "| setting | default | |", "|---|---|---|"]
        meaning = " ".join(meanings[name].split()).replace("|", "\\|")
        lines.append(f"| `FOOTNOTE_{name.upper()}` | {_shown(field.default)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in ("", (), {}):
        return "none"
    return f"`{json.dumps(value).strip(chr(34)) if isinstance(value, bool) else value}`"


def _meanings() -> dict[str, str]:
    """Map the settings to the strings that stand below them in the source."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (settings,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    found: dict[str, str] = {}
    for above, below in zip(settings.body, settings.body[1:], strict=False):
        if (
            isinstance(above, ast.AnnAssign)
            and isinstance(above.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[above.target.id] = str(below.value.value)
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
