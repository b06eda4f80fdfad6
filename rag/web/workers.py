"""The threads that answer: a few at a time, a short line behind them, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rag.store.filters import Condition
from rag.types import Answer, Event, Question
from rag.web.problems import busy
from rag.web.seams import Asking

T = TypeVar("T")

HEARTBEAT_SECONDS = 15.0


_NEWS = 0.1
"""How much the last piece of work counts for in what one is expected to take."""

_LONGEST_RETRY_SECONDS = 60
_ABANDONED_SECONDS = 0.001
"""Work that took less was left by whoever asked for it, and says nothing of others."""


class Workers:
    """Runs work in threads; refuses what would wait in vain.

    At most `waiting` stand in line, and none that would wait longer than `patience_seconds`, by
    what work took of late; but one for each thread may wait however long work takes.
    """

    def __init__(
        self, *, threads: int, waiting: int, patience_seconds: float = float("inf")
    ) -> None:
        self._count = threads
        self._capacity = threads + waiting
        self._patience_seconds = patience_seconds
        self._open = 0
        self._seconds = 0.0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="api")

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Put work in line.

        Raises:
            Problem: the line is full (503).
        """
        with self._lock:
            ahead = self._open - self._count + 1  # of those that have to end before this begins
            wait = max(0, ahead) * self._seconds / self._count
            is_long = ahead > self._count and wait > self._patience_seconds
            if self._open >= self._capacity or is_long:
                seconds = math.ceil(min(wait, _LONGEST_RETRY_SECONDS))
                raise busy(seconds=max(1, seconds)) if self._seconds else busy()
            self._open += 1
        future = self._threads.submit(self._timed, work)
        future.add_done_callback(self._leave)
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """Put work in line and wait for what it returns; raises as `submit` and the work do."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _timed(self, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return work()
        finally:
            took = time.perf_counter() - began
            if took > _ABANDONED_SECONDS:
                with self._lock:
                    self._seconds += (took - self._seconds) * (_NEWS if self._seconds else 1.0)

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._open -= 1


def question_workers(*, is_reader: bool) -> Workers:
    """Make those that answer questions.

    The reader divides each question among all processors: more questions at once would take turns
    there and all end late, so two are enough to search for one while another is read. Waiting long
    helps nobody: who is refused at once may come back. A chat model works elsewhere, and longer.
    """
    if is_reader:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        threads = max(2, processors // 4)
        return Workers(threads=threads, waiting=16 * threads, patience_seconds=1.5)
    return Workers(threads=8, waiting=32, patience_seconds=60.0)


class Walk:
    """A question's walk in a worker's thread, its events read in the event loop.

    Raises:
        Problem: the line is full (503).
    """

    def __init__(
        self,
        workers: Workers,
        assistant: Asking,
        question: Question,
        filters: Sequence[Condition],
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._stop = threading.Event()
        self._arrived: asyncio.Queue[Event | None] = asyncio.Queue()
        self._heartbeat_seconds = heartbeat_seconds
        loop = asyncio.get_running_loop()

        def post(event: Event | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended; nobody listens any more
                loop.call_soon_threadsafe(self._arrived.put_nowait, event)

        def work() -> None:
            if self._stop.is_set():  # left while waiting in line
                return
            for event in assistant.stream(question, filters, cancelled=self._stop.is_set):
                post(event)
                if self._stop.is_set():
                    return

        self._future = workers.submit(work)
        self._future.add_done_callback(lambda _: post(None))

    def stop(self) -> None:
        """Let the walk end at its next step."""
        self._stop.set()

    async def events(self) -> AsyncIterator[Event | None]:
        """Yield the events as they come, and None whenever it has been silent for a while.

        Raises what the assistant raises. The walk stops when this is closed.
        """
        try:
            while True:
                try:
                    async with asyncio.timeout(self._heartbeat_seconds):
                        event = await self._arrived.get()
                except TimeoutError:
                    yield None
                    continue
                if event is None:
                    self._future.result()
                    return
                yield event
        finally:
            self.stop()

    async def answer(self) -> Answer | None:
        """Wait for the answer; None when the walk was stopped before it. Raises as `events`."""
        found = None
        async for event in self.events():
            if isinstance(event, Answer):
                found = event
        return found
