"""The commands that ask a store."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from rag.cli_options import DataDir, Json, err, out, print_json
from rag.errors import InputError, RagError
from rag.settings import load_settings
from rag.store.collections import checked_collection
from rag.store.filters import Condition, Within, parse_filter

Batch = Annotated[
    str | None,
    typer.Option("--batch", help="Answer one {id, question, history} per line of FILE, or - ."),
]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", help="Only documents with FIELD=VALUE, FIELD>=VALUE or FIELD<=VALUE."),
]
Collection = Annotated[
    str | None, typer.Option("--collection", help="Only documents of this collection.")
]


def ask(
    question: Annotated[str | None, typer.Argument(help="The question.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
    batch: Batch = None,
    filters: Filters = None,
    collection: Collection = None,
) -> None:
    """Answer a question, with footnotes."""
    from rag import terminal
    from rag.answer_json import answer_to_dict
    from rag.answering.asked import parse_history
    from rag.build import open_parts
    from rag.types import Question

    conditions = _conditions(filters, collection)
    with open_parts(load_settings(data_dir=data_dir)) as parts:
        if batch is not None:

            def respond(line: dict[str, Any]) -> dict[str, Any]:
                history = parse_history(line.get("history") or ())
                asked = Question(line["question"], history)
                return answer_to_dict(parts.assistant.answer(asked, conditions))

            _run_batch(batch, respond)
            return
        answer = parts.assistant.answer(Question(_given(question)), conditions)
        if as_json:
            print_json(answer_to_dict(answer))
        else:
            terminal.print_answer(out, answer)


def search(
    query: Annotated[str | None, typer.Argument(help="What to search for.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits.")] = 10,
    data_dir: DataDir = None,
    as_json: Json = False,
    batch: Batch = None,
    filters: Filters = None,
    collection: Collection = None,
) -> None:
    """Show the passages that a search finds, without an answer."""
    from rag import terminal
    from rag.answer_json import hit_to_dict
    from rag.build import open_parts

    conditions = _conditions(filters, collection)
    with open_parts(load_settings(data_dir=data_dir)) as parts:

        def found(text: str) -> dict[str, Any]:
            hits = parts.assistant.search(text, k, conditions)
            return {"query": text, "hits": [hit_to_dict(hit) for hit in hits]}

        if batch is not None:
            _run_batch(batch, lambda line: found(line["question"]))
        elif as_json:
            print_json(found(_given(query)))
        else:
            terminal.print_hits(out, parts.assistant.search(_given(query), k, conditions))


def _conditions(filters: list[str] | None, collection: str | None) -> list[Condition]:
    conditions: list[Condition] = [parse_filter(text) for text in filters or ()]
    if collection is not None:
        conditions.append(Within(frozenset({checked_collection(collection)})))
    return conditions


def _given(text: str | None) -> str:
    if text is None:
        raise InputError(
            "There is no question.", 'Write it in quotes: footnote ask "When did it begin?"'
        )
    return text


def _run_batch(batch: str, respond: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write one JSON line for each input line; a line that cannot be answered gets an `error`."""
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


def _lines(batch: str) -> Iterator[tuple[int, str]]:
    try:
        stream = sys.stdin if batch == "-" else Path(batch).open(encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise InputError(
            f"{batch}: cannot be opened ({error.strerror}).", "Check the path."
        ) from error
    with stream:
        for number, text in enumerate(stream, start=1):
            if text.strip():
                yield number, text


def _parse_line(number: int, text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict) or not isinstance(line.get("question"), str):
        raise InputError(
            f"Line {number} is not a JSON object with a question.",
            'Write lines such as {"id": "1", "question": "When did it begin?", "history": []}.',
        )
    return line
