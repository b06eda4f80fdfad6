"""The command line: ingest, status, remove, reindex, backup, restore, ask, search, serve, eval."""

from __future__ import annotations

import importlib
import io
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from rag.ask_cli import ask, search
from rag.cli_options import DataDir, err
from rag.errors import RagError, StoreError
from rag.printable import escape
from rag.settings import keep_libraries_quiet, load_settings
from rag.store_cli import backup, ingest, reindex, remove, restore, status

app = typer.Typer(
    name="footnote",
    help="Ask your own documents; every sentence of an answer is footnoted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"footnote {version('footnote')}")
        raise typer.Exit


@app.callback()
def _every_command(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    """Take what stands before the name of a command."""


def serve(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one.")] = None,
) -> None:
    """Open the chat page and the API."""
    from rag.serve_command import run_server

    run_server(load_settings(data_dir=data_dir, host=host, port=port))


_PLAIN = (ingest, status, remove, reindex, backup, restore, ask, search, serve)
for command in _PLAIN:
    app.command()(command)


def main() -> None:
    """Run the command line; errors that a person can mend print without a traceback."""
    keep_libraries_quiet()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows ? instead
    if sys.argv[1:2] not in [[command.__name__] for command in _PLAIN]:
        _mount_groups()
    try:
        app()
    except RagError as error:
        err.print(f"[red]Error:[/] {escape(error.message)}", highlight=False)
        if error.hint:
            err.print(f"  {escape(error.hint)}", highlight=False)
        sys.exit(error.exit_code)
    except OSError as error:  # a disk that fails or is full, wherever that shows
        what = error.strerror or str(error)
        where = f"{error.filename}: " if error.filename else ""
        err.print(f"[red]Error:[/] {escape(where + what)}", highlight=False)
        err.print(f"  {_hint(error)}", highlight=False)
        sys.exit(StoreError.exit_code)


def _hint(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Choose a place that you may write to, or run the command as somebody who may."
    return "Check the disk and its free space; what was stored is intact."


def _mount_groups() -> None:
    """Add the groups of commands; what they import, the plain commands need not wait for."""
    from rag.access_cli import access_app, embed_app, token_app
    from rag.history_cli import history_app

    # By name, because rag does not depend on eval.
    app.add_typer(importlib.import_module("eval.cli").eval_app, name="eval")
    app.add_typer(token_app, name="token")
    app.add_typer(access_app, name="access")
    app.add_typer(embed_app, name="embed")
    app.add_typer(history_app, name="history")
