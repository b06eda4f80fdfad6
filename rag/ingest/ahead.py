"""Do the next step of one thing while the last of another is still going on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_STOP_SECONDS = 1.0  # the rest is up to whoever owns what the iterator waits for


class ReadAhead(Generic[T]):
    """Runs an iterator in a thread and keeps what it yields until it is asked for.

    It waits while what is kept weighs `limit` or more, so memory stays bounded however slow the
    other side is. Use it as a context: leaving ends the thread and closes the iterator in it.
    An error of the iterator is raised where its values are taken.
    """

    def __init__(self, items: Iterator[T], weigh: Callable[[T], int], limit: int) -> None:
        self._items = items
        self._weigh = weigh
        self._limit = limit
        self._kept: deque[T] = deque()
        self._weight = 0
        self._stopping = self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)

    def __enter__(self) -> Iterator[T]:
        self._thread.start()
        return self._taken()

    def __exit__(self, *exc_info: object) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(_STOP_SECONDS)

    def _taken(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._kept or self._ended)
                if not self._kept:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._kept.popleft()
                self._weight -= self._weigh(item)
                self._changed.notify_all()
            yield item

    def _run(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    self._kept.append(item)
                    self._weight += self._weigh(item)
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._weight < self._limit or self._stopping)
                    if self._stopping:
                        return
        except BaseException as error:  # noqa: BLE001 - raised again in the other thread
            self._error = error
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()
