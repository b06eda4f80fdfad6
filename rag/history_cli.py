"""Commands around what is kept of people: footnote history people | export | erase | audit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rag.cli_options import DataDir
from rag.errors import InputError
from rag.history.export import audit_to_dict, person_to_dict
from rag.history.records import History
from rag.history.retention import forget_old
from rag.printable import escape_name
from rag.settings import Settings, load_settings

out = Console(soft_wrap=True)
err = Console(stderr=True)
history_app = typer.Typer(
    help="Conversations, feedback and the audit: what is kept of whom.", no_args_is_help=True
)

Person = Annotated[str, typer.Argument(help='As "people" names them, such as "user ann".')]


@history_app.command()
def people(data_dir: DataDir = None) -> None:
    """List everybody of whom something is kept."""
    with _history(load_settings(data_dir=data_dir)) as history:
        found = history.people()
    for name, counts in found.items():
        out.print(
            f"{escape_name(name)}: {counts.conversations} conversations, "
            f"{counts.feedback} feedback, {counts.audit_lines} audit lines, "
            f"{counts.sign_ins} sign-ins",
            highlight=False,
        )
    if not found:
        out.print("Nothing is kept of anybody.")


@history_app.command()
def export(
    person: Person,
    file: Annotated[Path | None, typer.Option("--out", help="Write to this file.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write all that is kept of a person as one JSON object."""
    with _history(load_settings(data_dir=data_dir)) as history:
        _known(history, person)
        found = person_to_dict(history, person, with_audit=True)
    text = json.dumps(found, ensure_ascii=True, indent=1) + "\n"
    if file is None:
        sys.stdout.write(text)
        return
    file.write_text(text, encoding="utf-8")
    out.print(
        f"All that is kept of {escape_name(person)}: {escape_name(str(file))}", highlight=False
    )


@history_app.command()
def erase(
    person: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete a person's conversations, feedback and sign-ins, and their name from the audit."""
    settings = load_settings(data_dir=data_dir)
    with _history(settings) as history:
        _known(history, person)
        if not yes:
            typer.confirm(f"Delete all that is kept of {person}, for good?", abort=True)
        gone = history.erase(person, with_audit=True)
    out.print(
        f"Deleted {gone.conversations} conversations and {gone.feedback} feedback, "
        f"ended {gone.sign_ins} sign-ins; "
        f"{gone.audit_lines} audit lines name nobody any more.",
        highlight=False,
    )
    for name in ("audit.jsonl", "feedback.jsonl"):
        if (settings.data_dir / name).exists():
            err.print(
                f"{escape_name(str(settings.data_dir / name))} of an earlier version was taken "
                "over and is still there: delete it, and backups, yourself.",
                highlight=False,
            )


@history_app.command()
def audit(
    person: Annotated[str | None, typer.Option("--person", help="Only theirs.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write the audit, one JSON object a line, oldest first."""
    with _history(load_settings(data_dir=data_dir)) as history:
        for line in history.audit(person):
            sys.stdout.write(json.dumps(audit_to_dict(line)) + "\n")


@history_app.command()
def forget(data_dir: DataDir = None) -> None:
    """Delete now what is older than the settings allow; a running server does so every day."""
    settings = load_settings(data_dir=data_dir)
    with _history(settings) as history:
        gone = forget_old(history, settings)
    out.print(
        f"Deleted {gone.conversations} conversations, {gone.feedback} feedback and "
        f"{gone.audit_lines} audit lines.",
        highlight=False,
    )
    if not (settings.keep_days or settings.keep_audit_days):
        out.print("Nothing is too old: FOOTNOTE_KEEP_DAYS and FOOTNOTE_KEEP_AUDIT_DAYS are 0.")


@contextmanager
def _history(settings: Settings) -> Iterator[History]:
    """Open the history.

    Raises:
        InputError: there is no folder that could hold it; "nothing is kept" would be no answer.
    """
    from rag.history.opening import open_history  # takes a moment to import

    if not settings.history_url.get_secret_value() and not settings.data_dir.is_dir():
        raise InputError(
            f"There is no folder {settings.data_dir}, so nothing is kept there.",
            "Name the store with --data-dir, or its database with FOOTNOTE_HISTORY_URL.",
        )
    history = open_history(settings)
    try:
        yield history
    finally:
        history.close()


def _known(history: History, person: str) -> None:
    """See that something is kept of a person.

    Raises:
        InputError: nothing is.
    """
    if person not in history.people():
        raise InputError(
            f"Nothing is kept of {person!r}.", "See of whom there is: footnote history people"
        )
