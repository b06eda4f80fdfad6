"""Why a question went wrong: the first stage that lost its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eval.dataset import Relevant
from eval.run import Record, holds
from eval.scores import Scores, is_correct


class Cause(StrEnum):
    """What went wrong, in the words of the report."""

    ERROR = "failed with an error"
    INVENTED = "answered what the documents do not say"
    NOT_FOUND = "search did not find it"
    NOT_READ = "found, but ranked too low to be read"
    WITHHELD = "read, but withheld"
    MISREAD = "read, but something else was quoted"
    UNKNOWN = "withheld or wrong; the dataset names no passage"


ADVICE = {
    Cause.ERROR: "Read the message; the record keeps it.",
    Cause.INVENTED: "Raise abstain_below, or look at what the quotes have in common.",
    Cause.NOT_FOUND: "Other words than the documents': try passage_chars, another model, synonyms.",
    Cause.NOT_READ: "Raise read_k, or fuse differently: footnote eval tune.",
    Cause.WITHHELD: "Lower abstain_below, if the risk-coverage curve allows it.",
    Cause.MISREAD: "The reader chose another sentence: see which, below.",
    Cause.UNKNOWN: "Add relevant quotes to the dataset, and this report can say more.",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """How many of the answerable questions with a known passage came as far as this."""

    label: str
    count: int
    of: int


def cause_of(record: Record) -> Cause | None:
    """Return what went wrong with a question, None when nothing did."""
    case, answer = record["case"], record["answer"]
    if record["error"]:
        return Cause.ERROR
    if record.get("search_only"):
        return None if any(hit["holds"] for hit in record["found"]) else Cause.NOT_FOUND
    if is_correct(case, answer):
        return None
    if not case["answerable"]:
        return Cause.INVENTED
    relevant = [Relevant(**item) for item in case["relevant"]]
    if not relevant:
        return Cause.UNKNOWN
    if not any(holds(hit["source"], hit["text"], relevant) for hit in answer["hits"]):
        found = any(hit["holds"] for hit in record["found"])
        return Cause.NOT_READ if found else Cause.NOT_FOUND
    return Cause.WITHHELD if answer["abstained"] else Cause.MISREAD


def worst_first(records: Sequence[Record]) -> list[tuple[Record, Cause]]:
    """List what went wrong: errors, then wrong answers by their confidence, then silences."""
    wrong = [(record, cause) for record in records if (cause := cause_of(record))]

    def gravity(pair: tuple[Record, Cause]) -> tuple[int, float]:
        answer = pair[0]["answer"]
        if answer is None:
            return (0, 0.0)
        return (2, answer["confidence"]) if answer["abstained"] else (1, -answer["confidence"])

    return sorted(wrong, key=gravity)


def funnel(records: Sequence[Record], scores: Mapping[str, Scores]) -> list[Stage]:
    """Count how far the answers came, from search to a right answer.

    Each stage counts only questions that passed the one before, so the counts never rise.
    """
    asked = [
        r
        for r in records
        if r["case"]["answerable"] and r["case"]["relevant"] and not r.get("search_only")
    ]
    stages = [Stage("asked", len(asked), len(asked))]
    for label, measure in (
        ("found by search", "hit@50"),
        ("read", "read_relevant"),
        ("cited", "cited_relevant"),
        ("answered right", "correct"),
    ):
        asked = [r for r in asked if scores[r["id"]].get(measure, 0.0) > 0]
        stages.append(Stage(label, len(asked), stages[0].of))
    return stages if stages[0].of else []
