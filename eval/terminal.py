"""Runs and comparisons as a terminal shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from eval.compare import Changed, Comparison
from eval.diagnose import cause_of, diagnose
from eval.judge import agreement
from eval.measures import GROUPS, MEASURES, show
from eval.run_files import Record, Run
from eval.scores import run_figures
from eval.session import OnRecord, RunSummary
from eval.threshold import Choice
from eval.tune import Check, Trial, Values, spread_of

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
            right += cause_of(record) is None
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
    causes = Counter(found.cause for found in diagnose(run).values() if found.cause)
    if causes:
        console.print(f"\n[bold]What went wrong[/] (each question: footnote eval why {run.name})")
    for cause, count in causes.most_common():
        console.print(f"  {count:4d}  {cause.value}", highlight=False)
    for note in run.header["notes"]:
        console.print(f"[yellow]{escape(note)}[/]", highlight=False)
    console.print()


def print_runs(console: Console, runs: Sequence[RunSummary]) -> None:
    """Print a line for each run, the newest first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("run", "questions", "figures"):
        table.add_column(heading)
    for run in runs:
        left = run.questions - run.asked
        table.add_row(
            escape(run.name),
            f"{run.asked} of {run.questions}" if left else str(run.asked),
            "unfinished"
            if left
            else ", ".join(f"{label} {value}" for label, value in run.figures[:3]) or "no report",
        )
    console.print(table)


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


def print_judge(console: Console, run: Run) -> None:
    """Print the judge's figure and how far it agrees with the exact measure."""
    found = agreement(run.records)
    estimate = run_figures(run.records).get("judge")
    if estimate is None or found.share is None:
        console.print(f"The judge scored nothing; {found.unscored} answers are unscored.")
        return
    interval = f"{show('judge', estimate.low)} to {show('judge', estimate.high)}"
    kappa = "" if found.kappa is None else f", Cohen's kappa {found.kappa:.2f}"
    console.print(
        f"Right, says the judge: {show('judge', estimate.value)} ({interval}) of {found.n} answers,"
        f" {found.unscored} unscored.\n"
        f"It agrees with the exact measure on {found.share:.0%}{kappa}.",
        highlight=False,
    )


def print_thresholds(console: Console, found: Choice) -> None:
    """Print what each threshold does, and what choosing the best is worth."""
    table = Table(title="Thresholds", title_justify="left", box=None, pad_edge=False)
    for heading in ("below", "right", "95 % interval", "lost", "caught", "wrong"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in found.rows:
        roles = ["now"] * (row.threshold == found.present) + ["best"] * (row is found.best)
        table.add_row(
            f"{row.threshold:.2f}",
            show("correct", row.right.value),
            f"{show('correct', row.right.low)} to {show('correct', row.right.high)}",
            *(show("correct", share) for share in (row.lost, row.caught, row.wrong)),
            ", ".join(roles),
            style="bold" if roles else "",
        )
    console.print(table)
    console.print(
        "lost: answerable, but silent; caught: unanswerable, met with silence; wrong: of the "
        "answers given",
        style="dim",
    )
    if found.best.threshold == found.present:
        console.print("\nKeep it: no other does better here.")
    elif found.gain is None:
        console.print("\nToo few questions to say what a change is worth: add some.")
    else:
        gap = found.gain
        console.print(
            f"\nEach fifth judged under the threshold that the others choose: right "
            f"{100 * gap.value:+.1f} points against {found.present:g} "
            f"({100 * gap.low:+.1f} to {100 * gap.high:+.1f}, p {gap.p:.3f}).",
            highlight=False,
        )


def print_trials(console: Console, trials: Sequence[Trial], best: Trial, measure: str) -> None:
    """Print the frontier of quality against time, and what each setting does on average."""
    label = MEASURES[measure].label
    table = Table(title="Frontier, fastest first", title_justify="left", box=None, pad_edge=False)
    names = list(best.values)
    for name in (*names, label, "95 % interval", "median", ""):
        table.add_column(name, justify="right")
    for trial in trials:
        if trial.on_frontier or trial is best:
            quality = trial.quality
            interval = f"{show(measure, quality.low)} to {show(measure, quality.high)}"
            table.add_row(
                *(str(trial.values[name]) for name in names),
                show(measure, quality.value),
                interval,
                f"{trial.milliseconds:,.0f} ms",
                "winner" if trial is best else "",
            )
    console.print(table)
    console.print("\n[bold]On average[/]")
    for name, value, mean in spread_of(trials):
        console.print(f"  {name} {value}: {show(measure, mean)}", highlight=False)


def print_check(console: Console, tag: str, found: Check) -> None:
    """Print how the winner does against the present settings on questions it was not chosen on."""
    gap = found.difference
    console.print(
        f"On {tag}, {gap.n} questions: {found.measure} {found.present:.3f} as set, "
        f"{found.winner:.3f} as tuned, difference {gap.value:+.3f} "
        f"({gap.low:+.3f} to {gap.high:+.3f}, p {gap.p:.3f}).",
        highlight=False,
    )


@contextmanager
def counter(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar for anything that counts (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def trial_progress(console: Console) -> Iterator[Callable[[int, int, Values], None]]:
    """Show which settings are being tried."""
    with counter(console, "Trying") as on_count:
        yield lambda done, total, values: on_count(done, total)


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
