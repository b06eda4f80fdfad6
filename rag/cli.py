"""The command line: ingest, status, remove, reindex, backup, restore, ask, search, serve, eval."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

import typer
from rich.markup import escape

from rag.ask_cli import ask, search
from rag.cli_options import DataDir, err
from rag.errors import RagError, StoreError
from rag.settings import keep_libraries_quiet, load_settings
from rag.store_cli import backup, ingest, reindex, remove, restore, status

app = typer.Typer(
    name="footnote",
    help="Ask your own documents; every sentence of an answer is footnoted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def serve(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one.")] = None,
) -> None:
    """Open the chat page and the API."""
    from rag.serve_command import run_server

    run_server(load_settings(data_dir=data_dir, host=host, port=port))


for command in (ingest, status, remove, reindex, backup, restore, ask, search, serve):
    app.command()(command)


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
