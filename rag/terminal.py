"""How answers, hits, plans and reports look in a terminal."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console

from rag.ingest.files import Action, Step
from rag.ingest.report import Report, counts
from rag.printable import escape, escape_name
from rag.support_words import text_with_remarks
from rag.types import Answer, Citation, Clarification, Hit, Passage

NO_ANSWER = "The documents do not say."


def print_answer(console: Console, answer: Answer) -> None:
    """Print an answer and its footnotes, or that there is none and the nearest passages."""
    if answer.note:
        console.print(f"[yellow]{escape(answer.note)}[/]", highlight=False)
    if answer.clarification is not None:
        _print_clarification(console, answer.clarification)
        return
    if answer.abstained:
        console.print(f"[bold]{NO_ANSWER}[/]")
        if answer.hits:
            console.print("[dim]The nearest passages:[/]")
            print_hits(console, answer.hits[:3])
        return
    console.print(escape(text_with_remarks(answer)), highlight=False)
    console.print()
    for citation in answer.citations:
        for line in _citation_lines(citation, console.width):
            console.print(line, highlight=False)


def _print_clarification(console: Console, asked: Clarification) -> None:
    """Print a question back, and the questions that can be asked instead."""
    console.print(f"[bold]{escape(asked.question)}[/]", highlight=False)
    for choice in asked.choices:
        console.print(f"  · {escape(choice.label)}", highlight=False)
    console.print("[dim]For example:[/]")
    example = f"  footnote ask {escape(shlex.quote(asked.choices[0].question))}"
    # One line, however long: it is there to be copied.
    console.print(example, style="dim", highlight=False, soft_wrap=True)


def print_hits(console: Console, hits: Sequence[Hit]) -> None:
    """Print hits, best first, with the beginning of each passage."""
    for hit in hits:
        console.print(
            f"[bold]{hit.rank}.[/] {_place(hit.passage)} [dim]{hit.score:.4f}[/]",
            highlight=False,
        )
        text = " ".join(hit.passage.text.split())
        short = textwrap.shorten(text, width=240, placeholder=" …")
        console.print(textwrap.indent(escape(short), "   "), style="dim", highlight=False)


def print_plan(console: Console, steps: Sequence[Step]) -> None:
    """Print what an ingest would do, file by file, unchanged ones only counted."""
    for step in steps:
        if step.unread:
            what = f"{step.source} ({step.reason}): as before, it cannot be read"
            console.print(f"{'unread':>9}  {escape_name(what)}", highlight=False)
        elif step.action != Action.KEEP:
            reason = f" ({step.reason})" if step.reason else ""
            console.print(f"{step.action:>9}  {escape_name(step.source + reason)}", highlight=False)
    console.print(_counts(steps), highlight=False)


def print_report(console: Console, report: Report) -> None:
    """Print what an ingest did and which files could not be read."""
    for problem in report.problems:
        console.print(
            f"[red]problem[/]  {escape(problem.message)} [dim]({escape(problem.reason)})[/]",
            highlight=False,
        )
        if problem.hint:
            console.print(f"         {escape(problem.hint)}", style="dim", highlight=False)
    for step in report.still_unread[:10]:
        how = "it cannot be read" if step.unread else "not all of it can be read"
        what = f"{step.source} ({step.reason}): as before, {how}"
        console.print(f"[red]problem[/]  {escape(what)}", highlight=False)
    if report.still_unread:
        console.print("         Why, and what to do: footnote status --problems", style="dim")
    skipped = [step for step in report.steps if step.action == Action.SKIP]
    for step in skipped[:10]:
        console.print(
            f"[yellow]skipped[/]  {escape_name(step.source)} ({step.reason})", highlight=False
        )
    if len(skipped) > 10:
        what = f"and {len(skipped) - 10} more; all of them: footnote ingest --dry-run"
        console.print(f"         {what}", style="dim")
    if gone := report.count(Action.GONE):
        what = f"{gone} file(s) are gone; their documents are kept."
        console.print(f"[yellow]gone[/]     {what}", highlight=False)
        console.print("         To take them out too: footnote ingest --prune", style="dim")
    if not report.steps:
        console.print("[yellow]nothing[/]  There are no files under the paths given.")
    rate = report.characters / report.seconds if report.seconds else 0.0
    console.print(
        f"Files: {_counts(report.steps)}. Documents: {report.documents} written, "
        f"{report.removed_documents} removed. Passages: {report.passages}, {report.embedded} "
        f"embedded ({rate:,.0f} characters/s, {report.seconds:.1f} s).",
        highlight=False,
    )


def _counts(steps: Sequence[Step]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts(steps).items()) or "none"


def _citation_lines(citation: Citation, width: int) -> Iterator[str]:
    indent = " " * (len(str(citation.marker)) + 3)
    yield f"[bold]\\[{citation.marker}][/] {_place(citation.passage)}"
    quote = " ".join(citation.quote.split())
    for line in textwrap.wrap(f"“{quote}”", max(width - len(indent), 20)):
        yield f"[dim]{indent}{escape(line)}[/]"


def _place(passage: Passage) -> str:
    page = f", page {passage.page}" if passage.page else ""
    date = f", {passage.date}" if passage.date else ""
    return escape_name(f"{passage.context}{date} ({passage.source}{page})")
