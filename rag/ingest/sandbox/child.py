"""One child process: how it is started, asked, watched and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rag.errors import DocumentError, ProcessError
from rag.ingest.readers.views import PageRequest, PageView
from rag.ingest.sandbox import wire
from rag.types import Document

_FILES_PER_WORKER = 500
_KEEP_BELOW_BYTES = 400 * 2**20  # a worker that has grown beyond this is replaced
_START_SECONDS = 60.0
_TICK_SECONDS = 0.1
# What native code does at an allocation that fails, besides raising MemoryError.
_ABORTS = {-signal.SIGABRT, -signal.SIGILL, -signal.SIGTRAP}


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading may take: memory of the process, and time.

    `cpu_seconds` and `wall_seconds` are for one document; a file of many (an archive, JSON lines)
    has them anew for each, a scan for each page, and `file_seconds` altogether. Waiting for the
    parent is not counted. `tesseract` is the one program that may be started.
    """

    memory_bytes: int = 1024 * 2**20
    cpu_seconds: float = 60.0
    wall_seconds: float = 120.0
    file_seconds: float = 3600.0
    tesseract: str | None = None
    ocr_languages: str = "eng"


class WorkerLostError(Exception):
    """The child cannot be used any more; `problem` is what to say of the file."""

    def __init__(self, problem: DocumentError) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Worker:
    """A running child. `kill` may be called at any time.

    Making one raises ProcessError when it cannot be started.
    """

    def __init__(self, limits: Limits, start: str) -> None:
        self._limits = limits
        self._files = 0
        self._peak_bytes = 0
        self._process = _start(start)
        self._watch = Watch(self._process)
        self._waited = 0.0
        setup = {
            "path": [os.path.abspath(entry) for entry in sys.path],
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "tesseract": limits.tesseract,
            "ocr_languages": limits.ocr_languages,
        }
        self._write(setup)
        try:
            ready = self._receive("The process that reads files", _START_SECONDS)
        except WorkerLostError as error:
            self.kill()
            raise _not_started(error.problem.message) from error
        self.network = str(ready.get("network"))

    @property
    def is_worn(self) -> bool:
        """Whether it has read enough, or grown too large, to be replaced."""
        return self._files >= _FILES_PER_WORKER or self._peak_bytes > _KEEP_BELOW_BYTES

    def kill(self) -> None:
        """End the process, whatever it is doing, and let go of its pipes."""
        self._watch.stop()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue  # a request that it never took

    def read(self, path: Path, source: str) -> Iterator[Document | DocumentError]:
        self._files += 1
        self._waited = 0.0
        self._write({"path": str(path), "source": source})
        while True:
            frame = self._receive(source, self._limits.wall_seconds)
            try:
                match frame.get("kind"):
                    case "document":
                        yield wire.unpack_document(frame, source)
                    case "problem":
                        yield wire.unpack_problem(frame)
                    case "end":
                        self._end(frame)
                        return
            except wire.BrokenFrameError as error:
                raise WorkerLostError(crashed(source, str(error))) from error

    def view(self, request: PageRequest) -> PageView:
        """Have a page drawn; raises as `read`."""
        self._files += 1
        self._waited = 0.0
        source, found = request.source, None
        self._write({"path": request.path, "source": source, "view": wire.pack_request(request)})
        while True:
            frame = self._receive(source, self._limits.wall_seconds)
            try:
                match frame.get("kind"):
                    case "view":
                        found = wire.unpack_view(frame, request.page)
                    case "end":
                        self._end(frame)
                        if found is not None:
                            return found
                        raise wire.BrokenFrameError("an end without a page")
            except wire.BrokenFrameError as error:
                raise WorkerLostError(crashed(source, str(error))) from error

    def _end(self, frame: dict[str, Any]) -> None:
        peak = frame.get("peak_bytes")
        self._peak_bytes = peak if isinstance(peak, int) else 0
        if frame.get("failure") is not None:
            problem = wire.unpack_problem(frame["failure"])
            if problem.reason == "memory-limit":
                raise WorkerLostError(problem)
            raise problem

    def _write(self, message: dict[str, Any]) -> None:
        stream = self._process.stdin
        assert stream is not None
        try:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()
        except (BrokenPipeError, ValueError):
            return  # it has died, or was ended meanwhile; reading its answer will say how

    def _receive(self, source: str, seconds: float) -> dict[str, Any]:
        """Wait for the next frame.

        Raises:
            WorkerLostError: the child died, or was killed because its time was over.
        """
        stream = self._process.stdout
        assert stream is not None
        left = self._limits.file_seconds - self._waited
        started = time.monotonic()
        try:
            with self._watch.allowing(min(seconds, left)):
                frame = wire.receive(stream)
        except wire.BrokenFrameError as error:
            raise WorkerLostError(crashed(source, str(error))) from error
        except ValueError:
            frame = None  # the pipe was closed by whoever ended the child
        self._waited += time.monotonic() - started
        if frame is None:
            raise WorkerLostError(self._cause_of_death(source))
        return frame

    def _cause_of_death(self, source: str) -> DocumentError:
        try:
            code = self._process.wait(timeout=_START_SECONDS)
        except subprocess.TimeoutExpired:
            return crashed(source, "its process closed the connection")
        if self._watch.killed or (os.name == "posix" and code == -signal.SIGXCPU):
            return DocumentError(
                f"{source}: reading it took longer than {self._limits.cpu_seconds:.0f} s "
                f"of computing or {self._limits.wall_seconds:.0f} s altogether.",
                "Split the file, or set FOOTNOTE_READ_SECONDS higher if you trust it.",
                reason="time-limit",
            )
        if code in _ABORTS:
            return wire.out_of_memory(source, self._limits.memory_bytes)
        return crashed(source, f"its process ended with {code}")


class Watch:
    """Kills a process that takes too long; a thread that looks at the clock while it is waited for.

    Pipes cannot be waited for with a time limit on every system; a thread can.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.killed = False
        self._process = process
        self._deadline = float("inf")
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="watch-reader", daemon=True).start()

    def allowing(self, seconds: float) -> Self:
        self._deadline = time.monotonic() + seconds
        return self

    def __enter__(self) -> None:
        return

    def __exit__(self, *exc_info: object) -> None:
        self._deadline = float("inf")

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            if time.monotonic() > self._deadline:
                self.killed = True
                self._process.kill()
                return


def _start(code: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={} if os.name == "posix" else None,  # no key or password reaches a parser
        )
    except OSError as error:  # no memory, no processes, no descriptors left
        raise _not_started(f"The system refused it: {error.strerror}.") from error


def _not_started(why: str) -> ProcessError:
    return ProcessError(
        f"The process that reads files could not be started. {why}",
        "Free some memory, or raise FOOTNOTE_READ_MEMORY_MB if it is very low, and ingest again; "
        "files that were not read count as new.",
    )


def crashed(source: str, how: str) -> DocumentError:
    return DocumentError(
        f"{source}: its reader broke down ({how}).",
        "The file is probably damaged: open it in its own program and save it again.",
        reason="crashed",
    )
