"""Exact nearest neighbours over the catalogue's own vectors.

Used while Chroma belongs to another process or is being filled again, and among so many documents
that naming them to Chroma would take longer. It needs no index and costs one pass over all
vectors: a few milliseconds at 20,000.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

import numpy as np

from rag.store.catalog import Catalog
from rag.store.records import Vectors


class ExactSearch:
    """Brute-force cosine search; reads the vectors once for each state of the catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._head = (-1, "")
        self._ids: list[str] = []
        self._doc_ids: list[str] = []
        self._owners = np.zeros(0, dtype=np.intp)  # for each passage, the place of its document
        self._matrix: Vectors = np.zeros((0, 0), dtype=np.float32)

    def search(
        self, vector: Vectors, k: int, doc_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Return up to k passage ids and cosine similarities, best first, ties by passage id."""
        with self._lock:
            head = self._catalog.head
            if head != self._head:
                self._load()
                self._head = head
            ids, held = self._ids, self._doc_ids
            owners, matrix = self._owners, self._matrix
        if not ids:
            return []
        scores = matrix @ vector
        if doc_ids is not None:
            wanted = np.fromiter((doc_id in doc_ids for doc_id in held), bool, len(held))
            scores = np.where(wanted[owners], scores, -np.inf)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(ids[i], float(scores[i])) for i in best if scores[i] != -np.inf]

    def _load(self) -> None:
        self._ids, owners, self._matrix = self._catalog.all_vectors()
        places = {doc_id: place for place, doc_id in enumerate(dict.fromkeys(owners))}
        self._doc_ids = list(places)
        self._owners = np.array([places[owner] for owner in owners], dtype=np.intp)
