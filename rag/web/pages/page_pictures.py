"""Pages of originals for people to look at, drawn in the sandbox and never in the server.

One thread has one child process; a short line waits for it. What was looked up is kept for a while,
so that opening a footnote again costs nothing. Whoever waits holds a thread that others need too:
they are few, also when all want the same page.
"""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import quote, urlencode

from rag.errors import DocumentError, ProcessError
from rag.ingest.readers.views import PICTURE_SUFFIXES, VIEWED_SUFFIXES, PageRequest, PageView
from rag.ingest.sandbox import Limits, Sandbox
from rag.store.records import FileRecord
from rag.types import Document
from rag.web.problems import Problem, busy
from rag.web.workers import Workers

PATIENCE_SECONDS = 8.0
_WAITING = 16
_MOST_WHO_WAIT = 12
_MAX_PAGES = 3  # a passage that runs over more is shown on these
_KEPT_BYTES = 32_000_000
_KEPT_VIEWS = 500
_WORDS = {
    "changed": "the file has changed since it was read",
    "missing": "the file is not where it was read",
    "unplaced": "the words are not on it as they were read",
    "late": "it is still being drawn; open this again in a moment",
    "busy": "there is too much to do; open this again in a moment",
}
_LATER = ("late", "busy")


@dataclass(frozen=True, slots=True)
class Shown:
    """The pages on which a stretch of a document stands; `missing` says why there are none."""

    pages: tuple[PageView, ...] = ()
    missing: str = ""


class Originals(Protocol):
    """Tells which file a document came from, from any thread."""

    def path_of(self, doc_id: str) -> str | None: ...

    def file(self, path: str) -> FileRecord | None: ...


class PagePictures:
    """Looks pages up; whoever calls has seen to it that the document may be shown."""

    def __init__(
        self,
        originals: Originals,
        limits: Limits,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._originals = originals
        self._sandbox = Sandbox(limits)
        self._thread = Workers(threads=1, waiting=_WAITING)
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[PageRequest, PageView] = OrderedDict()
        self._running: dict[PageRequest, Future[PageView]] = {}
        self._who_wait = 0

    def close(self) -> None:
        """End the child; nothing more is drawn."""
        self._thread.close()
        self._sandbox.close()

    def find(self, document: Document, start: int, end: int) -> Shown:
        """Find a stretch of a document on its pages; an empty `Shown` when it has none."""
        if not (found := page_starts(document)):
            return Shown()
        starts = [*found, len(document.text)]
        pages = [
            number
            for number in range(1, len(starts))
            if max(start, starts[number - 1]) < min(end, starts[number])
            and document.text[max(start, starts[number - 1]) : min(end, starts[number])].strip()
        ]
        try:
            views = [
                self._look(document, page, (starts[page - 1], starts[page]), (start, end))
                for page in pages[:_MAX_PAGES]
            ]
        except DocumentError as error:
            return Shown(missing=_WORDS.get(error.reason, "it cannot be drawn"))
        return Shown(tuple(views))

    def picture(self, document: Document, page: int) -> bytes | None:
        """Draw a page of a document as PNG; None when that cannot be done.

        Raises:
            Problem: there is too much to draw at the moment (503).
        """
        if not 1 <= page <= len(page_starts(document)):
            return None
        try:
            return self._view(self._request(document, page, draw=True)).picture
        except DocumentError as error:
            if error.reason in _LATER:
                raise busy("Too many pages are being drawn.") from error
            return None

    def _look(
        self, document: Document, page: int, bounds: tuple[int, int], wanted: tuple[int, int]
    ) -> PageView:
        first, last = bounds
        request = self._request(
            document,
            page,
            text=document.text[first:last],
            start=max(wanted[0], first) - first,
            end=min(wanted[1], last) - first,
        )
        return self._view(request)

    def _request(
        self,
        document: Document,
        page: int,
        *,
        text: str = "",
        start: int = 0,
        end: int = 0,
        draw: bool = False,
    ) -> PageRequest:
        path = self._originals.path_of(document.doc_id)
        record = None if path is None else self._originals.file(path)
        if path is None or record is None:
            raise DocumentError(f"{document.source}: its file is not known.", reason="missing")
        _check_file(path, record)
        return PageRequest(
            path, record.source, document.doc_id, record.sha256, page, text, start, end, draw
        )

    def _view(self, request: PageRequest) -> PageView:
        """Take what is kept, or wait for the thread; two who want the same wait for one drawing."""
        with self._lock:
            if (kept := self._kept.get(request)) is not None:
                self._kept.move_to_end(request)
                return kept
            if self._who_wait >= _MOST_WHO_WAIT:
                raise DocumentError(f"{request.source}: many wait.", reason="busy")
            future = self._running.get(request)
            if future is None:
                try:
                    future = self._thread.submit(self._drawing(request))
                except Problem as problem:
                    raise DocumentError(problem.message, problem.hint, reason="busy") from problem
                self._running[request] = future
            self._who_wait += 1
        try:
            return future.result(self._patience)
        except TooLate as error:
            raise DocumentError(f"{request.source}: takes long.", reason="late") from error
        except ProcessError as error:
            raise DocumentError(error.message, error.hint, reason="busy") from error
        finally:
            with self._lock:
                self._who_wait -= 1

    def _drawing(self, request: PageRequest) -> Callable[[], PageView]:
        def draw() -> PageView:
            try:
                seen = self._sandbox.view(request)
                with self._lock:
                    self._keep(request, seen)
                return seen
            finally:
                with self._lock:
                    self._running.pop(request, None)

        return draw

    def _keep(self, request: PageRequest, seen: PageView) -> None:
        self._kept[request] = seen
        held = sum(len(view.picture) for view in self._kept.values())
        while held > _KEPT_BYTES or len(self._kept) > _KEPT_VIEWS:
            _, gone = self._kept.popitem(last=False)
            held -= len(gone.picture)


def _check_file(path: str, record: FileRecord) -> None:
    """See that what now lies there can be what was read, before the child opens it.

    A pipe would never end, and of a file that has become huge the child would read all, to learn
    that it is another one.

    Raises:
        DocumentError: "missing" or "changed".
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise DocumentError(f"{record.source}: is not there.", reason="missing") from error
    if not stat.S_ISREG(found.st_mode) or found.st_size != record.size_bytes:
        raise DocumentError(f"{record.source}: is another file now.", reason="changed")


def page_starts(document: Document) -> tuple[int, ...]:
    """Return where the pages begin that can be drawn; none of a file that has no such pages."""
    if is_one_picture(document):
        return (0,)
    suffix = PurePosixPath(document.source).suffix.lower()
    return document.page_starts if suffix in VIEWED_SUFFIXES else ()


def is_one_picture(document: Document) -> bool:
    """Tell whether a document came from a picture, which is its only page."""
    suffix = PurePosixPath(document.source).suffix.lower()
    return suffix in PICTURE_SUFFIXES and not document.page_starts


def shown_pages(pictures: PagePictures | None, document: Document, start: int, end: int) -> Shown:
    """Find the pages on which a stretch of a document stands; none where none are drawn."""
    if pictures is None or not 0 <= start < end <= len(document.text):
        return Shown()
    return pictures.find(document, start, end)


def picture_url(doc_id: str, page: int) -> str:
    """Return the address of the picture of a page, as seen from where the server begins."""
    return f"pages/{quote(doc_id, safe='', errors='replace')}?{urlencode({'page': page})}"
