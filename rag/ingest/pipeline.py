"""From files to the catalogue: read, split, embed, commit.

Documents are embedded in batches that may span many of them, and each is committed in a
transaction of its own as soon as its vectors are there. A file is recorded as read only after all
its documents are committed, so an ingest that was cut off goes on where it stopped.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rag.errors import DocumentError
from rag.ingest.files import Action, Step, plan
from rag.ingest.passages import split
from rag.ingest.readers import document_id, read_file, reader_for
from rag.ingest.reading import Part, PartsOf, ReadFile, parts_of, reading
from rag.retrieval.embedding import Embedder
from rag.store.catalog import Catalog
from rag.store.collections import DEFAULT_COLLECTION
from rag.store.faults import reach
from rag.store.records import FileRecord, Vectors, content_hash, embedded_text, vector_key
from rag.types import Document, Passage

_BATCH_TEXTS = 512
_READ = (Action.ADD, Action.REPLACE, Action.MOVE)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is; bytes are those of the files that need reading."""

    source: str
    bytes_done: int
    bytes_total: int
    documents: int
    passages: int


@dataclass(slots=True)
class Report:
    """What an ingest did. `characters` and `embedded` count texts that were embedded anew.

    `embed_seconds` and `commit_seconds` are parts of `seconds`; the rest is reading and splitting.
    """

    steps: list[Step]
    problems: list[FileRecord] = field(default_factory=list)
    documents: int = 0
    passages: int = 0
    embedded: int = 0
    characters: int = 0
    removed_documents: int = 0
    seconds: float = 0.0
    embed_seconds: float = 0.0
    commit_seconds: float = 0.0

    @property
    def still_unread(self) -> list[Step]:
        """The files that did not change and that an earlier ingest could not read."""
        still = (Action.KEEP, Action.ASSIGN)
        return [step for step in self.steps if step.action in still and step.reason]

    def count(self, action: Action) -> int:
        """Return how many files had this done to them."""
        return sum(step.action == action for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A document that waits for its vectors."""

    document: Document
    passages: dict[str, tuple[Passage, str]]
    path: str
    content_hash: str
    collection: str


@dataclass(frozen=True, slots=True)
class _Finished:
    """A file that was read: what it no longer holds, and where it lay before if it has moved."""

    record: FileRecord
    dropped: frozenset[str]
    moved_from: str


class Ingestor:
    """Brings files into a catalogue; the caller sees to it that one at a time does."""

    def __init__(
        self,
        catalog: Catalog,
        embedder: Embedder,
        *,
        passage_chars: int,
        overlap_chars: int,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        read: ReadFile = read_file,
        parts: PartsOf | None = None,
    ) -> None:
        """`read` opens the files: in this process by default, safely with `Sandbox.read`.

        `parts` gives what they hold instead, when another machine has read them already.
        """
        self._catalog = catalog
        self._embedder = embedder
        self._passage_chars = passage_chars
        self._overlap_chars = overlap_chars
        self._on_progress = on_progress
        self._parts = functools.partial(parts_of, read=read) if parts is None else parts
        self._pending: list[_Pending] = []
        self._texts: dict[str, str] = {}
        self._given: dict[str, Vectors] = {}  # of these texts, the vectors that came with them
        self._finished: list[_Finished] = []
        self._collection: str | None = None

    def plan(
        self,
        arguments: Sequence[str],
        *,
        prune: bool = False,
        leave: Collection[str] = (),
        collection: str | None = None,
    ) -> list[Step]:
        """Decide what `ingest` would do with each file; changes nothing."""
        known = self._catalog.files()
        exclude = self._catalog.path.parent
        steps = plan(arguments, known, exclude=exclude, prune=prune, leave=leave)
        if collection is None:
            return steps
        return [
            replace(step, action=Action.ASSIGN)
            if step.action == Action.KEEP and known[step.path].collection != collection
            else step
            for step in steps
        ]

    def ingest(
        self,
        arguments: Sequence[str],
        *,
        prune: bool = False,
        leave: Collection[str] = (),
        order: Callable[[Step], tuple[int, ...]] | None = None,
        collection: str | None = None,
    ) -> Report:
        """Bring files into the catalogue; with `prune`, take out those that are gone.

        Files that `leave` names by their absolute paths are not looked at. `order` says which are
        read first; by default it is the plan's.
        All files, and what is held of them, go into the `collection`; without one, files that are
        known stay in theirs, also under a new name, and new ones go into "default".
        A file that cannot be read is recorded with its reason and stops nothing; what an earlier
        ingest read of it stays.

        Raises:
            InputError: an argument names nothing.
            StoreError: the store cannot be written; what was committed before stays.
        """
        started = time.perf_counter()
        steps = self.plan(arguments, prune=prune, leave=leave, collection=collection)
        reach("ingest.planned")
        report = Report(steps)
        self._collection = collection
        assigned = [step.path for step in steps if step.action == Action.ASSIGN]
        if collection is not None and assigned:
            self._catalog.collect(assigned, collection)
        to_read = [step for step in steps if step.action in _READ]
        if order is not None:
            to_read.sort(key=order)
        total = sum(step.size_bytes for step in to_read)
        done = 0
        with reading(to_read, self._parts) as files:
            for step, parts in files:
                self._take_file(step, parts, report)
                done += step.size_bytes
                self._on_progress(
                    Progress(step.source, done, total, report.documents, report.passages)
                )
        self._flush(report)
        for step in steps:
            if step.action == Action.REMOVE:
                reach("ingest.gone.before")
                self._remove((), step.path, report)
        report.seconds = time.perf_counter() - started
        return report

    def reindex(self) -> Report:
        """Split and embed every document again from its stored text."""
        report = Report([])
        infos = self._catalog.documents()
        for done, info in enumerate(infos, start=1):
            document = self._catalog.document(info.doc_id)
            if document is not None:
                self._enqueue(document, info.path, info.collection, report)
            self._on_progress(
                Progress(info.source, done, len(infos), report.documents, report.passages)
            )
        self._flush(report)
        return report

    def _take_file(self, step: Step, parts: Iterable[Part], report: Report) -> None:
        """Enqueue what is new of a file, and take out what it holds no longer."""
        record = FileRecord(
            path=step.path,
            source=step.source,
            sha256="",
            size_bytes=step.size_bytes,
            mtime_ns=step.mtime_ns,
            seen_ns=time.time_ns(),
            reader_version=reader_for(Path(step.path)).version,
            collection=self._collection_of(step),
        )
        before = self._catalog.hashes(step.path)
        seen: set[str] = set()
        problems: list[DocumentError] = []
        failed = False
        for part in parts:
            if part.sha256:
                record = replace(record, sha256=part.sha256)
                reach("ingest.file.hashed")
            if part.problem is not None:
                problems.append(part.problem)
                failed = part.failed
            if part.document is not None:
                document = self._with_own_id(part.document, step.path, step.moved_from)
                seen.add(document.doc_id)
                if before.get(document.doc_id) != content_hash(document):
                    where = (step.path, record.collection)
                    self._enqueue(document, *where, report, part.vectors)
        if problems:
            first, more = problems[0], len(problems) - 1
            message = first.message + (f" And {more} more in this file." if more else "")
            record = replace(record, reason=first.reason, message=message, hint=first.hint)
            report.problems.append(record)
        reach("ingest.file.read")
        whole = not failed and bool(seen or not problems)
        self._finished.append(
            _Finished(
                record=record,
                dropped=frozenset(before.keys() - seen) if whole else frozenset(),
                moved_from=step.moved_from if whole else "",
            )
        )

    def _collection_of(self, step: Step) -> str:
        if self._collection is not None:
            return self._collection
        paths = filter(None, (step.path, step.moved_from))
        held = map(self._catalog.collection_of_path, paths)
        return next(filter(None, held), DEFAULT_COLLECTION)

    def _with_own_id(self, document: Document, path: str, moved_from: str) -> Document:
        """Rename a record whose `_id` a record of another file already has."""
        owner = self._catalog.path_of(document.doc_id)
        if owner is None:
            waiting = (p.path for p in self._pending if p.document.doc_id == document.doc_id)
            owner = next(waiting, None)
        if owner in (None, path, moved_from):
            return document
        return replace(document, doc_id=f"{document.doc_id}~{document_id(Path(path))[:8]}")

    def _enqueue(
        self,
        document: Document,
        path: str,
        collection: str,
        report: Report,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> None:
        model = self._embedder.name
        passages = {
            passage.passage_id: (passage, vector_key(model, passage))
            for passage in split(
                document, passage_chars=self._passage_chars, overlap_chars=self._overlap_chars
            )
        }
        texts = {key: embedded_text(passage) for passage, key in passages.values()}
        for key in self._catalog.missing_vectors(texts):
            self._texts[key] = texts[key]
            if vectors and key in vectors:
                self._given[key] = vectors[key]
        self._pending.append(_Pending(document, passages, path, content_hash(document), collection))
        report.documents += 1
        report.passages += len(passages)
        if max(len(self._texts), len(self._pending)) >= _BATCH_TEXTS:
            self._flush(report)

    def _flush(self, report: Report) -> None:
        """Embed what waits, commit its documents, and record the files that are complete."""
        keys = [key for key in self._texts if key not in self._given]
        texts = [self._texts[key] for key in keys]
        reach("ingest.embed.before")
        started = time.perf_counter()
        vectors = dict(zip(keys, self._embedder.embed_passages(texts), strict=True)) if keys else {}
        vectors |= self._given
        embedded = time.perf_counter()
        reach("ingest.embed.after")
        report.embedded += len(self._texts)
        report.characters += sum(map(len, self._texts.values()))
        for pending in self._pending:
            self._commit(pending, vectors, report)
            reach("ingest.commit.document")
        self._pending.clear()
        self._texts.clear()
        self._given.clear()
        for finished in self._finished:
            # What replaces a document is there before the document goes, and shares its vectors.
            self._remove(finished.dropped, finished.moved_from, report)
            self._catalog.put_file(finished.record)
            reach("ingest.commit.file")
        self._finished.clear()
        report.embed_seconds += embedded - started
        report.commit_seconds += time.perf_counter() - embedded
        reach("ingest.flushed")

    def _commit(self, pending: _Pending, vectors: dict[str, Vectors], report: Report) -> None:
        keys = {key: passage for passage, key in pending.passages.values()}
        # A vector that was there when the document was read may have gone since, with an earlier
        # document of this batch that no longer has the passage.
        lost = sorted(self._catalog.missing_vectors(keys) - vectors.keys())
        if lost:
            texts = [embedded_text(keys[key]) for key in lost]
            vectors |= zip(lost, self._embedder.embed_passages(texts), strict=True)
            report.embedded += len(lost)
        self._catalog.put(
            pending.document,
            pending.passages,
            {key: vectors[key] for key in keys.keys() & vectors.keys()},
            path=pending.path,
            content_hash=pending.content_hash,
            collection=pending.collection,
        )

    def _remove(self, doc_ids: Collection[str], path: str, report: Report) -> None:
        """Take documents out, and a file with all of its documents when `path` names one."""
        gone = {*doc_ids, *(self._catalog.hashes(path) if path else ())}
        if gone or path:
            forget = [path] if path else []
            report.removed_documents += self._catalog.remove(sorted(gone), forget=forget)


def remove_sources(catalog: Catalog, arguments: Sequence[str]) -> Iterator[str]:
    """Take documents out, by source, path, folder or document id; yields the sources removed."""
    for info in catalog.documents():
        if any(_names(argument, info.source, info.path, info.doc_id) for argument in arguments):
            catalog.remove([info.doc_id], forget=[info.path])
            yield info.source


def _names(argument: str, source: str, path: str, doc_id: str) -> bool:
    absolute = str(Path(argument).resolve())
    return argument in (source, doc_id) or absolute == path or path.startswith(absolute + "/")
