"""Wait for a chat model no longer than one is willing to, try again in between, stop at once.

Models are asked in one event loop, in a thread of its own: there a request can be given up at any
moment, while it waits for its first byte too, and giving it up closes its connection.
"""

from __future__ import annotations

import asyncio
import functools
import queue
import random
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.05
"""So often somebody who waits is given the chance to stop."""
TRIES = 3
FIRST_PAUSE_SECONDS = 0.5
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_BROKEN = ("Connect", "RemoteProtocol", "ReadError", "WriteError", "BrokenPipe")


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait, in seconds: for the first piece, all tries included, and for each other.

    With `whole` the first counts for all pieces together.
    """

    first: float
    next: float
    whole: bool = False


class _End:
    """What a stream gives when it has ended, perhaps with an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def persistently(
    stream: Callable[[], AsyncIterator[T]], waits: Waits
) -> Generator[T | None, None, None]:
    """Yield what a stream yields, and None now and then while there is nothing.

    A stream that fails before it gave anything is begun again, twice at most, after growing and
    random pauses, as long as there is time. Closing this closes the stream.

    Raises:
        TimeoutError: there was nothing for too long.
        Exception: whatever the stream raises.
    """
    deadline = time.monotonic() + waits.first
    for attempt in range(TRIES):
        given = False
        try:
            for item in _pulled(stream, deadline, waits):
                given = given or item is not None
                yield item
            return
        except Exception as error:
            pause = pause_before_retry(error, attempt)
            if given or pause is None or time.monotonic() + pause >= deadline:
                raise
        until = time.monotonic() + pause
        while time.monotonic() < until:
            yield None
            time.sleep(min(POLL_SECONDS, max(0.0, until - time.monotonic())))


def pause_before_retry(error: BaseException, attempt: int) -> float | None:
    """Return how long to wait before asking again, None when that would not help.

    What the server asks for, or about 0.4, 0.75, ... seconds, at random so that not all come back
    at once. `attempt` counts from 0; after the third there is no other.
    """
    if attempt + 1 >= TRIES:
        return None
    links = chain_of(error)
    status = next((code for code in map(status_of, links) if code is not None), None)
    names = " ".join(type(link).__name__ for link in links)
    if status is None:
        if "Timeout" in names or not any(name in names for name in _BROKEN):
            return None
    elif status not in _RETRIED:
        return None
    asked = next((s for s in map(_asked_to_wait, links) if s is not None), None)
    return asked if asked is not None else FIRST_PAUSE_SECONDS * 2**attempt * _jitter()


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an error and those that caused it, the last one first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an error tells of, None when it tells of none."""
    status = getattr(error, "status_code", None)
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) and status >= 400 else None


def _jitter() -> float:
    return random.uniform(0.5, 1.0)


def _asked_to_wait(error: BaseException) -> float | None:
    """Return the seconds in a response's `retry-after`; a date in it is left out."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit if headers is not None else -1.0
        except (TypeError, ValueError):
            continue
        if seconds >= 0:
            return seconds
    return None


def _pulled(
    stream: Callable[[], AsyncIterator[T]], deadline: float, waits: Waits
) -> Generator[T | None, None, None]:
    """Yield what a stream yields; each piece is asked for, so that none is made in vain."""
    loop = _loop()
    demand: asyncio.Queue[None] = asyncio.Queue()
    given: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
    task = asyncio.run_coroutine_threadsafe(_pump(stream, demand, given), loop)
    try:
        while True:
            loop.call_soon_threadsafe(demand.put_nowait, None)
            item: T | _End | None = None
            while item is None:
                try:
                    item = given.get(timeout=min(POLL_SECONDS, max(0.001, deadline - _now())))
                except queue.Empty:
                    if _now() >= deadline:
                        raise TimeoutError from None
                    yield None
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            if not waits.whole:
                deadline = _now() + waits.next
    finally:
        task.cancel()


async def _pump(
    stream: Callable[[], AsyncIterator[T]],
    demand: asyncio.Queue[None],
    given: queue.SimpleQueue[T | _End],
) -> None:
    source: AsyncIterator[T] | None = None
    try:
        source = stream()
        while True:
            await demand.get()
            given.put(await anext(source))
    except StopAsyncIteration:
        given.put(_End())
    except Exception as error:  # noqa: BLE001 - raised again where the stream is waited for
        given.put(_End(error))
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()


def _now() -> float:
    return time.monotonic()


_starting = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    """Return the one loop in which models are asked: their connections belong to it."""
    with _starting:
        return _started_loop()


@functools.cache
def _started_loop() -> asyncio.AbstractEventLoop:
    """Start the loop; its thread never keeps a process from ending."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="chat-models", daemon=True).start()
    return loop


def streams_itself(model: Any) -> bool:
    """Whether a chat model has a stream of its own for event loops.

    Others would be run in threads that nothing can stop.
    """
    from langchain_core.language_models import BaseChatModel

    own = getattr(type(model), "_astream", None)
    return own is not None and own is not BaseChatModel._astream
