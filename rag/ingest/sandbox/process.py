"""The parent's side: a child process that reads files, watched and replaced when need be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from rag.errors import DocumentError, ProcessError
from rag.ingest.readers.views import PageRequest, PageView
from rag.ingest.sandbox.child import Limits, Worker, WorkerLostError
from rag.types import Document

START = (
    "import sys, json; setup = json.loads(sys.stdin.buffer.readline()); "
    "sys.path[:] = setup['path']; from rag.ingest.sandbox.worker import main; main(setup)"
)
_STARTS = 2  # a system without memory or processes may have some a moment later
_PAUSE_SECONDS = 1.0


class Sandbox:
    """Reads files in a child process, which is started for the first and kept for the next.

    A child that dies, hangs or hits a limit costs the file it was reading; a new one goes on.
    Not for two threads at once; the child ends with the thread that first read (Linux).
    """

    def __init__(self, limits: Limits | None = None, *, start: str = START) -> None:
        self.limits = limits or Limits()
        self._start = start
        self._worker: Worker | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, also while another thread waits for it; nothing can be read any more."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def view(self, request: PageRequest) -> PageView:
        """Draw a page and find text on it, as `readers.views.view` does; raises also as `read`."""
        while True:
            used = self._worker is not None
            worker = self._worker = self._worker or self._started()
            try:
                seen = worker.view(request)
            except WorkerLostError as lost:
                self._drop()
                if not used or self._closed or lost.problem.reason == "time-limit":
                    raise lost.problem from lost
            else:
                if worker.is_worn:
                    self._drop()
                return seen

    def _started(self) -> Worker:
        for attempt in range(1, _STARTS + 1):
            try:
                return Worker(self.limits, self._start)
            except ProcessError:
                if attempt == _STARTS or self._closed:
                    raise
                time.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def read(self, path: Path, source: str) -> Iterator[Document | DocumentError]:
        """Yield a file's documents and defective records, as `Reader.read` does.

        Raises:
            DocumentError: also "time-limit", "memory-limit" and "crashed".
            ProcessError: no child could be started, which says nothing about the file.
        """
        while True:
            used = self._worker is not None
            yielded = False
            try:
                worker = self._worker = self._worker or self._started()
                for item in worker.read(path, source):
                    yielded = True
                    yield item
            except WorkerLostError as lost:
                self._drop()
                # What earlier files left behind may be to blame: once more, in a fresh process.
                hopeless = not used or yielded or self._closed
                if hopeless or lost.problem.reason == "time-limit":
                    raise lost.problem from lost
            except GeneratorExit:
                self._drop()  # the child is in the middle of a file that nobody wants any more
                raise
            else:
                if worker.is_worn:
                    self._drop()
                return
