"""Prompts are text files under `prompts/`; what is wrong with one shows when it is loaded."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from rag.errors import ConfigurationError
from rag.settings import PROJECT_ROOT

# Installed, the folder lies beside the package, as it does in a checkout.
PROMPTS_DIR = PROJECT_ROOT / "prompts"

VARIABLES = {
    "answer": frozenset({"context", "history", "question", "no_answer"}),
    "condense": frozenset({"history", "question"}),
    "opinion": frozenset({"claims"}),
}
"""What the code fills in, by prompt: each of them must occur, and nothing else may."""

_FILE = re.compile(
    r"\A---\nvariables:(?P<variables>[^\n]*)\n---\n\s*"
    r"## system\n(?P<system>.*?)\n## user\n(?P<user>.*)\Z",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as two templates with `{variables}`; `version` is a short hash of its file."""

    name: str
    system: str
    user: str
    variables: frozenset[str]
    version: str

    @property
    def messages(self) -> list[tuple[str, str]]:
        """The templates as (role, template) pairs."""
        return [("system", self.system), ("human", self.user)]


def load_prompt(name: str, *, folder: Path = PROMPTS_DIR) -> Prompt:
    """Load `NAME.md` and check its placeholders.

    Raises:
        ConfigurationError: the file is missing or not in the form of a prompt, or its placeholders
            are not those of its header and of the code that fills them in.
    """
    path = folder / f"{name}.md"
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"Prompt {path} cannot be read ({type(error).__name__}).",
            "Restore the file from the project.",
        ) from error
    parts = _FILE.match(content.replace("\r\n", "\n"))
    if parts is None:
        raise ConfigurationError(
            f"Prompt {path} is not in the expected form.",
            "Begin with '---', 'variables: ...', '---', then '## system' and '## user'.",
        )
    declared = frozenset(re.findall(r"[^\s,]+", parts["variables"]))
    used = _placeholders(parts["system"], path) | _placeholders(parts["user"], path)
    for expected, whose in ((declared, "its header lists"), (VARIABLES.get(name), "are filled in")):
        if expected is not None and used != expected:
            raise ConfigurationError(
                f"Prompt {path} uses {_list(used)} as placeholders, but {whose} {_list(expected)}.",
                f"Missing: {_list(expected - used)}; unknown: {_list(used - expected)}.",
            )
    return Prompt(
        name,
        parts["system"].strip(),
        parts["user"].strip(),
        used,
        hashlib.sha256(content.encode()).hexdigest()[:8],
    )


def _placeholders(template: str, path: Path) -> frozenset[str]:
    """Return the names in braces; only plain names count as placeholders."""
    try:
        fields = list(Formatter().parse(template))
    except ValueError as error:
        raise ConfigurationError(
            f"Prompt {path} has a brace without its pair ({error}).",
            "Write {{ and }} for braces that are no placeholder.",
        ) from error
    names = [(name, spec, conversion) for _, name, spec, conversion in fields if name is not None]
    for name, spec, conversion in names:
        if not name.isidentifier() or spec or conversion:
            raise ConfigurationError(
                f"Prompt {path} has the placeholder {{{name}}}, which is no plain name.",
                "Write {{ and }} for braces that are no placeholder.",
            )
    return frozenset(name for name, _, _ in names)


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
