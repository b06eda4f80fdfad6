"""Writing behind everybody's back: in order, in a thread of its own, and never in anyone's way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from rag.errors import RagError, StoreError

logger = logging.getLogger(__name__)

MOST_WAITING = 5_000
FLUSH_SECONDS = 3.0

T = TypeVar("T")


class Writer:
    """Runs what is to be written, one after the other; what fails is logged and left out.

    When more than `most_waiting` pile up, the database does not keep up, and more is left out.
    """

    def __init__(self, *, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._lock = threading.Lock()
        self._waiting = 0
        self._last: Future[None] | None = None

    def later(self, what: str, write: Callable[[], object]) -> None:
        """Write something soon; `what` names it in the log when it fails."""
        with self._lock:
            is_full = self._waiting >= self._most_waiting
            if not is_full:
                self._waiting += 1
                try:
                    self._last = self._thread.submit(self._write, what, write)
                except RuntimeError:  # closed: the server ends
                    self._waiting -= 1
                    is_full = True
        if is_full:
            logger.warning("%s was not kept: too much is waiting, or the server ends", what)

    def now(self, write: Callable[[], T], *, seconds: float) -> T:
        """Write something after what waits; return what comes of it.

        Raises:
            StoreError: it took too long (it may still be written), or the server ends.
            Exception: what `write` raises.
        """
        try:
            written = self._thread.submit(write)
        except RuntimeError as error:
            raise StoreError("The server ends.") from error
        if not wait([written], timeout=seconds).done:
            raise StoreError("The history database does not answer.")
        return written.result()

    def flush(self, seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until what waits now is written; False when that takes longer."""
        with self._lock:
            last = self._last
        return last is None or bool(wait([last], timeout=seconds).done)

    def close(self) -> None:
        """Write what waits, for as long as `flush` takes, and nothing more."""
        self.flush()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _write(self, what: str, write: Callable[[], object]) -> None:
        try:
            write()
        except RagError as error:
            logger.warning("%s was not kept: %s", what, error.message)
        except Exception:  # an edge: whatever it is, the thread goes on
            logger.exception("%s was not kept", what)
        finally:
            with self._lock:
                self._waiting -= 1
