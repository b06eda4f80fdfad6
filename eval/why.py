"""Every question of a run and what became of it: in a terminal, and as a spreadsheet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from eval.dataset import Relevant
from eval.diagnose import ADVICE, Cause, Diagnosis, diagnose, worst_first
from eval.run import holds
from eval.run_files import Record, Run
from eval.scores import plain_text
from eval.spreadsheet import harmless
from rag.errors import InputError
from rag.printable import escape

_COLUMNS = (
    "id",
    "question",
    "right",
    "what went wrong",
    "why",
    "rank of the wanted passage",
    "its rank among what was read",
    "confidence",
    "confidence less abstain_below",
    "answerable",
    "it said",
    "it held back",
    "reference answers",
    "wanted",
    "tags",
)
_SILENT = "the documents do not say"
_READ_SHOWN = 10


def write_questions(path: Path, run: Run) -> Path:
    """Write a row for each question, in the order of the dataset, as a .csv."""
    found = diagnose(run)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for record in run.records:
            writer.writerow([harmless(cell) for cell in _cells(record, found[record["id"]])])
    return path


def questions_shown(
    run: Run, ids: Sequence[str] = (), cause: str = ""
) -> list[tuple[Record, Diagnosis]]:
    """Return the questions named, or else what went wrong, the worst first.

    `cause` keeps those whose cause holds these words.

    Raises:
        InputError: an id that the run does not have, or words that no cause holds.
    """
    if cause and not any(cause.lower() in each for each in Cause):
        raise InputError(f"No cause holds {cause!r}.", "Causes: " + "; ".join(Cause) + ".")
    if not ids:
        return [pair for pair in worst_first(run) if cause.lower() in str(pair[1].cause)]
    by_id = {record["id"]: record for record in run.records}
    if unknown := [each for each in ids if each not in by_id]:
        known = ", ".join(list(by_id)[:8])
        raise InputError(f"{run.name} has no question {unknown[0]!r}.", f"It has {known}, ...")
    found = diagnose(run)
    return [(by_id[each], found[each]) for each in ids]


def print_why(
    console: Console, run: Run, shown: Sequence[tuple[Record, Diagnosis]], *, whole: bool
) -> None:
    """Print what became of questions; `whole` with all that was read."""
    causes = Counter(found.cause for _, found in shown if found.cause)
    for record, found in shown:
        _print_one(console, record, found, whole=whole)
    if not shown:
        console.print("Nothing went wrong.")
    if not whole and causes:
        console.print("[bold]What to do[/]")
    for cause, count in causes.most_common() if not whole else ():
        console.print(f"  {count:4d}  {cause.value}. {escape(ADVICE[cause])}", highlight=False)


def _print_one(console: Console, record: Record, found: Diagnosis, *, whole: bool) -> None:
    case = record["case"]
    console.print(
        f"[bold]{escape(case['question'])}[/]  [dim]{escape(record['id'])}[/]", highlight=False
    )
    verdict = f"[red]{found.cause.value}[/]. {escape(found.why)}" if found.cause else "right"
    lines = {"": verdict, "said": escape(_said(record["answer"]))}
    if held := _said(record.get("insisted"), ""):
        lines["held back"] = escape(held)
    lines["wanted"] = escape(_wanted(record))
    for name, text in lines.items():
        console.print(f"  [dim]{name:9}[/] {text}" if name else f"  {text}", highlight=False)
    if whole:
        _print_read(console, record)
    console.print()


def _print_read(console: Console, record: Record) -> None:
    relevant = [Relevant(**item) for item in record["case"]["relevant"]]
    answer = record["answer"]
    if answer and answer["query"] != record["case"]["question"]:
        console.print(f"  [dim]query    [/] {escape(answer['query'])}", highlight=False)
    for hit in (answer["hits"] if answer else [])[:_READ_SHOWN]:
        mark = "[green]wanted[/] " if holds(hit["source"], hit["text"], relevant) else ""
        text = escape(_line(hit["text"], 140))
        console.print(
            f"  [dim]{hit['rank']:4d}[/] {mark}{escape(hit['source'].rsplit('/', 1)[-1])}: {text}",
            highlight=False,
        )


def _cells(record: Record, found: Diagnosis) -> list[str]:
    case = record["case"]
    return [
        record["id"],
        case["question"],
        "no" if found.cause else "yes",
        str(found.cause or ""),
        found.why,
        _number(found.rank),
        _number(found.read_rank),
        _number(found.confidence),
        _number(found.margin),
        "yes" if case["answerable"] else "no",
        _said(record["answer"], most=1000),
        _said(record.get("insisted"), "", most=1000),
        "\n".join(case["answers"]),
        "\n".join(_place(item) for item in case["relevant"]),
        ", ".join(case["tags"]),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _said(answer: Mapping[str, Any] | None, nothing: str = _SILENT, most: int = 300) -> str:
    if answer is None:
        return ""
    if answer["abstained"]:
        return nothing
    sources = dict.fromkeys(each["source"].rsplit("/", 1)[-1] for each in answer["citations"])
    from_where = f" ({', '.join(sources)})" if sources else ""
    return _line(plain_text(answer), most) + from_where


def _wanted(record: Record) -> str:
    case = record["case"]
    if not case["answerable"]:
        return "silence: the documents do not answer this"
    parts = [" / ".join(case["answers"]), *(_place(item) for item in case["relevant"])]
    return "; ".join(part for part in parts if part)


def _place(item: Mapping[str, Any]) -> str:
    quote = _line(item["quote"], 200)
    return f"{item['source']}: “{quote}”" if quote else str(item["source"])


def _line(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
