"""The command line: ingest, status, remove, reindex, backup, restore, ask, search, serve, eval."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from rag.errors import InputError, RagError, StoreError
from rag.settings import keep_libraries_quiet, load_settings
from rag.store.collections import checked_collection
from rag.store.filters import Condition, Within, parse_filter

app = typer.Typer(
    name="footnote",
    help="Ask your own documents; every sentence of an answer is footnoted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(soft_wrap=False)
err = Console(stderr=True)

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="The store. Default: .footnote", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
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


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or patterns.")],
    data_dir: DataDir = None,
    dry_run: Annotated[bool, typer.Option(help="Show what would be done; change nothing.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Take out what lay under the paths and is gone.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and follow every change of the paths.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option("--ray", help="Embed on the Ray cluster at ADDRESS (auto, or HOST:6379)."),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(help="Put all of it there. Else: where it is, new files into “default”."),
    ] = None,
) -> None:
    """Bring documents into the store: new ones, changed ones, and those that were moved."""
    from rag import terminal
    from rag.ingest_command import run_ingest

    settings = load_settings(data_dir=data_dir)
    if collection is not None:
        checked_collection(collection)
    if dry_run:
        from rag.build import plan_ingest

        steps = plan_ingest(settings, paths, prune=prune, collection=collection)
        terminal.print_plan(out, steps)
        return
    if watch:
        if ray is not None:
            raise InputError("--watch and --ray do not go together.", "Give one of them.")
        from rag.watch_command import run_watch

        run_watch(settings, paths, out, err, prune=prune, collection=collection)
        return
    if ray is not None:
        from rag.ray_command import run_on_ray

        report = run_on_ray(settings, paths, ray, err, prune=prune, collection=collection)
    else:
        report = run_ingest(settings, paths, err, prune=prune, collection=collection)
    terminal.print_report(out, report)
    if report.problems or report.still_unread:
        raise typer.Exit(65)


@app.command()
def status(
    data_dir: DataDir = None,
    as_json: Json = False,
    problems: Annotated[bool, typer.Option(help="List the files that could not be read.")] = False,
) -> None:
    """Tell what is in the store, which models it uses and whether its indexes are in step."""
    from rag.status import print_status, store_status

    found = store_status(load_settings(data_dir=data_dir))
    if as_json:
        _print_json(found)
    else:
        print_status(out, found, problems=problems)


@app.command()
def remove(
    documents: Annotated[
        list[str], typer.Argument(help="Files, folders, sources or document ids.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Take documents out of the store."""
    from rag.build import open_catalog_for_writing
    from rag.ingest.pipeline import remove_sources

    with open_catalog_for_writing(load_settings(data_dir=data_dir)) as catalog:
        removed = list(remove_sources(catalog, documents))
    if not removed:
        raise InputError(
            f"The store has no document {', '.join(map(repr, documents))}.",
            "See what it holds with: footnote status",
        )
    out.print(f"Removed {len(removed)}: {escape(', '.join(removed[:20]))}", highlight=False)


@app.command()
def reindex(data_dir: DataDir = None) -> None:
    """Split and embed the whole store again, after a change of model or passage size."""
    from rag.ingest_command import run_reindex

    run_reindex(load_settings(data_dir=data_dir), err)
    out.print("The store is reindexed.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it.")], data_dir: DataDir = None
) -> None:
    """Write the whole store into one file; it may be in use meanwhile."""
    from rag.backup_command import run_backup

    counts = run_backup(load_settings(data_dir=data_dir), file)
    out.print(f"{counts.documents} documents, {counts.passages} passages: {escape(str(file))}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What footnote backup wrote.")],
    data_dir: DataDir = None,
) -> None:
    """Put a backup in place of the store, which may be damaged, missing or in use."""
    from rag.backup_command import run_restore

    counts = run_restore(load_settings(data_dir=data_dir), file)
    out.print(f"Restored {counts.documents} documents, {counts.passages} passages.")


@app.command()
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
            _print_json(answer_to_dict(answer))
        else:
            terminal.print_answer(out, answer)


@app.command()
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
            _print_json(found(_given(query)))
        else:
            terminal.print_hits(out, parts.assistant.search(_given(query), k, conditions))


@app.command()
def serve(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one.")] = None,
) -> None:
    """Open the chat page and the API."""
    from rag.serve_command import run_server

    run_server(load_settings(data_dir=data_dir, host=host, port=port))


def main() -> None:
    """Run the command line; errors that a person can mend print without a traceback."""
    keep_libraries_quiet()
    _mount_eval()
    _mount_access()
    _mount_history()
    try:
        app()
    except RagError as error:
        err.print(f"[red]Error:[/] {escape(error.message)}", highlight=False)
        if error.hint:
            err.print(f"  {escape(error.hint)}", highlight=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("Stopped.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has gone; there is nobody to tell
        sys.exit(141)
    except OSError as error:  # a disk that fails or is full, wherever that shows
        err.print(f"[red]Error:[/] {escape(str(error))}", highlight=False)
        err.print("  Check the disk and its free space; what was stored is intact.")
        sys.exit(StoreError.exit_code)


def _mount_eval() -> None:
    """Add the evaluation commands; by name, because rag does not depend on eval."""
    if sys.argv[1:2] in (["eval"], ["--help"], []):
        app.add_typer(importlib.import_module("eval.cli").eval_app, name="eval")


def _mount_access() -> None:
    """Add the commands around who may come in; what they import, the others need not wait for."""
    if sys.argv[1:2] in (["token"], ["access"], ["embed"], ["--help"], []):
        from rag.access_cli import access_app, embed_app, token_app

        app.add_typer(token_app, name="token")
        app.add_typer(access_app, name="access")
        app.add_typer(embed_app, name="embed")


def _mount_history() -> None:
    """Add the commands around what is kept of people."""
    if sys.argv[1:2] in (["history"], ["--help"], []):
        from rag.history_cli import history_app

        app.add_typer(history_app, name="history")


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


def _print_json(value: dict[str, Any]) -> None:
    # Not through rich, which would wrap and colour it.
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _run_batch(batch: str, respond: Any) -> None:
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
        _print_json({"id": identity, **result})
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
