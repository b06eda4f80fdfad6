"""Exact nearest neighbours over the catalogue's own vectors.

Used while Chroma belongs to another process or is being filled again, and among so many documents
that naming them to Chroma would take longer. It needs no index and costs one pass over all
vectors: a few milliseconds at 20,000.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.store.catalog import Catalog
from rag.store.records import Changes, Vectors

_FEW = 1000  # passages that are added, whatever the size; and above that an eighth of those held
_SPARE = 1.25  # how much longer a table is made than it must be, so that it can be added to


@dataclass(frozen=True, slots=True)
class _View:
    """The vectors of one state of the catalogue, each with the number of its document.

    Some are of passages that are not `here` any more.
    """

    head: tuple[int, str] = (-1, "")
    matrix: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    owners: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    here: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))


class ExactSearch:
    """Brute-force cosine search; reads the vectors once, and then what has changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._view = _View()
        # Those of a view are never changed, only added to: a search needs no lock after it began.
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._documents: dict[str, int] = {}
        self._matrix, self._owners = self._view.matrix, self._view.owners  # with room to spare

    def search(
        self, vector: Vectors, k: int, doc_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Return up to k passage ids and cosine similarities, best first, ties by passage id."""
        with self._lock:
            self._follow()
            view, ids = self._view, self._ids
            wanted = None if doc_ids is None else self._wanted(doc_ids)
        if not len(view.here):
            return []
        among = view.here if wanted is None else view.here & wanted[view.owners]
        scores = np.where(among, view.matrix @ vector, -np.inf)
        least = np.partition(scores, -k)[-k] if len(scores) > k else -np.inf
        places = np.flatnonzero((scores >= least) & among).tolist()
        found = sorted((-float(scores[place]), ids[place]) for place in places)
        return [(passage_id, -score) for score, passage_id in found[:k]]

    def _wanted(self, doc_ids: Collection[str]) -> NDArray[np.bool_]:
        wanted = np.zeros(len(self._documents), np.bool_)
        wanted[[self._documents[one] for one in doc_ids if one in self._documents]] = True
        return wanted

    def _follow(self) -> None:
        head = self._view.head
        if head == self._catalog.head:
            return
        held = len(self._view.here)
        # Most of them gone is reason to begin again, too: what is gone takes time and memory.
        if held and 2 * int(self._view.here.sum()) > held and self._catalog.has_made(*head):
            changes = self._catalog.changes(head[0], limit=_FEW + held // 8)
            if changes.seq == self._catalog.seq:
                self._apply(changes)
                return
        self._load()

    def _load(self) -> None:
        head = self._catalog.head
        self._ids, owners, self._matrix = self._catalog.all_vectors()
        self._places = {passage_id: place for place, passage_id in enumerate(self._ids)}
        self._documents = {}
        self._owners = self._numbers(owners)
        self._view = _View(head, self._matrix, self._owners, np.ones(len(self._ids), np.bool_))

    def _apply(self, changes: Changes) -> None:
        held = len(self._view.here)
        count = held + len(changes.passages)
        here = np.ones(count, np.bool_)
        here[:held] = self._view.here
        for passage_id in (*changes.removed, *(p.passage_id for p in changes.passages)):
            if (place := self._places.pop(passage_id, None)) is not None:
                here[place] = False
        for place, passage in enumerate(changes.passages, start=held):
            self._ids.append(passage.passage_id)
            self._places[passage.passage_id] = place
        if changes.passages:
            owners = self._numbers([passage.doc_id for passage in changes.passages])
            self._owners = _with_more(self._owners, held, owners)
            self._matrix = _with_more(self._matrix, held, changes.vectors)
        self._view = _View(
            (changes.seq, changes.token), self._matrix[:count], self._owners[:count], here
        )

    def _numbers(self, doc_ids: Sequence[str]) -> NDArray[np.int32]:
        numbers = self._documents
        found = (numbers.setdefault(doc_id, len(numbers)) for doc_id in doc_ids)
        return np.fromiter(found, np.int32, len(doc_ids))


def _with_more(table: NDArray[Any], held: int, more: NDArray[Any]) -> NDArray[Any]:
    """Put rows behind those held: in the room to spare if there is enough of it."""
    count = held + len(more)
    if count > len(table):
        longer = np.empty((int(_SPARE * count), *table.shape[1:]), table.dtype)
        longer[:held] = table[:held]
        table = longer
    table[held:count] = more
    return table
