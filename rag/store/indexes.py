"""The indexes as a whole: who owns them, whether they are in step, and bringing them up to date."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import StoreError
from rag.store.catalog import Catalog
from rag.store.exact import ExactSearch
from rag.store.faults import reach
from rag.store.lexical import LexicalIndex
from rag.store.read_only import may_be_written
from rag.store.records import Vectors
from rag.store.vectors import VectorIndex, recorded_head

_BATCH_PASSAGES = 1000
_PATIENCE_SECONDS = 60.0  # with whoever keeps the word index of a store that we may only read
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
    the owner last left it. Who may only read the store does the same; and where nobody brings the
    lexical index up to date, one is filled in a temporary folder.
    """

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self._catalog = catalog
        self._exact = ExactSearch(catalog)
        self._following = threading.Lock()
        self._lock = FileLock(folder / "indexes.lock")
        self.vectors: VectorIndex | None = None
        self.writable = may_be_written(catalog.path)
        self.owner = self.writable and self._take_lock()
        reach("indexes.locked")
        self._damaged: set[VectorIndex | LexicalIndex] = set()
        self._owns_words = self.owner
        self._lag: tuple[object, float] | None = None
        self._own_words = ExitStack()  # those in a temporary folder, and whose place they took
        with ExitStack() as opened:
            opened.callback(self._lock.release)
            words = folder / "lexical.sqlite3"
            self.lexical = LexicalIndex(words, catalog.store_id, owner=self.owner)
            opened.callback(self.lexical.close)
            if self.owner:
                self.vectors = VectorIndex(folder / "vectors", catalog.store_id)
            opened.pop_all()

    def _take_lock(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    @property
    def behind(self) -> bool:
        """Whether an index has yet to follow a change of the catalogue."""
        head = self._catalog.head
        return any(self._head_of(index) != head for index in self._followers())

    def follow(self, progress: Callable[[int], None] | None = None) -> None:
        """Apply every change that the indexes have missed, to those that are ours.

        `progress` is told the number of passages after each batch.
        """
        with self._following:
            if not self.writable and not self._owns_words and self._is_left_behind():
                self._begin_own_words()
            if not self._owns_words:
                return
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
            if self.writable and not self.owner:
                raise
        with self._following:  # it may have been closed to be begun again
            try:
                return self.lexical.search(query, k, doc_ids)
            except StoreError:
                if self._owns_words:
                    self._damaged.add(self.lexical)
                else:
                    self._begin_own_words()
        self.follow()
        return self.lexical.search(query, k, doc_ids)

    def close(self) -> None:
        """Release the files and the lock."""
        for index in self._followers():
            index.close()
        self._own_words.close()
        self._lock.release()

    def _head_of(self, index: VectorIndex | LexicalIndex) -> tuple[int, str]:
        """Return what an index holds; one that is damaged holds a change that never was."""
        try:
            return (-1, "damaged") if index in self._damaged else index.head
        except StoreError:
            if self.writable and not self.owner:
                raise
            if self._owns_words:
                self._damaged.add(index)
            return (-1, "damaged")

    def _is_left_behind(self) -> bool:
        """Whether the lexical index is not in step, now that we open it or for a good while."""
        heads = (self._catalog.head, self._head_of(self.lexical))
        if heads[0] == heads[1]:
            self._lag = (heads, time.monotonic())
            return False
        if self._lag is not None and self._lag[0] != heads:
            self._lag = (heads, time.monotonic())
        return self._lag is None or time.monotonic() - self._lag[1] > _PATIENCE_SECONDS

    def _begin_own_words(self) -> None:
        """Take an empty lexical index of our own, which `follow` fills."""
        folder = self._own_words.enter_context(
            tempfile.TemporaryDirectory(prefix="footnote-", ignore_cleanup_errors=True)
        )
        self._own_words.callback(self.lexical.close)  # not before: a search may be using it
        path = Path(folder) / "lexical.sqlite3"
        self.lexical = LexicalIndex(path, self._catalog.store_id, owner=True)
        self._owns_words = True

    def _followers(self) -> list[VectorIndex | LexicalIndex]:
        return [self.lexical, *([self.vectors] if self.vectors is not None else [])]
