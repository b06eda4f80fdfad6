"""What the modules of the command line share: options, consoles, one JSON object a line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

out = Console(soft_wrap=False)
err = Console(stderr=True)

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="The store. Default: .footnote", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def print_json(value: dict[str, Any]) -> None:
    """Print an object on a line of its own."""
    text = json.dumps(value, ensure_ascii=False)
    # What is no text in UTF-8 is written as JSON escapes it.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    # Not through rich, which would wrap and colour it.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
