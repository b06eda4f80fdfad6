"""Documents on their way into the catalogue: split, embedded together, committed one by one."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rag.ingest.passages import split
from rag.ingest.report import Report
from rag.retrieval.embedding import Embedder
from rag.store.catalog import Catalog
from rag.store.faults import reach
from rag.store.records import FileRecord, Vectors, content_hash, embedded_text, vector_key
from rag.types import Document, Passage

_BATCH_TEXTS = 512


@dataclass(frozen=True, slots=True)
class Finished:
    """A file that was read: what it no longer holds, and where it lay before if it has moved."""

    record: FileRecord
    dropped: frozenset[str]
    moved_from: str


@dataclass(frozen=True, slots=True)
class _Pending:
    """A document that waits for its vectors."""

    document: Document
    passages: dict[str, tuple[Passage, str]]
    path: str
    content_hash: str
    collection: str


class Batch:
    """What waits to be embedded and committed; it flushes itself when there is enough of it.

    The report is kept up to date with what is done.
    """

    def __init__(
        self,
        catalog: Catalog,
        embedder: Embedder,
        report: Report,
        *,
        passage_chars: int,
        overlap_chars: int,
    ) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._report = report
        self._passage_chars = passage_chars
        self._overlap_chars = overlap_chars
        self._pending: list[_Pending] = []
        self._texts: dict[str, str] = {}
        self._given: dict[str, Vectors] = {}  # of these texts, the vectors that came with them
        self._finished: list[Finished] = []

    def add(
        self,
        document: Document,
        path: str,
        collection: str,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> None:
        """Add a document of a file; `vectors` are those of its passages that are there already."""
        passages = self._passages(document)
        texts = {key: embedded_text(passage) for passage, key in passages.values()}
        for key in self._catalog.missing_vectors(texts):
            self._texts[key] = texts[key]
            if vectors and key in vectors:
                self._given[key] = vectors[key]
        self._pending.append(_Pending(document, passages, path, content_hash(document), collection))
        self._report.documents += 1
        self._report.passages += len(passages)
        if max(len(self._texts), len(self._pending)) >= _BATCH_TEXTS:
            self.flush()

    def finish(self, file: Finished) -> None:
        """Note that all documents of a file have been added."""
        self._finished.append(file)

    def path_of(self, doc_id: str) -> str | None:
        """Return the path of a document that waits, or None."""
        return next((p.path for p in self._pending if p.document.doc_id == doc_id), None)

    def flush(self) -> None:
        """Embed what waits, commit its documents, and record the files that are complete."""
        reach("ingest.embed.before")
        started = time.perf_counter()
        vectors = self._embed()
        embedded = time.perf_counter()
        reach("ingest.embed.after")
        for pending in self._pending:
            self._commit(pending, vectors)
            reach("ingest.commit.document")
        self._pending.clear()
        self._texts.clear()
        self._given.clear()
        for file in self._finished:
            # What replaces a document is there before the document goes, and shares its vectors.
            self.remove(file.dropped, file.moved_from)
            self._catalog.put_file(file.record)
            reach("ingest.commit.file")
        self._finished.clear()
        self._report.embed_seconds += embedded - started
        self._report.commit_seconds += time.perf_counter() - embedded
        reach("ingest.flushed")

    def remove(self, doc_ids: Collection[str], path: str) -> None:
        """Take documents out, and a file with all of its documents when `path` names one."""
        gone = {*doc_ids, *(self._catalog.hashes(path) if path else ())}
        if gone or path:
            forget = [path] if path else []
            self._report.removed_documents += self._catalog.remove(sorted(gone), forget=forget)

    def _passages(self, document: Document) -> dict[str, tuple[Passage, str]]:
        """Map passage ids to passages and the keys of their vectors."""
        cut = split(document, passage_chars=self._passage_chars, overlap_chars=self._overlap_chars)
        model = self._embedder.name
        return {passage.passage_id: (passage, vector_key(model, passage)) for passage in cut}

    def _embed(self) -> dict[str, Vectors]:
        keys = [key for key in self._texts if key not in self._given]
        texts = [self._texts[key] for key in keys]
        found = dict(zip(keys, self._embedder.embed_passages(texts), strict=True)) if keys else {}
        self._report.embedded += len(self._texts)
        self._report.characters += sum(map(len, self._texts.values()))
        return found | self._given

    def _commit(self, pending: _Pending, vectors: dict[str, Vectors]) -> None:
        keys = {key: passage for passage, key in pending.passages.values()}
        # A vector that was there when the document was read may have gone since, with an earlier
        # document of this batch that no longer has the passage.
        lost = sorted(self._catalog.missing_vectors(keys) - vectors.keys())
        if lost:
            texts = [embedded_text(keys[key]) for key in lost]
            vectors |= zip(lost, self._embedder.embed_passages(texts), strict=True)
            self._report.embedded += len(lost)
        self._catalog.put(
            pending.document,
            pending.passages,
            {key: vectors[key] for key in keys.keys() & vectors.keys()},
            path=pending.path,
            content_hash=pending.content_hash,
            collection=pending.collection,
        )
