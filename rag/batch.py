"""Questions line by line: one JSON object in, one out, whatever becomes of the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from rag.cli_options import err, print_json
from rag.errors import InputError, RagError


def run_batch(batch: str, respond: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write one JSON line for each input line; a line that cannot be answered gets an `error`.

    `batch` names a file, or "-" the standard input. `respond` is given objects that have a
    question.

    Raises:
        InputError: the file cannot be opened.
        typer.Exit: a line could not be answered, when all have been tried.
    """
    failed = 0
    for number, text in _lines(batch):
        identity: Any = None
        try:
            line = _parse_line(number, text)
            identity = line.get("id")
            result = respond(line)
        except RagError as error:
            failed += 1
            result = {"error": {"message": error.message, "hint": error.hint}}
        print_json({"id": identity, **result})
    if failed:
        err.print(f"[yellow]{failed} line(s) could not be answered; see their error.[/]")
        raise typer.Exit(65)


def is_text(text: str) -> bool:
    """Whether a text can be stored and searched for: half a character cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _lines(batch: str) -> Iterator[tuple[int, bytes]]:
    try:
        stream = sys.stdin.buffer if batch == "-" else Path(batch).open("rb")  # noqa: SIM115
    except OSError as error:
        raise InputError(
            f"{batch}: cannot be opened ({error.strerror}).", "Check the path."
        ) from error
    with stream:
        for number, text in enumerate(stream, start=1):
            if text.strip():
                yield number, text


def _parse_line(number: int, text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or not UTF-8
        line = None
    question = line.get("question") if isinstance(line, dict) else None
    if not isinstance(question, str) or not is_text(question):
        raise InputError(
            f"Line {number} is not a JSON object with a question.",
            'Write lines such as {"id": "1", "question": "When did it begin?", "history": []}.',
        )
    return dict(line)
