"""Questions over a pool of paragraphs, searched and judged, to fit constants on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.abstention import auroc, recall_at_false_abstention
from eval.metrics.calibration import brier_score, expected_calibration_error
from rag.retrieval.embedding import Embedder
from rag.store.records import Vectors
from rag.types import Answer, Hit, Passage

HITS = 10
LEFT_OUT = 0.2
"""This share of the answerable questions is asked with the answering paragraph left out."""

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its hits; `spans` answer it in passage `gold`, none when nothing does."""

    question: str
    gold: str
    spans: Spans
    hits: tuple[Hit, ...] = ()

    def is_right(self, answer: Answer) -> bool:
        """Whether a quote of the answer contains a span that answers."""
        return any(
            citation.quote_start <= start and end <= citation.quote_end
            for citation in answer.citations
            if citation.passage.passage_id == self.gold
            for start, end in self.spans
        )


class Remembering:
    """An embedder that embeds each passage once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._embedder.embed_passages(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def embed_query(self, text: str) -> Vectors:
        return self._embedder.embed_query(text)


def load(folder: Path) -> tuple[list[Passage], list[Asked]]:
    """Read `squad2` and `nq_qed` under a folder; a paragraph is a passage."""
    squad, nq = folder / "squad2", folder / "nq_qed"
    passages = [
        _passage(row["_id"], row["title"], row["text"]) for row in _rows(squad / "corpus.jsonl")
    ]
    asked = [
        Asked(row["question"], row["gold"][0], _spans(row))
        for row in _rows(squad / "queries.jsonl")
    ]
    by_text: dict[str, str] = {}
    for row in _rows(nq / "examples.jsonl"):
        name = by_text.setdefault(row["context"], f"nq#{len(by_text)}")
        if name == f"nq#{len(by_text) - 1}":
            passages.append(_passage(name, row["title"], row["context"]))
        asked.append(Asked(row["question"], name, _spans(row)))
    return passages, asked


def draw(asked: Sequence[Asked], count: int, rng: random.Random) -> list[Asked]:
    """Draw questions: 45 % each of SQuAD's answerable and NQ, 10 % of SQuAD's unanswerable."""
    kinds = (
        (0.45, [one for one in asked if one.gold.startswith("nq#")]),
        (0.45, [one for one in asked if one.spans and not one.gold.startswith("nq#")]),
        (0.10, [one for one in asked if not one.spans]),
    )
    drawn = [one for share, kind in kinds for one in rng.sample(kind, round(share * count))]
    rng.shuffle(drawn)
    return drawn


def search(
    passages: Sequence[Passage], asked: Sequence[Asked], embedder: Remembering, rng: random.Random
) -> list[Asked]:
    """Give each question its nearest passages, some without the one that answers."""
    rows = embedder.embed_passages([f"{passage.title}. {passage.text}" for passage in passages])
    searched = []
    for one in asked:
        left_out = rng.random() < LEFT_OUT
        order = np.argsort(-(rows @ embedder.embed_query(one.question)), kind="stable")
        near = [passages[int(i)] for i in order[: HITS + 1]]
        kept = [p for p in near if not (left_out and p.passage_id == one.gold)][:HITS]
        hits = tuple(Hit(passage, 1 / rank, rank) for rank, passage in enumerate(kept, start=1))
        searched.append(Asked(one.question, one.gold, () if left_out else one.spans, hits))
    return searched


def report(answers: Sequence[Answer], asked: Sequence[Asked]) -> Iterator[str]:
    """Describe calibration, and coverage and risk by threshold, as lines of a Markdown table."""
    confidence = np.array([answer.confidence for answer in answers])
    right = np.array([one.is_right(answer) for answer, one in zip(answers, asked, strict=True)])
    can = [bool(one.spans) for one in asked]
    yield f"questions {len(asked)}, answerable {np.mean(can):.3f}, right {right.mean():.3f}"
    yield (
        f"calibration error {expected_calibration_error(confidence, right):.3f}, "
        f"Brier {brier_score(confidence, right):.3f}, "
        f"AUROC right or not {auroc(confidence, right):.3f}, answerable or not "
        f"{auroc(confidence, can):.3f}, unanswerable caught at 5 % false abstention "
        f"{recall_at_false_abstention(confidence, can):.3f}"
    )
    yield "| threshold | answered | right of those answered | answerable left unanswered |"
    yield "|---|---|---|---|"
    for threshold in np.arange(0, 1, 0.1):
        shown = confidence >= threshold
        if shown.any():
            lost = (~shown & np.array(can)).sum() / max(1, sum(can))
            cells = (threshold, shown.mean(), right[shown].mean(), lost)
            yield "| {:.1f} | {:.2f} | {:.2f} | {:.2f} |".format(*cells)


def _passage(name: str, title: str, text: str) -> Passage:
    return Passage(name, name, text, 0, len(text), title, name)


def _spans(row: dict[str, Any]) -> Spans:
    return tuple((int(start), int(end)) for start, end in row["spans"])


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
