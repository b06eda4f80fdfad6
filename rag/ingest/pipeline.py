"""From files to the catalogue: read, split, embed, commit.

Documents are embedded in batches that may span many of them, and each is committed in a
transaction of its own as soon as its vectors are there. A file is recorded as read only after all
its documents are committed, so an ingest that was cut off goes on where it stopped.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rag.errors import DocumentError
from rag.ingest.batch import Batch, Finished
from rag.ingest.files import Action, Step, plan
from rag.ingest.readers import document_id, read_file, reader_for
from rag.ingest.reading import Part, PartsOf, ReadFile, parts_of, reading
from rag.ingest.report import Progress, Report
from rag.retrieval.embedding import Embedder
from rag.store.catalog import Catalog
from rag.store.collections import DEFAULT_COLLECTION
from rag.store.faults import reach
from rag.store.records import FileRecord, content_hash
from rag.types import Document

_READ = (Action.ADD, Action.REPLACE, Action.MOVE)


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
        self._batch = functools.partial(
            Batch, catalog, embedder, passage_chars=passage_chars, overlap_chars=overlap_chars
        )
        self._on_progress = on_progress
        self._parts = functools.partial(parts_of, read=read) if parts is None else parts

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
        steps = [
            replace(step, unread=True)
            if step.action == Action.KEEP and step.reason and not self._catalog.hashes(step.path)
            else step
            for step in plan(arguments, known, exclude=exclude, prune=prune, leave=leave)
        ]
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
        batch = self._batch(report)
        assigned = [step.path for step in steps if step.action == Action.ASSIGN]
        if collection is not None and assigned:
            self._catalog.collect(assigned, collection)
        to_read = [step for step in steps if step.action in _READ]
        if order is not None:
            to_read.sort(key=order)
        report.note_unread(self._read(to_read, batch, report, collection))
        for step in steps:
            if step.action == Action.REMOVE:
                reach("ingest.gone.before")
                batch.remove((), step.path)
        report.seconds = time.perf_counter() - started
        return report

    def reindex(self) -> Report:
        """Split and embed every document again from its stored text."""
        report = Report([])
        batch = self._batch(report)
        infos = self._catalog.documents()
        for done, info in enumerate(infos, start=1):
            document = self._catalog.document(info.doc_id)
            if document is not None:
                batch.add(document, info.path, info.collection)
            self._tell(info.source, done, len(infos), report)
        batch.flush()
        return report

    def _read(
        self, steps: Sequence[Step], batch: Batch, report: Report, collection: str | None
    ) -> set[str]:
        """Read files and commit what they hold; returns the paths of those that gave nothing."""
        total = sum(step.size_bytes for step in steps)
        done = 0
        unread: set[str] = set()
        with reading(steps, self._parts) as files:
            for step, parts in files:
                into = self._collection_of(step) if collection is None else collection
                if not self._take_file(step, parts, batch, report, into):
                    unread.add(step.path)
                done += step.size_bytes
                self._tell(step.source, done, total, report)
        batch.flush()
        return unread

    def _take_file(
        self, step: Step, parts: Iterable[Part], batch: Batch, report: Report, collection: str
    ) -> bool:
        """Put what is new of a file into the batch, and note what it holds no longer.

        Returns whether anything of it could be read; a file that holds nothing counts as read.
        """
        record = _record_of(step, collection)
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
                document = self._with_own_id(part.document, step, batch)
                seen.add(document.doc_id)
                if before.get(document.doc_id) != content_hash(document):
                    batch.add(document, step.path, collection, part.vectors)
        if problems:
            record = _with_problems(record, problems)
            report.problems.append(record)
        reach("ingest.file.read")
        whole = not failed and bool(seen or not problems)
        batch.finish(
            Finished(
                record=record,
                dropped=frozenset(before.keys() - seen) if whole else frozenset(),
                moved_from=step.moved_from if whole else "",
            )
        )
        return bool(seen or not problems)

    def _collection_of(self, step: Step) -> str:
        paths = filter(None, (step.path, step.moved_from))
        held = map(self._catalog.collection_of_path, paths)
        return next(filter(None, held), DEFAULT_COLLECTION)

    def _with_own_id(self, document: Document, step: Step, batch: Batch) -> Document:
        """Rename a record whose `_id` a record of another file already has."""
        owner = self._catalog.path_of(document.doc_id) or batch.path_of(document.doc_id)
        if owner in (None, step.path, step.moved_from):
            return document
        own = f"{document.doc_id}~{document_id(Path(step.path))[:8]}"
        return replace(document, doc_id=own)

    def _tell(self, source: str, done: int, total: int, report: Report) -> None:
        self._on_progress(Progress(source, done, total, report.documents, report.passages))


def _record_of(step: Step, collection: str) -> FileRecord:
    """Say that a file is being looked at, now."""
    return FileRecord(
        path=step.path,
        source=step.source,
        sha256="",
        size_bytes=step.size_bytes,
        mtime_ns=step.mtime_ns,
        seen_ns=time.time_ns(),
        reader_version=reader_for(Path(step.path)).version,
        collection=collection,
    )


def _with_problems(record: FileRecord, problems: Sequence[DocumentError]) -> FileRecord:
    """Note the first problem of a file, and how many more it has."""
    first, more = problems[0], len(problems) - 1
    message = first.message + (f" And {more} more in this file." if more else "")
    return replace(record, reason=first.reason, message=message, hint=first.hint)


def remove_sources(catalog: Catalog, arguments: Sequence[str]) -> Iterator[str]:
    """Take documents out, by source, path, folder or document id; yields the sources removed.

    Files that hold none, because they could not be read, are forgotten likewise.
    """
    named = _Named(arguments)
    for info in catalog.documents():
        if info.doc_id in arguments or named(info.source, info.path):
            catalog.remove([info.doc_id], forget=[info.path])
            yield info.source
    empty = [record for record in catalog.files().values() if named(record.source, record.path)]
    if empty:
        catalog.remove((), forget=[record.path for record in empty])
        yield from (record.source for record in empty)


class _Named:
    """Tells whether arguments name a source, a file by its path, or a folder that it lies in."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = frozenset(arguments)
        # "" would be the present folder, and is rather a variable that was not set.
        self._paths = [Path(argument).resolve() for argument in arguments if argument]

    def __call__(self, source: str, path: str) -> bool:
        return source in self._arguments or any(
            Path(path).is_relative_to(named) for named in self._paths
        )
