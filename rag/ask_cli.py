"""The commands that ask a store."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rag.batch import is_text, run_batch
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

            run_batch(batch, respond)
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
            run_batch(batch, lambda line: found(line["question"]))
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
    if not is_text(text):  # what the shell gave is in another encoding
        raise InputError("The question is not UTF-8.", "Set the terminal to UTF-8, or use --batch.")
    return text
