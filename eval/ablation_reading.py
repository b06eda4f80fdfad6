"""What closer looks are worth: at single sentences, and by the reading model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from eval.ablation_data import Collection, VectorCache
from eval.ablation_search import Bench, Ranking, shipped
from eval.ablation_words import Scores
from rag.answering.reading.model import ReadingModel
from rag.ingest.sentences import sentence_spans

SIZES = ((500, 0), (1000, 0), (1000, 200), (1500, 0))
"""Characters of a passage, and how many of them the next one repeats."""


def by_sentences(bench: Bench, share: float) -> list[Ranking]:
    """Search with the nearest sentence of each passage, mixed with the whole passage."""
    return shipped(bench, cosines=share * nearest_sentences(bench) + (1 - share) * bench.cosines)


def nearest_sentences(bench: Bench) -> Scores:
    """Return the cosines of each passage's nearest sentence, `(questions, passages)`."""
    assert bench.cache is not None
    owners, sentences = [], []
    for number, passage in enumerate(bench.passages):
        for start, end in sentence_spans(passage.text):
            owners.append(number)
            sentences.append(passage.text[start:end])
    near = bench.wanted @ bench.cache.vectors(sentences).T
    best: Scores = np.full_like(bench.cosines, -1.0)
    np.maximum.at(best.T, np.array(owners), near.T)
    return best


class Rereader:
    """Orders what was found by what the reading model says; reads each question's hits once."""

    def __init__(self, read_k: int = 10) -> None:
        self._model = ReadingModel.load()
        self._read_k = read_k
        self._relevance: dict[str, list[np.ndarray]] = {}

    def reranked(self, bench: Bench, share: float) -> list[Ranking]:
        """Order the best by `share` x relevance (standardised) less the rest x log of the rank."""
        rankings = shipped(bench)
        if bench.name not in self._relevance:
            self._relevance[bench.name] = [
                self._read(bench, question, ranking[: self._read_k])
                for question, ranking in zip(bench.questions, rankings, strict=True)
            ]
        return [
            np.concatenate([ranking[: len(said)][order(said, share)], ranking[len(said) :]])
            for ranking, said in zip(rankings, self._relevance[bench.name], strict=True)
        ]

    def _read(self, bench: Bench, question: str, ranking: Ranking) -> np.ndarray:
        passages = [bench.passages[int(number)] for number in ranking]
        readings = self._model.read(question, [(one.context, one.text) for one in passages])
        return np.array([reading.relevance for reading in readings])


def order(relevance: np.ndarray, share: float) -> np.ndarray:
    """Return the order of hits, given in rank order, by their relevance and rank together."""
    ranks = np.log(np.arange(1, len(relevance) + 1))
    spread = relevance.std() or 1.0
    return np.argsort(-(share * relevance / spread - (1 - share) * ranks), kind="stable")


def size_rows(collections: Sequence[Collection], cache: VectorCache) -> Iterator[str]:
    """Describe nDCG@10 and the share of answers read, of all questions, by passage size."""
    names = " | ".join(f"{c.name} | read" for c in collections)
    yield f"| characters, repeated | passages | {names} |"
    yield f"|---|---|{'---|---|' * len(collections)}"
    for chars, overlap in SIZES:
        cells, passages = [], 0
        for collection in collections:
            bench = Bench(collection, cache, passage_chars=chars, overlap_chars=overlap)
            figures = bench.measure(shipped(bench)).values()
            passages += len(bench.passages)
            cells.append(f"{np.mean([one.ndcg for one in figures]):.3f}")
            cells.append(f"{np.mean([one.read for one in figures]):.3f}")
        yield f"| {chars:,}, {overlap} | {passages:,} | {' | '.join(cells)} |"
