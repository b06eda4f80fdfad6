"""Find the sentences of the hits that may answer, each with how probably it does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.answering.question.kinds import asks_for_several
from rag.answering.reading.excerpt import excerpt
from rag.answering.reading.marking import Mark, Wanted, marks
from rag.answering.text.candidates import candidates, is_date, slice_of
from rag.answering.text.features import expected_kind, features
from rag.types import Hit

if TYPE_CHECKING:
    from rag.answering.reading.model import Reading


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of a hit that may answer; all offsets are in the document.

    `score` in [0, 1] is the probability that the sentence answers: of the answers whose best
    sentence scores 0.8, about eight in ten are right. `span` is the exact answer, when marked.
    """

    hit: Hit
    start: int
    end: int
    score: float
    span: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        return slice_of(self.hit, self.start, self.end)

    @property
    def span_text(self) -> str | None:
        return slice_of(self.hit, *self.span) if self.span else None


class EvidenceFinder(Protocol):
    """Anything that finds the sentences that answer."""

    def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
        """Return evidence, best first; ties by rank of the hit, then by place in the document."""
        ...


class SentenceEmbedder(Protocol):
    """The part of an embedder that comparing sentences needs: unit rows, float32."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]: ...

    def embed_query(self, text: str) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Likeness:
    """Constants of `SimilarityEvidence`: a weight for each feature, and the line through the best.

    The confidence in the best sentence is the logistic of `slope * likeness + intercept`.
    """

    weights: tuple[float, ...]
    slope: float
    intercept: float


# By `python -m eval.tools.fit_similarity --data DIR`; see docs/decisions/004-abstention.md.
FITTED = Likeness((2.77, 5.43, 3.05, 1.29, 5.94, 1.45, -1.45, 0.27), 0.284, -2.986)


class SimilarityEvidence:
    """Judges sentences by likeness to the question, without a trained reader.

    Likeness is not an answer: this is what is left when the reading model cannot be loaded.
    It marks no exact answer.
    """

    def __init__(self, embedder: SentenceEmbedder, fitted: Likeness = FITTED) -> None:
        self._embedder = embedder
        self._fitted = fitted

    def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
        found = [
            candidate
            for candidate in candidates(hits)
            if not is_date(candidate.text) or expected_kind(query, candidate.text)
        ]
        if not found:
            return []
        vectors = self._embedder.embed_passages([candidate.text for candidate in found])
        cosines = vectors @ self._embedder.embed_query(query)
        likeness = features(query, found, cosines) @ np.array(self._fitted.weights)
        best = float(likeness.max())
        confidence = _logistic(self._fitted.slope * best + self._fitted.intercept)
        # The weights are those of a softmax over sentences: a difference is a ratio of odds.
        return in_order(
            Evidence(one.hit, one.start, one.end, confidence * math.exp(float(value) - best))
            for one, value in zip(found, likeness, strict=True)
        )


class PassageReader(Protocol):
    """What is needed of a `rag.answering.reading.model.ReadingModel`."""

    def read(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Reading]: ...


@dataclass(frozen=True, slots=True)
class Trust:
    """Constants of `TrainedEvidence`: a weight for each of `marking.NAMES`, and a bias."""

    weights: tuple[float, ...]
    bias: float


# By `python -m eval.tools.fit_confidence`; see docs/decisions/004-abstention.md.
FITTED_TRUST = Trust((0.449, 0.296, 1.051, -0.024, 0.697, 0.099, 0.0, -0.803, 1.378), -1.131)
MARKS = 12
"""So many sentences are compared with the question, those that the reading model prefers."""
READ_FIRST = 3
"""The best hits are read first ..."""
ENOUGH = 0.7
"""... and the others only when none of these answers with this probability ..."""
HOPELESS = 0.3
"""... but one does with this one: where the nearest say nothing, farther ones hardly do."""
EXCERPT_CHARS = 300
"""Of the others, so much is read: what stands around the question's words.

What all this costs and saves is in docs/decisions/004-abstention.md.
"""
LEAST_COSINE = -0.1
"""Hardly a sentence of a hit is less like the question."""
CUT = 0.5
"""A sentence is shown from this share of the best score on ..."""
CUT_OF_SEVERAL = 0.25
"""... or from this share when the question asks for several things."""


def least_share(query: str) -> float:
    """Return the share of the best score from which on a further sentence is shown."""
    return CUT_OF_SEVERAL if asks_for_several(query) else CUT


class TrainedEvidence:
    """Judges sentences by what the reading model says of their passage, and marks the answer.

    The words that a sentence shares with the question, and their likeness, have a say as well:
    what is fitted decides how much.
    """

    def __init__(
        self, model: PassageReader, embedder: SentenceEmbedder, trust: Trust = FITTED_TRUST
    ) -> None:
        self._model = model
        self._embedder = embedder
        self._trust = trust

    def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
        readings = self._read(query, hits)
        found = self._promising(query, marks(query, hits, readings)[:MARKS])
        if not found:
            return []
        vectors = self._embedder.embed_passages([mark.text for mark in found])
        cosines = vectors @ self._embedder.embed_query(query)
        return in_order(
            Evidence(mark.hit, mark.start, mark.end, self._score(mark, float(cosine)), mark.span)
            for mark, cosine in zip(found, cosines, strict=True)
        )

    def _read(self, query: str, hits: Sequence[Hit]) -> list[Reading]:
        """Read hits in rank order, as many as it takes; of all when several things are asked for.

        The same words are read once, however many documents hold them.
        """
        hit_texts = [(hit.passage.context, hit.passage.text) for hit in hits]
        passages = list(dict.fromkeys(hit_texts))
        readings = self._model.read(query, passages[:READ_FIRST])
        best = max((reading.answerable for reading in readings), default=0.0)
        if asks_for_several(query) or HOPELESS <= best < ENOUGH:
            readings += self._read_excerpts(query, hits, passages[READ_FIRST:])
        read = dict(zip(passages, readings, strict=False))
        return [read[text] for text in takewhile(read.__contains__, hit_texts)]

    def _read_excerpts(
        self, query: str, hits: Sequence[Hit], passages: Sequence[tuple[str, str]]
    ) -> list[Reading]:
        wanted = Wanted.of(query, hits)
        cuts = [excerpt(wanted, text, EXCERPT_CHARS) for _, text in passages]
        excerpts = [
            (title, text[start:end])
            for (title, text), (start, end) in zip(passages, cuts, strict=True)
        ]
        readings = self._model.read(query, excerpts)
        return [reading.moved(start) for reading, (start, _) in zip(readings, cuts, strict=False)]

    def _promising(self, query: str, found: Sequence[Mark]) -> list[Mark]:
        """Leave out sentences that would not be shown however like the question they are."""
        if not found:
            return []
        best = max(self._score(mark, LEAST_COSINE) for mark in found)
        share = least_share(query)
        return [mark for mark in found if self._score(mark, 1.0) >= share * best]

    def _score(self, mark: Mark, cosine: float) -> float:
        parts = zip(self._trust.weights, (*mark.features, cosine), strict=True)
        return _logistic(sum(weight * value for weight, value in parts) + self._trust.bias)


def _logistic(value: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * value))


def in_order(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Sort evidence by the tie rule of `EvidenceFinder.find`."""
    return sorted(evidence, key=lambda one: (-one.score, one.hit.rank, one.start, one.end))
