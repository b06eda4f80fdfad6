"""BM25 as a sum over words: which passages have a word, kept in memory and added up.

FTS5's own bm25() looks up the length of every passage that has one of the query's words, at a
microsecond each. Here the lengths are an array and a word's passages are read once, so that a
word that very many passages have costs a few nanoseconds for each. The sums are the same ones.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75  # as in FTS5's bm25()
_LEAST_IDF = 1e-6  # of a word that more than half of the passages have; as there
# Postings of 8 bytes: of a passage's hundred words or so a third, and a tenth of what Chroma takes.
_LEAST_KEPT, _KEPT_A_PASSAGE = 1_000_000, 32
_FOR_A_WORD = 32  # what a word takes itself, in postings
_SPARSE = 16  # a table of all rows costs less than sorting unless so few of them are filled

Numbers = NDArray[np.int32]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extent:
    """What BM25 has to know of the whole: passages, their words in all, and each row's `lengths`.

    A row is the number of a passage; the last one may be far above how many there are.
    """

    last_row: int
    passages: int
    words: int
    lengths: Numbers


@dataclass(frozen=True, slots=True)
class Postings:
    """The rows that have a word, ascending, and how often each has it, up to the row `upto`."""

    rows: Numbers
    counts: Numbers
    upto: int

    def until(self, row: int) -> Postings:
        """Leave out what a later change has added."""
        if self.upto <= row:
            return self
        end = int(np.searchsorted(self.rows, row, side="right"))
        return Postings(self.rows[:end], self.counts[:end], row)

    def and_then(self, rows: Numbers, counts: Numbers, upto: int) -> Postings:
        """Add the rows after `upto`."""
        return Postings(
            np.concatenate([self.rows, rows]), np.concatenate([self.counts, counts]), upto
        )


NO_POSTINGS = Postings(np.zeros(0, np.int32), np.zeros(0, np.int32), 0)


class KeptPostings:
    """The postings of the words asked for last; those not asked for the longest go first."""

    def __init__(self, name: object) -> None:
        self.name = name
        """What the postings are of; they are void where this is another one."""
        self._held: OrderedDict[str, Postings] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, word: str) -> Postings:
        """Return what is known of a word, which may be nothing."""
        with self._lock:
            if word not in self._held:
                return NO_POSTINGS
            self._held.move_to_end(word)
            return self._held[word]

    def put(self, word: str, postings: Postings, passages: int) -> None:
        """Keep the postings of a word of an index of so many passages."""
        most = max(_LEAST_KEPT, _KEPT_A_PASSAGE * passages)
        with self._lock:
            self._forget(word)
            self._held[word] = postings
            self._size += len(postings.rows) + _FOR_A_WORD
            while self._size > most:
                self._forget(next(iter(self._held)))

    def _forget(self, word: str) -> None:
        if word in self._held:
            self._size -= len(self._held.pop(word).rows) + _FOR_A_WORD


def idf(having: int, passages: int) -> float:
    """Return what a word counts for that so many of the passages have."""
    return max(math.log((passages - having + 0.5) / (having + 0.5)), _LEAST_IDF)


def worth(postings: Postings, extent: Extent) -> Scores:
    """Return what a word adds to the score of each of its rows."""
    counts = postings.counts.astype(np.float64)
    weight = idf(len(postings.rows), extent.passages)
    norm = _norm(postings.rows, extent)
    scores: Scores = weight * (counts * (K1 + 1) / (counts + norm))
    return scores


def counts_of(rows: Numbers, scores: Scores, weight: float, extent: Extent) -> Numbers:
    """Return how often rows have a word, from what bm25() says of it: `worth` turned round."""
    shares = scores / weight
    return np.rint(shares * _norm(rows, extent) / (K1 + 1 - shares)).astype(np.int32)


def _norm(rows: Numbers, extent: Extent) -> Scores:
    average = extent.words / extent.passages
    held = extent.lengths[rows].astype(np.float64)
    norm: Scores = K1 * (1 - B + B * held / average)
    return norm


def summed(parts: Sequence[tuple[Numbers, Scores]]) -> tuple[Numbers, Scores]:
    """Add up what words are worth; returns the rows that have any, ascending, and their sums."""
    rows = np.concatenate([rows for rows, _ in parts])
    scores = np.concatenate([scores for _, scores in parts])
    if not len(rows):
        return rows, scores
    if len(rows) * _SPARSE < rows.max():
        found, places = np.unique(rows, return_inverse=True)
        return found, np.bincount(places, weights=scores).astype(np.float64)
    table = np.bincount(rows, weights=scores).astype(np.float64)
    found = np.flatnonzero(table).astype(np.int32)  # every word is worth more than nothing
    return found, table[found]


def best(rows: Numbers, scores: Scores, k: int) -> list[tuple[int, float]]:
    """Return the k best rows and their scores, ties by row."""
    if len(rows) > k:
        among = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
        rows, scores = rows[among], scores[among]
    order = np.lexsort((rows, -scores))[:k]
    return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))
