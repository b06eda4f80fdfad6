"""The commands that ask a store."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rag.batch import is_text, run_batch
from rag.cli_checks import existing_store, tell_what_fits_nothing
from rag.cli_options import DataDir, Json, out, print_json
from rag.errors import InputError
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
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="The question.")
    ] = None,
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
    question = _given(words, batch)
    with open_parts(existing_store(load_settings(data_dir=data_dir))) as parts:
        tell_what_fits_nothing(parts.catalog, conditions)
        if batch is not None:

            def respond(line: dict[str, Any]) -> dict[str, Any]:
                history = parse_history(line.get("history") or ())
                asked = Question(line["question"], history)
                return answer_to_dict(parts.assistant.answer(asked, conditions))

            run_batch(batch, respond)
            return
        answer = parts.assistant.answer(Question(question), conditions)
        if as_json:
            print_json(answer_to_dict(answer))
        else:
            terminal.print_answer(out, answer)


def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUERY", help="What to search for.")
    ] = None,
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
    query = _given(words, batch)
    with open_parts(existing_store(load_settings(data_dir=data_dir))) as parts:
        tell_what_fits_nothing(parts.catalog, conditions)

        def found(text: str) -> dict[str, Any]:
            hits = parts.assistant.search(text, k, conditions)
            return {"query": text, "hits": [hit_to_dict(hit) for hit in hits]}

        if batch is not None:
            run_batch(batch, lambda line: found(line["question"]))
        elif as_json:
            print_json(found(query))
        else:
            terminal.print_hits(out, parts.assistant.search(query, k, conditions))


def _conditions(filters: list[str] | None, collection: str | None) -> list[Condition]:
    for text in filters or ():
        if not is_text(text):
            raise InputError(f"The filter {text!r} is not UTF-8.", "Set the terminal to UTF-8.")
    conditions: list[Condition] = [parse_filter(text) for text in filters or ()]
    if collection is not None:
        conditions.append(Within(frozenset({checked_collection(collection)})))
    return conditions


def _given(words: list[str] | None, batch: str | None) -> str:
    """Return the question, which a shell has parted into words when it was not quoted."""
    text = " ".join(words or ())
    if batch is not None:
        if text:
            raise InputError(
                f"There is a question, {text!r}, and a --batch of others.", "Give one of them."
            )
        return ""
    if not text.strip():
        raise InputError(
            "There is no question.", 'Write it in quotes: footnote ask "When did it begin?"'
        )
    if not is_text(text):  # what the shell gave is in another encoding
        raise InputError("The question is not UTF-8.", "Set the terminal to UTF-8, or use --batch.")
    return text
