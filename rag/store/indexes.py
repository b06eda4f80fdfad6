"""The indexes as a whole: who owns them, whether they are in step, and bringing them up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import StoreError
from rag.store.catalog import Catalog
from rag.store.exact import ExactSearch
from rag.store.faults import reach
from rag.store.lexical import LexicalIndex
from rag.store.records import Vectors
from rag.store.vectors import VectorIndex, recorded_head

_BATCH_PASSAGES = 1000
_MOST_LISTED = 1000  # documents that are named to Chroma; with 9,000 it takes 270 ms


def in_step(catalog: Catalog, folder: Path) -> bool:
    """Whether both indexes say that they hold all of a catalogue, without loading Chroma."""
    head = catalog.head
    if recorded_head(folder / "vectors", catalog.store_id) != head:
        return False
    lexical = LexicalIndex(folder / "lexical.sqlite3", catalog.store_id, owner=False)
    try:
        return lexical.head == head
    except StoreError:
        return False
    finally:
        lexical.close()


class Indexes:
    """Dense and lexical search over a catalogue, whoever owns the index files.

    The first process to open a store owns its indexes and follows the catalogue; it says so by
    holding a lock. Others search the catalogue's vectors exactly and read the lexical index as
    the owner last left it.
    """

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self._catalog = catalog
        self._exact = ExactSearch(catalog)
        self._following = threading.Lock()
        self._lock = FileLock(folder / "indexes.lock")
        self.vectors: VectorIndex | None = None
        try:
            self._lock.acquire(timeout=0)
            self.owner = True
        except Timeout:
            self.owner = False
        reach("indexes.locked")
        self._damaged: set[VectorIndex | LexicalIndex] = set()
        with ExitStack() as opened:
            opened.callback(self._lock.release)
            words = folder / "lexical.sqlite3"
            self.lexical = LexicalIndex(words, catalog.store_id, owner=self.owner)
            opened.callback(self.lexical.close)
            if self.owner:
                self.vectors = VectorIndex(folder / "vectors", catalog.store_id)
            opened.pop_all()

    @property
    def behind(self) -> bool:
        """Whether an index has yet to follow a change of the catalogue."""
        head = self._catalog.head
        return any(self._head_of(index) != head for index in self._followers())

    def follow(self, progress: Callable[[int], None] | None = None) -> None:
        """Apply every change that the indexes have missed; does nothing unless the owner.

        `progress` is told the number of passages after each batch.
        """
        if not self.owner:
            return
        with self._following:
            for index in self._followers():
                # An index may have followed a catalogue that a copy has replaced since.
                if not self._catalog.has_made(*self._head_of(index)):
                    index.reset()
                    self._damaged.discard(index)
                while index.applied < self._catalog.seq:
                    changes = self._catalog.changes(index.applied, limit=_BATCH_PASSAGES)
                    reach("indexes.follow.batch")
                    try:
                        index.apply(changes)
                    except StoreError:
                        self._damaged.add(index)  # begun again at the next attempt
                        raise
                    if progress is not None:
                        progress(len(changes.passages))
        reach("indexes.followed")

    def reset(self) -> None:
        """Empty the indexes; the next `follow` fills them from the catalogue."""
        for index in self._followers():
            index.reset()

    def search_dense(
        self, vector: Vectors, k: int, doc_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Return up to k passage ids and cosine similarities, best first."""
        from chromadb.errors import ChromaError

        vectors = self.vectors
        usable = vectors is not None and vectors not in self._damaged
        usable = usable and (doc_ids is None or len(doc_ids) <= _MOST_LISTED)
        if vectors is not None and usable:
            try:
                return vectors.search(vector, k, doc_ids, at=self._catalog.head)
            except ChromaError:
                self._damaged.add(vectors)
            except StoreError:  # it is behind, or being filled
                pass
        return self._exact.search(vector, k, doc_ids)

    def search_lexical(
        self, query: str, k: int, doc_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Return up to k passage ids and BM25 scores, best first.

        An index that turns out to be damaged is filled again first.

        Raises:
            StoreError: it is damaged and belongs to another process.
        """
        try:
            return self.lexical.search(query, k, doc_ids)
        except StoreError:
            if not self.owner:
                raise
        with self._following:  # it may have been closed to be begun again
            try:
                return self.lexical.search(query, k, doc_ids)
            except StoreError:
                self._damaged.add(self.lexical)
        self.follow()
        return self.lexical.search(query, k, doc_ids)

    def close(self) -> None:
        """Release the files and the lock."""
        for index in self._followers():
            index.close()
        self._lock.release()

    def _head_of(self, index: VectorIndex | LexicalIndex) -> tuple[int, str]:
        """Return what an index holds; one that is damaged holds a change that never was."""
        try:
            return (-1, "damaged") if index in self._damaged else index.head
        except StoreError:
            if not self.owner:
                raise
            self._damaged.add(index)
            return (-1, "damaged")

    def _followers(self) -> list[VectorIndex | LexicalIndex]:
        return [self.lexical, *([self.vectors] if self.vectors is not None else [])]
