"""The threads that answer: a few at a time, a short line behind them, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rag.store.filters import Condition
from rag.types import Answer, Event, Question
from rag.web.problems import busy
from rag.web.seams import Asking

T = TypeVar("T")

HEARTBEAT_SECONDS = 15.0


class Workers:
    """Runs work in threads; refuses more than `threads` at work and `waiting` in line."""

    def __init__(self, *, threads: int, waiting: int) -> None:
        self._capacity = threads + waiting
        self._open = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="api")

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Put work in line.

        Raises:
            Problem: the line is full (503).
        """
        with self._lock:
            if self._open >= self._capacity:
                raise busy()
            self._open += 1
        future = self._threads.submit(work)
        future.add_done_callback(self._leave)
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """Put work in line and wait for what it returns; raises as `submit` and the work do."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._open -= 1


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
