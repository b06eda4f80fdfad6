"""Runs and comparisons as a terminal shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from eval.compare import Changed, Comparison
from eval.diagnose import cause_of
from eval.measures import GROUPS, MEASURES, show
from eval.run import Record, Run
from eval.scores import is_correct, run_figures
from eval.session import OnRecord

_SHOWN = 5


@contextmanager
def progress(console: Console, total: int) -> Iterator[OnRecord]:
    """Show how far a run is, and how many answers were right so far."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[right]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Preparing", total=total, right="")
        right = asked = 0

        def on_record(done: int, total: int, record: Record) -> None:
            nonlocal right, asked
            asked += 1
            right += is_correct(record["case"], record["answer"])
            bar.update(
                task, description="Asking", completed=done, right=f"{right / asked:.0%} right"
            )

        yield on_record


def print_figures(console: Console, run: Run) -> None:
    """Print every figure with its interval, and what went wrong."""
    figures = run_figures(run.records)
    dataset = run.header["dataset"]
    table = Table(
        title=f"{dataset['name']}: {len(run.records)} questions, {run.header['system']}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("figure")
    for heading in ("value", "95 % interval", "n"):
        table.add_column(heading, justify="right")
    for group in GROUPS:
        rows = [name for name in figures if MEASURES[name].group == group]
        if rows:
            table.add_row(f"[bold]{group}[/]")
        for name in rows:
            estimate = figures[name]
            interval = f"{show(name, estimate.low)} to {show(name, estimate.high)}"
            table.add_row(
                f"  {MEASURES[name].label}", show(name, estimate.value), interval, str(estimate.n)
            )
    console.print(table)
    causes = Counter(cause for record in run.records if (cause := cause_of(record)))
    if causes:
        console.print("\n[bold]What went wrong[/]")
    for cause, count in causes.most_common():
        console.print(f"  {count:4d}  {cause.value}", highlight=False)
    for note in run.header["notes"]:
        console.print(f"[yellow]{escape(note)}[/]", highlight=False)
    console.print()


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the differences and the questions behind them."""
    a, b = comparison.a.name, comparison.b.name
    table = Table(
        title=f"{b} against {a}: {comparison.shared} questions",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("figure")
    for heading in ("before", "now", "difference", "95 % interval", "p"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in comparison.rows:
        style = {"better": "green", "worse": "red"}.get(row.verdict, "")
        table.add_row(
            MEASURES[row.name].label,
            show(row.name, row.a),
            show(row.name, row.b),
            f"{row.difference:+.3f}",
            f"{row.low:+.3f} to {row.high:+.3f}",
            "" if row.p is None else f"{row.p:.3f}",
            row.verdict,
            style=style,
        )
    console.print(table)
    _print_changed(console, "Got better", comparison.better)
    _print_changed(console, "Got worse", comparison.worse)


def _print_changed(console: Console, heading: str, changes: tuple[Changed, ...]) -> None:
    if not changes:
        return
    console.print(f"\n[bold]{heading}[/] ({len(changes)})")
    for change in changes[:_SHOWN]:
        console.print(f"  {escape(change.question)}", highlight=False)
        console.print(f"    before: {_said(change.record_a)}", style="dim", highlight=False)
        console.print(f"    now:    {_said(change.record_b)}", style="dim", highlight=False)


def _said(record: Record) -> str:
    if record["error"]:
        return escape(f"{record['error']['kind']}: {record['error']['message']}")
    answer = record["answer"]
    return "the documents do not say" if answer["abstained"] else escape(answer["text"][:160])
