"""Vectors of sentences that are compared again and again: people ask about the same documents."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from rag.retrieval.embedding import Embedder
from rag.store.records import Vectors

KEPT = 4096
"""So many vectors are kept, 1.5 KB each with the packaged model; the texts take less."""


class Remembering:
    """Embeds as another embedder does, and keeps the vectors of the texts asked for last.

    A vector is the same to about a millionth, whatever else was embedded along with it. May be
    shared between threads.
    """

    def __init__(self, embedder: Embedder, kept: int = KEPT) -> None:
        self._embedder = embedder
        self._most = kept
        self._kept: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return `(len(texts), dimension)` float32, unit rows, in the order given."""
        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            found |= zip(new, self._embedder.embed_passages(new), strict=True)
        self._keep(found)
        rows: Vectors = np.empty((len(texts), self._embedder.dimension), np.float32)
        for number, text in enumerate(texts):
            rows[number] = found[text]
        return rows

    def embed_query(self, text: str) -> Vectors:
        """Return `(dimension,)` float32 of unit length."""
        return self._embedder.embed_query(text)

    def _keep(self, vectors: dict[str, Vectors]) -> None:
        with self._lock:
            for text, vector in vectors.items():
                self._kept[text] = vector.copy()  # of a row: not what it is a row of
                self._kept.move_to_end(text)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
