"""Questions over a pool of paragraphs, searched and judged, to fit constants on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.abstention import auroc, recall_at_false_abstention
from eval.metrics.calibration import brier_score, expected_calibration_error
from eval.rows import rows_of
from rag.retrieval.embedding import Embedder
from rag.store.records import Vectors
from rag.types import Answer, Hit, Passage

HITS = 10
LEFT_OUT = 0.2
"""This share of the answerable questions is asked with the answering paragraph left out."""

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its hits; `gold` has the spans that answer, by passage id, if any do.

    `source` is the set that the question comes from.
    """

    question: str
    source: str
    gold: Mapping[str, Spans]
    hits: tuple[Hit, ...] = ()

    @property
    def answerable(self) -> bool:
        return any(self.gold.values())

    def holds(self, passage: Passage, start: int, end: int) -> bool:
        """Whether a stretch of a passage contains a span that answers."""
        spans = self.gold.get(passage.passage_id, ())
        return any(start <= first and last <= end for first, last in spans)

    def is_right(self, answer: Answer) -> bool:
        """Whether a quote of the answer contains a span that answers."""
        return any(self.holds(c.passage, c.quote_start, c.quote_end) for c in answer.citations)


class Remembering:
    """An embedder that embeds each text once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}
        self._queries: dict[str, Vectors] = {}

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._embedder.embed_passages(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def embed_query(self, text: str) -> Vectors:
        if text not in self._queries:
            self._queries[text] = self._embedder.embed_query(text)
        return self._queries[text]


def load(folder: Path) -> tuple[list[Passage], list[Asked]]:
    """Read `squad2` and `nq_qed` under a folder; a paragraph is a passage."""
    squad, nq = folder / "squad2", folder / "nq_qed" / "examples.jsonl"
    passages = [
        paragraph(row["_id"], row["title"], row["text"]) for row in rows_of(squad / "corpus.jsonl")
    ]
    asked = [
        Asked(row["question"], "squad", {row["gold"][0]: spans_of(row)})
        for row in rows_of(squad / "queries.jsonl")
    ]
    more, others = from_examples(
        {**row, "source": "nq", "text": row["context"]} for row in rows_of(nq)
    )
    return [*passages, *more], [*asked, *others]


def from_examples(
    examples: Iterator[Mapping[str, Any]],
) -> tuple[list[Passage], list[Asked]]:
    """Make passages and questions of `{question, source, title, text, spans}`."""
    passages: dict[str, Passage] = {}
    asked = []
    for row in examples:
        fresh = paragraph(f"{row['source']}#{len(passages)}", row["title"], row["text"])
        passage = passages.setdefault(row["text"], fresh)
        asked.append(Asked(row["question"], row["source"], {passage.passage_id: spans_of(row)}))
    return list(passages.values()), asked


def draw(asked: Sequence[Asked], count: int, rng: random.Random) -> list[Asked]:
    """Draw questions: 45 % each of SQuAD's answerable and NQ, 10 % of SQuAD's unanswerable."""
    kinds = (
        (0.45, [one for one in asked if one.source == "nq"]),
        (0.45, [one for one in asked if one.source == "squad" and one.answerable]),
        (0.10, [one for one in asked if one.source == "squad" and not one.answerable]),
    )
    drawn = [one for share, kind in kinds for one in rng.sample(kind, round(share * count))]
    rng.shuffle(drawn)
    return drawn


def search(
    passages: Sequence[Passage], asked: Sequence[Asked], embedder: Remembering, rng: random.Random
) -> list[Asked]:
    """Give each question its nearest passages, some without the one that answers."""
    vectors = embedder.embed_passages([f"{passage.title}. {passage.text}" for passage in passages])
    searched = []
    for one in asked:
        left_out = set(one.gold) if rng.random() < LEFT_OUT else set()
        order = np.argsort(-(vectors @ embedder.embed_query(one.question)), kind="stable")
        near = [passages[int(i)] for i in order[: HITS + 1]]
        kept = [passage for passage in near if passage.passage_id not in left_out][:HITS]
        hits = tuple(Hit(passage, 1 / rank, rank) for rank, passage in enumerate(kept, start=1))
        searched.append(replace(one, gold={} if left_out else one.gold, hits=hits))
    return searched


def report(answers: Sequence[Answer], asked: Sequence[Asked]) -> Iterator[str]:
    """Describe calibration, and coverage and risk by threshold, as lines of Markdown."""
    confidence = np.array([answer.confidence for answer in answers])
    right = np.array([one.is_right(answer) for answer, one in zip(answers, asked, strict=True)])
    can = np.array([one.answerable for one in asked])
    yield f"questions {len(asked)}, answerable {can.mean():.3f}, right {right.mean():.3f}"
    yield (
        f"calibration error {expected_calibration_error(confidence, right):.3f}, "
        f"Brier {brier_score(confidence, right):.3f}, "
        f"AUROC right or not {auroc(confidence, right) or 0:.3f}, answerable or not "
        f"{auroc(confidence, can) or 0:.3f}, unanswerable caught at 5 % false abstention "
        f"{recall_at_false_abstention(confidence, can) or 0:.3f}"
    )
    yield "| threshold | answered | right of those answered | answerable left unanswered |"
    yield "|---|---|---|---|"
    for threshold in np.arange(0, 1, 0.1):
        shown = confidence >= threshold - 1e-9
        if shown.any():
            lost = (~shown & can).sum() / max(1, can.sum())
            cells = (threshold, shown.mean(), right[shown].mean(), lost)
            yield "| {:.1f} | {:.2f} | {:.2f} | {:.2f} |".format(*cells)


def paragraph(name: str, title: str, text: str) -> Passage:
    """Return a passage that is a document of its own."""
    return Passage(name, name, text, 0, len(text), title, name)


def spans_of(row: Mapping[str, Any]) -> Spans:
    return tuple((int(start), int(end)) for start, end in row["spans"])
