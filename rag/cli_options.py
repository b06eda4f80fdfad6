"""What the modules of the command line share: options, consoles, one JSON object a line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

_NARROWEST = 20


def terminal(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console that is wide enough to show something."""
    console = Console(stderr=stderr, soft_wrap=soft_wrap)
    if console.width < _NARROWEST:  # of no columns at all, rich prints nothing
        console.width = _NARROWEST
    return console


out = terminal()
err = terminal(stderr=True)

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="The store. Default: .footnote", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def print_json(value: dict[str, Any]) -> None:
    """Print an object on a line of its own."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not plain)
    # What is no text in UTF-8 is written as JSON escapes it.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    # Not through rich, which would wrap and colour it.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
