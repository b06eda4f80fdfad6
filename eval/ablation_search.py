"""One collection made ready to be searched in many ways without embedding anything again."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.ablation_data import Collection, VectorCache
from eval.ablation_words import Scores, Words, telling
from eval.metrics.ranking import ranking_scores
from rag.retrieval.fusion import reciprocal_rank_fusion, score_fusion
from rag.settings import Settings
from rag.store.lexical import STOP_WORDS, LexicalIndex
from rag.store.records import Changes, Vectors, embedded_text
from rag.types import Passage

Ranking = NDArray[np.int64]
"""Numbers of passages, best first."""

Found = list[tuple[int, float]]
"""Numbers of passages and their scores, best first."""

SHIPPED_SHARE: float = Settings.model_fields["dense_share"].default


class Bench:
    """The passages, vectors and words of one collection, and its questions.

    `cosines` and `bm25` are `(questions, passages)`; `held` are the passages' vectors. Without a
    cache nothing is embedded, and there are no cosines.
    """

    def __init__(
        self,
        collection: Collection,
        cache: VectorCache | None,
        *,
        passage_chars: int = 1000,
        overlap_chars: int = 0,
        embedded: Callable[[Passage], str] = embedded_text,
    ) -> None:
        self.name = collection.name
        self.collection = collection
        self.passages = collection.passages(passage_chars, overlap_chars)
        self.qids = list(collection.questions)
        self.questions = list(collection.questions.values())
        self.cache = cache
        self.cosines: Scores = np.zeros((len(self.qids), 0))
        if cache is not None:
            self.held = cache.vectors([embedded(passage) for passage in self.passages])
            self.wanted = cache.vectors(self.questions)
            self.cosines = (self.wanted @ self.held.T).astype(np.float64)
        self.words = Words.of(self.passages)
        self.bm25: Scores = self.lexical()

    def lexical(
        self,
        *,
        words: Words | None = None,
        leave_out: frozenset[str] = STOP_WORDS,
        questions: Sequence[str] | None = None,
        context_weight: float = 1.0,
        k1: float = 1.2,
        b: float = 0.75,
    ) -> Scores:
        """Return BM25 scores `(questions, passages)`; 0 where no word is shared."""
        words = words or self.words
        queries = words.queries(questions or self.questions, leave_out)
        scores: Scores = (queries @ words.bm25(context_weight, k1, b).T).toarray()
        return scores

    def moved(self, nearest: int, share: float) -> Scores:
        """Search again from a point between the query and the mean of its nearest passages."""
        best = np.argsort(-self.cosines, axis=1)[:, :nearest]
        return self._from((1 - share) * self.wanted + share * self.held[best].mean(axis=1))

    def without_stop_words(self, share: float) -> Scores:
        """Search with the query's telling words, mixed with the whole query."""
        assert self.cache is not None
        bare = self.cache.vectors([" ".join(telling(q, STOP_WORDS)) for q in self.questions])
        return self._from((1 - share) * self.wanted + share * bare)

    def _from(self, points: NDArray[np.float32]) -> Scores:
        unit = points / np.linalg.norm(points, axis=1, keepdims=True)
        cosines: Scores = (unit @ self.held.T).astype(np.float64)
        return cosines

    def measure(self, rankings: Sequence[Ranking]) -> dict[str, Figures]:
        """Score each question's ranking of passages, by question id."""
        by_document = {}
        for qid, ranking in zip(self.qids, rankings, strict=True):
            by_document[qid] = [self.passages[int(i)].doc_id for i in ranking]
        scored = ranking_scores(self.collection.relevant, by_document, cutoffs=(1, 10))
        return {
            qid: Figures(
                scored[qid]["ndcg@10"],
                scored[qid]["hit@1"],
                self._is_read(qid, ranking[:10]),
            )
            for qid, ranking in zip(self.qids, rankings, strict=True)
        }

    def _is_read(self, qid: str, read: Ranking) -> float:
        """Whether a passage read is of a relevant document and holds an answer, where known."""
        grades = self.collection.relevant[qid]
        answers = [answer.casefold() for answer in self.collection.answers.get(qid, ())]
        near = [self.passages[int(i)] for i in read]
        right = [passage.text.casefold() for passage in near if grades.get(passage.doc_id, 0) > 0]
        return float(any(not answers or any(a in text for a in answers) for text in right))


@dataclass(frozen=True, slots=True)
class Figures:
    """One question's figures: documents by nDCG@10 and hit@1, and whether the answer is read."""

    ndcg: float
    first: float
    read: float


def top(scores: Scores, k: int) -> list[Ranking]:
    """Rank the k best passages of each row, best first, those that score above 0 only."""
    ranked = []
    for row in scores:
        best = np.argpartition(-row, min(k, len(row) - 1))[:k]
        best = best[np.lexsort((best, -row[best]))]
        ranked.append(best[row[best] > 0])
    return ranked


def shipped(
    bench: Bench,
    *,
    cosines: Scores | None = None,
    bm25: Scores | None = None,
    share: float = SHIPPED_SHARE,
    k: int = 50,
) -> list[Ranking]:
    """Search and fuse as the product does, perhaps with other scores, share or k."""
    near = bench.cosines if cosines is None else cosines
    shared = bench.bm25 if bm25 is None else bm25
    return numbers_of(
        [
            score_fusion(_found(dense, k), _found(words, k), dense_share=share)
            for dense, words in zip(near, shared, strict=True)
        ]
    )


def _found(scores: Scores, k: int) -> Found:
    return [(int(i), float(scores[i])) for i in top(scores[None], k)[0]]


def with_neighbours(scores: Scores, passages: Sequence[Passage], share: float) -> Scores:
    """Add to each passage's score a share of its better neighbour's in the document."""
    same = np.array(
        [a.doc_id == b.doc_id for a, b in itertools.pairwise(passages)], dtype=np.float64
    )
    before, after = np.zeros_like(scores), np.zeros_like(scores)
    before[:, 1:] = scores[:, :-1] * same
    after[:, :-1] = scores[:, 1:] * same
    total: Scores = scores + share * np.maximum(before, after)
    return total


def fused(
    first: Sequence[Ranking], second: Sequence[Ranking], weights: tuple[float, float], k: int = 60
) -> list[Ranking]:
    """Fuse two rankings of each question by reciprocal rank."""
    return [
        np.array(
            [i for i, _ in reciprocal_rank_fusion([a, b], weights=weights, k=k)], dtype=np.int64
        )
        for a, b in zip((r.tolist() for r in first), (r.tolist() for r in second), strict=True)
    ]


def convex(dense: Scores, bm25: Scores, alpha: float, k: int, *, scale: str) -> list[Ranking]:
    """Fuse scores: alpha x dense + (1 - alpha) x BM25, each scaled within a question's k best.

    "theory" takes the least possible score (cosine -1, BM25 0) for the minimum (Bruch et al.
    2023). A passage that one search did not propose is scored by it all the same.
    """
    ranked = []
    for cosines, words in zip(dense, bm25, strict=True):
        near, shared = top(cosines[None], k)[0], top(words[None], k)[0]
        pool = np.union1d(near, shared)
        parts = []
        for scores, own, least in ((cosines, near, -1.0), (words, shared, 0.0)):
            known = scores[own] if len(own) else np.zeros(1)
            values = scores[pool]
            if scale == "z-score":
                parts.append((values - known.mean()) / (known.std() or 1.0))
            else:
                low = known.min() if scale == "min-max" else least
                parts.append((values - low) / ((known.max() - low) or 1.0))
        total = alpha * parts[0] + (1 - alpha) * parts[1]
        ranked.append(pool[np.lexsort((pool, -total))])
    return ranked


def diverse(
    rankings: Sequence[Ranking], vectors: Vectors, balance: float, among: int = 30
) -> list[Ranking]:
    """Reorder by maximal marginal relevance (Carbonell & Goldstein 1998), relevance by rank."""
    reordered = []
    for ranking in rankings:
        pool = ranking[:among]
        likeness = vectors[pool] @ vectors[pool].T
        worth = 1.0 / (60 + np.arange(1, len(pool) + 1)) * 61
        chosen: list[int] = []
        while len(chosen) < min(10, len(pool)):
            repeats = likeness[:, chosen].max(axis=1) if chosen else np.zeros(len(pool))
            value = balance * worth - (1 - balance) * repeats
            value[chosen] = -np.inf
            chosen.append(int(value.argmax()))
        reordered.append(pool[chosen])
    return reordered


def capped(rankings: Sequence[Ranking], passages: Sequence[Passage], most: int) -> list[Ranking]:
    """Let each document have at most so many passages; the others follow at the end."""
    reordered = []
    for ranking in rankings:
        seen: dict[str, int] = {}
        kept: list[int] = []
        rest: list[int] = []
        for i in ranking.tolist():
            doc_id = passages[i].doc_id
            seen[doc_id] = seen.get(doc_id, 0) + 1
            (kept if seen[doc_id] <= most else rest).append(i)
        reordered.append(np.array(kept + rest, dtype=np.int64))
    return reordered


def shipped_lexical(bench: Bench, questions: Sequence[str], k: int) -> list[Found]:
    """Search with the product's own index, in a temporary folder."""
    numbers = {passage.passage_id: i for i, passage in enumerate(bench.passages)}
    with tempfile.TemporaryDirectory() as folder:
        index = LexicalIndex(Path(folder) / "lexical.sqlite3", "ablation")
        index.apply(Changes(1, (), tuple(bench.passages), np.zeros((0, 0), np.float32)))
        found = [
            [(numbers[passage_id], score) for passage_id, score in index.search(text, k)]
            for text in questions
        ]
        index.close()
    return found


def numbers_of(found: Sequence[Found]) -> list[Ranking]:
    """Leave the scores out."""
    return [np.array([number for number, _ in one], dtype=np.int64) for one in found]
