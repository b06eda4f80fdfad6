"""Whether a question set can be trusted, before anything is asked."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eval.dataset import Case, Dataset, source_names
from eval.metrics.citations import content_words, quote_share
from eval.spreadsheet import ROW
from rag.ingest.sentences import sentence_spans
from rag.store.catalog import Catalog
from rag.types import Document

ENOUGH = 30
"""With fewer questions, intervals are wider than what a change of settings does."""
ENOUGH_SILENT = 0.2
COPIED = 0.8
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a set holds, as (label, count); what makes a run stop; what to think about."""

    counts: tuple[tuple[str, int], ...]
    faults: tuple[str, ...]
    advice: tuple[str, ...]


def check_up(dataset: Dataset, catalog: Catalog) -> Checkup:
    """Look at a set beside the documents that it is asked of."""
    cases = dataset.cases
    infos = catalog.documents()
    held = {name for info in infos for name in source_names(info.source)}
    wanted = {item.source for case in cases for item in case.relevant}
    documents = (
        catalog.document(info.doc_id) for info in infos if wanted & source_names(info.source)
    )
    faults = wrong_quotes(cases, [one for one in documents if one is not None])
    absent = [_absent(name, held) for name in sorted(wanted - held)]
    return Checkup(_counts(cases), (*faults, *absent), (*dataset.notes, *advice(cases)))


def wrong_quotes(cases: Iterable[Case], documents: Sequence[Document]) -> list[str]:
    """Describe every quote that its document does not hold, with what there is most like it.

    White space is not compared; of documents that are not given, nothing is said.
    """
    by_name: dict[str, list[str]] = {}
    for document in documents:
        for name in source_names(document.source):
            by_name.setdefault(name, []).append(document.text)
    return [
        f"{_name(case)}: {item.source} does not say {item.quote!r}"
        + _nearest(item.quote, by_name[item.source])
        for case in cases
        for item in case.relevant
        if item.quote and item.source in by_name
        if all(quote_share(text, item.quote) < 1 for text in by_name[item.source])
    ]


def advice(cases: Sequence[Case]) -> list[str]:
    """Say what makes figures of a set say less than they seem to."""
    found = []
    silent = sum(not case.answerable for case in cases)
    if len(cases) < ENOUGH:
        found.append(
            f"{len(cases)} questions: with fewer than {ENOUGH}, only large differences show."
        )
    if silent < ENOUGH_SILENT * len(cases):
        found.append(
            f"{silent} questions cannot be answered: make it a third, or an assistant that answers "
            "everything looks good."
        )
    if copied := [_name(case) for case in cases if _copies(case)]:
        found.append(
            f"{len(copied)} questions repeat the words of their quote, which every search finds: "
            f"{_some(copied)}. Ask in other words."
        )
    texts = Counter(_folded(case) for case in cases)
    if repeated := [_name(case) for case in cases if texts[_folded(case)] > 1]:
        found.append(f"Asked more than once: {_some(repeated)}.")
    if vague := [_name(case) for case in cases if case.answerable and not case.relevant]:
        found.append(
            f"{len(vague)} answerable questions name no passage, so why they fail cannot be told: "
            f"{_some(vague)}."
        )
    return found


def _counts(cases: Sequence[Case]) -> tuple[tuple[str, int], ...]:
    tags = Counter(tag for case in cases for tag in case.tags)
    return (
        ("questions", len(cases)),
        ("answerable", sum(case.answerable for case in cases)),
        ("not answerable", sum(not case.answerable for case in cases)),
        ("with reference answers", sum(bool(case.answers) for case in cases)),
        ("with quotes", sum(any(item.quote for item in case.relevant) for case in cases)),
        ("with a history", sum(bool(case.history) for case in cases)),
        *((f"tagged {tag}", count) for tag, count in tags.most_common()),
    )


def _absent(name: str, held: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, held, n=1)
    return f"{name} is not in the store" + (f"; there is {near[0]}" if near else "")


def _nearest(quote: str, texts: Sequence[str]) -> str:
    sentences = {
        " ".join(text[start:end].split()) for text in texts for start, end in sentence_spans(text)
    }
    near = difflib.get_close_matches(" ".join(quote.split()), sentences, n=1)
    return f"; it says {near[0]!r}" if near else ""


def _copies(case: Case) -> bool:
    """Whether nearly every word of a question stands in its quote."""
    asked = content_words(case.question)
    quoted = content_words(" ".join(item.quote for item in case.relevant))
    return len(asked) > 2 and len(asked & quoted) >= COPIED * len(asked)


def _name(case: Case) -> str:
    """Name a question as its author knows it: rows without an id have one that nobody wrote."""
    return f"“{case.question}”" if case.case_id.startswith(ROW) else case.case_id


def _folded(case: Case) -> str:
    turns = " ".join(turn.question for turn in case.history)
    return " ".join(f"{turns} {case.question}".casefold().split())


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
