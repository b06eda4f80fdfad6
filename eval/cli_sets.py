"""The commands that make question sets. Importing this loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.cli_options import DataDir, DatasetPath, err, out
from rag.printable import escape

Drafts = Annotated[
    Path, typer.Option("--out", help="Drafts are added to this .csv or .jsonl file.")
]


def check(
    dataset: DatasetPath,
    data_dir: DataDir = None,
) -> None:
    """Look at a question set before it is run: its lines, its quotes, and what it lacks."""
    from eval.checkup import check_up
    from eval.loaders import load_dataset
    from eval.session import settings_with
    from rag.build import open_catalog

    loaded = load_dataset(dataset)
    with open_catalog(settings_with((), data_dir)) as catalog:
        found = check_up(loaded, catalog)
    for label, number in found.counts:
        out.print(f"{number:6d}  {escape(label)}", highlight=False)
    for fault in found.faults:
        out.print(f"[red]wrong[/]   {escape(fault)}", highlight=False)
    for each in found.advice:
        out.print(f"[yellow]better[/]  {escape(each)}", highlight=False)
    if found.faults:
        raise typer.Exit(1)
    out.print("It can be run.", highlight=False)


def from_documents(
    out_file: Drafts,
    count: Annotated[int, typer.Option(min=1, help="So many sentences are drawn.")] = 30,
    seed: Annotated[int, typer.Option(help="Another seed draws others.")] = 0,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Do not let the chat model write the questions.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Draw sentences of the store's documents to write questions for, or let FOOTNOTE_MODEL."""
    from eval.drafts import write_drafts
    from eval.from_documents import draft_of, sentences_to_ask, written_drafts
    from eval.judge import load_judge
    from eval.session import settings_with
    from eval.terminal import counter
    from rag.build import open_catalog

    settings = settings_with((), data_dir)
    with open_catalog(settings) as catalog:
        found = sentences_to_ask(catalog, count, seed)
    if settings.model and not by_hand:
        with counter(err, "Writing") as on_done:
            model = load_judge(settings)
            drafts = list(written_drafts(found, model, settings.model, on_done))
        todo = "Check each: is the answer right, and would somebody ask so?"
    else:
        drafts = [draft_of(one) for one in found]
        todo = "Write a question for each in words of your own; rows without one are left out."
    added = write_drafts(out_file, drafts)
    out.print(f"{added} drafts added to {escape(str(out_file))}. {todo}", highlight=False)


def from_history(
    out_file: Drafts,
    count: Annotated[int, typer.Option(min=1, help="At most so many, the latest.")] = 50,
    data_dir: DataDir = None,
) -> None:
    """Make draft cases of the questions kept in the history; nobody is named."""
    from eval.drafts import write_drafts
    from eval.feedback import asked_before, draft_cases
    from eval.session import settings_with

    found = asked_before(settings_with((), data_dir), count)
    _say_added(write_drafts(out_file, draft_cases(found, "history")), out_file)


def from_feedback(out_file: Drafts, data_dir: DataDir = None) -> None:
    """Make draft cases of the thumbs and comments given in the chat page."""
    from eval.drafts import write_drafts
    from eval.feedback import draft_cases, stored_feedback
    from eval.session import settings_with

    found = stored_feedback(settings_with((), data_dir))
    _say_added(write_drafts(out_file, draft_cases(found)), out_file)


def _say_added(added: int, out_file: Path) -> None:
    out.print(
        f"{added} drafts added to {escape(str(out_file))}. Check each, fill in what is missing, "
        "and remove its comment.",
        highlight=False,
    )
