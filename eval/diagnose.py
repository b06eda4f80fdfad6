"""Why a question went wrong: the first stage that lost its answer, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eval.dataset import Relevant, same_source
from eval.run import DEPTH, holds
from eval.run_files import Record, Run
from eval.scores import Scores, is_correct
from rag.answering.reading.evidence import READ_FIRST


class Cause(StrEnum):
    """What went wrong, in the words of the report."""

    ERROR = "failed with an error"
    INVENTED = "answered what the documents do not say"
    NOT_ASKED = "not taken for a question"
    ASKED_BACK = "asked back instead of answering"
    HELD_BACK = "right, but withheld as too unsure"
    ABSENT = "its document is not in the store"
    NOT_FOUND = "search did not find it"
    NOT_READ = "found, but ranked too low to be read"
    WITHHELD = "read, but withheld"
    MISREAD = "read, but something else was quoted"
    UNKNOWN = "withheld or wrong; the dataset names no passage"


ADVICE = {
    Cause.ERROR: "Read the message; the record keeps it.",
    Cause.INVENTED: "Raise abstain_below (footnote eval threshold), or see what the quotes share.",
    Cause.NOT_ASKED: "It reads like small talk or says nothing to search for: ask it in full.",
    Cause.ASKED_BACK: "The question leaves open what it is about: name it, or give its history.",
    Cause.HELD_BACK: "Lower abstain_below: footnote eval threshold says what that costs.",
    Cause.ABSENT: "Ingest it, or correct the source that the dataset names.",
    Cause.NOT_FOUND: "Other words than the documents': try passage_chars, another model, synonyms.",
    Cause.NOT_READ: "Raise read_k, or fuse differently: footnote eval tune.",
    Cause.WITHHELD: "What it held back is wrong too, or not known: the reader missed it.",
    Cause.MISREAD: "The reader chose another sentence: see which, below.",
    Cause.UNKNOWN: "Add relevant quotes to the dataset, and this report can say more.",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What became of a question. `cause` is None when nothing went wrong.

    `rank` is where the first wanted passage stands in the search, `read_rank` among what was read;
    None where it is not, or no passage is known. `margin` is confidence less abstain_below: below
    zero, so much was missing. `why` is a sentence for a person, "" for what went right.
    """

    cause: Cause | None
    rank: int | None
    read_rank: int | None
    confidence: float | None
    margin: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Stage:
    """How many of the answerable questions with a known passage came as far as this."""

    label: str
    count: int
    of: int


def diagnose(run: Run) -> dict[str, Diagnosis]:
    """Say of each question of a run, by id, what became of it."""
    threshold = run.header["configuration"].get("abstain_below")
    absent = frozenset(run.header.get("absent") or ())
    return {record["id"]: diagnosis(record, threshold, absent) for record in run.records}


def diagnosis(
    record: Record, threshold: float | None = None, absent: frozenset[str] = frozenset()
) -> Diagnosis:
    """Say what became of one question.

    `threshold` is the run's abstain_below, None where it has none; `absent` are the sources that
    the dataset names and the store lacks.
    """
    cause, answer = cause_of(record, absent), record["answer"]
    confidence = answer["confidence"] if answer else None
    margin = None
    if threshold is not None and confidence is not None:
        margin = round(confidence - threshold, 4)
    found = Diagnosis(cause, _rank(record), _read_rank(record), confidence, margin, "")
    if cause is None:
        return found
    why = _WHY[cause](record, found)
    return Diagnosis(cause, found.rank, found.read_rank, confidence, margin, why)


def cause_of(record: Record, absent: frozenset[str] = frozenset()) -> Cause | None:
    """Return what went wrong with a question, None when nothing did."""
    case, answer = record["case"], record["answer"]
    if record["error"]:
        return Cause.ERROR
    relevant = _relevant(record)
    if record.get("search_only"):
        if not relevant or _rank(record):
            return None
        return _lost_in_search(relevant, absent)
    if is_correct(case, answer):
        return None
    if not case["answerable"]:
        return Cause.INVENTED
    if answer["abstained"]:
        if answer.get("clarification"):
            return Cause.ASKED_BACK
        if not answer["hits"] and answer.get("note"):
            return Cause.NOT_ASKED
        if is_correct(case, record.get("insisted")):
            return Cause.HELD_BACK
    if not relevant:
        return Cause.UNKNOWN
    if _read_rank(record) is None:
        return Cause.NOT_READ if _rank(record) else _lost_in_search(relevant, absent)
    return Cause.WITHHELD if answer["abstained"] else Cause.MISREAD


def worst_first(run: Run) -> list[tuple[Record, Diagnosis]]:
    """List what went wrong: errors, then wrong answers by their confidence, then silences."""
    found = diagnose(run)
    wrong = [(record, found[record["id"]]) for record in run.records]

    def gravity(pair: tuple[Record, Diagnosis]) -> tuple[int, float]:
        answer = pair[0]["answer"]
        if answer is None:
            return (0, 0.0)
        return (2, -answer["confidence"]) if answer["abstained"] else (1, -answer["confidence"])

    return sorted((pair for pair in wrong if pair[1].cause), key=gravity)


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
        ("found by search", f"hit@{DEPTH}"),
        ("read", "read_relevant"),
        ("cited", "cited_relevant"),
        ("answered right", "correct"),
    ):
        asked = [r for r in asked if scores[r["id"]].get(measure, 0.0) > 0]
        stages.append(Stage(label, len(asked), stages[0].of))
    return stages if stages[0].of else []


def _relevant(record: Record) -> list[Relevant]:
    return [Relevant(**item) for item in record["case"]["relevant"]]


def _rank(record: Record) -> int | None:
    return next((hit["rank"] for hit in record["found"] if hit["holds"]), None)


def _read_rank(record: Record) -> int | None:
    hits = record["answer"]["hits"] if record["answer"] else []
    relevant = _relevant(record)
    return next((h["rank"] for h in hits if holds(h["source"], h["text"], relevant)), None)


def _lost_in_search(relevant: Sequence[Relevant], absent: frozenset[str]) -> Cause:
    return Cause.ABSENT if all(item.source in absent for item in relevant) else Cause.NOT_FOUND


def _error(record: Record, found: Diagnosis) -> str:
    return f"{record['error']['kind']}: {record['error']['message']}"


def _invented(record: Record, found: Diagnosis) -> str:
    return f"It was sure enough to answer: {_sure(found)}."


def _not_asked(record: Record, found: Diagnosis) -> str:
    return f"Nothing was searched for. It said: {record['answer']['note']}"


def _asked_back(record: Record, found: Diagnosis) -> str:
    return f"It asked: “{record['answer']['clarification']['question']}”"


def _held_back(record: Record, found: Diagnosis) -> str:
    return f"What it held back is right, but {_sure(found)}.{_where(record, found)}"


def _absent(record: Record, found: Diagnosis) -> str:
    names = dict.fromkeys(item.source for item in _relevant(record))
    return f"Not in the store: {', '.join(names)}."


def _not_found(record: Record, found: Diagnosis) -> str:
    relevant, hits = _relevant(record), record["found"]
    near = next(
        (h["rank"] for h in hits if any(same_source(h["source"], r.source) for r in relevant)), None
    )
    text = f"No wanted passage is among the {len(hits)} best; "
    if near:
        return text + f"the nearest of the right document stands at rank {near}.{_query(record)}"
    first = _short(hits[0]["source"]) if hits else "nothing"
    return (
        text + f"nor is any other of the right document; the first is of {first}.{_query(record)}"
    )


def _not_read(record: Record, found: Diagnosis) -> str:
    read = len(record["answer"]["hits"])
    return f"The wanted passage stands at rank {found.rank}; {read} were read.{_query(record)}"


def _withheld(record: Record, found: Diagnosis) -> str:
    return (
        f"It kept silent: {_sure(found)}.{_where(record, found)}{_instead(record.get('insisted'))}"
    )


def _misread(record: Record, found: Diagnosis) -> str:
    return f"Answered: {_sure(found)}.{_where(record, found)}{_instead(record['answer'])}"


def _unknown(record: Record, found: Diagnosis) -> str:
    did = "It kept silent" if record["answer"]["abstained"] else "It answered"
    return f"{did}: {_sure(found)}. Whether search or reading failed cannot be told."


_WHY: dict[Cause, Callable[[Record, Diagnosis], str]] = {
    Cause.ERROR: _error,
    Cause.INVENTED: _invented,
    Cause.NOT_ASKED: _not_asked,
    Cause.ASKED_BACK: _asked_back,
    Cause.HELD_BACK: _held_back,
    Cause.ABSENT: _absent,
    Cause.NOT_FOUND: _not_found,
    Cause.NOT_READ: _not_read,
    Cause.WITHHELD: _withheld,
    Cause.MISREAD: _misread,
    Cause.UNKNOWN: _unknown,
}


def _sure(found: Diagnosis) -> str:
    said = f"confidence {found.confidence:.2f}" if found.confidence is not None else "no confidence"
    if found.margin is None or found.confidence is None:
        return said
    where = "below" if found.margin < 0 else "above"
    return f"{said} is {abs(found.margin):.2f} {where} abstain_below"


def _where(record: Record, found: Diagnosis) -> str:
    if found.read_rank is None:
        return ""
    place = f" The wanted passage stands at rank {found.read_rank} of what was read."
    if found.read_rank > READ_FIRST and record["answer"].get("mode") == "reader":
        place = place[:-1] + f"; what stands below rank {READ_FIRST} is read only in doubt."
    return place


def _instead(answer: Mapping[str, object] | None) -> str:
    """Say what was quoted, or would have been."""
    quoted = answer["citations"] if answer else []
    if not isinstance(quoted, list) or not quoted:
        return ""
    return f" Quoted instead: {_short(quoted[0]['source'])}, “{_cut(quoted[0]['quote'])}”"


def _query(record: Record) -> str:
    answer = record["answer"]
    asked = record["case"]["question"]
    if not answer or answer["query"] == asked:
        return ""
    return f" Searched for: “{answer['query']}”"


def _short(source: str) -> str:
    return source.rsplit("/", 1)[-1]


def _cut(text: str, most: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
