"""What the server keeps for browsers: little, for a while, and under the hash of what they hold."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Values, each behind a secret of 256 random bits that only its browser holds.

    Nothing is kept longer than `seconds`, nor longer than `idle_seconds` after its last use; beyond
    `capacity` the one that was not used for the longest time goes. `now` counts seconds.
    """

    def __init__(
        self,
        *,
        seconds: float,
        idle_seconds: float | None = None,
        capacity: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._idle_seconds = seconds if idle_seconds is None else idle_seconds
        self._capacity = capacity
        self._now = now
        self._held: OrderedDict[str, tuple[T, float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, value: T) -> str:
        """Keep a value; return the secret, which is new each time and stored nowhere."""
        secret, now = secrets.token_urlsafe(32), self._now()
        with self._lock:
            self._held[digest(secret)] = (value, now, now)
            while len(self._held) > self._capacity:
                self._held.popitem(last=False)
        return secret

    def find(self, secret: str) -> T | None:
        """Return what a secret stands for, and count that as a use."""
        return self._look(secret, again=True)

    def take(self, secret: str) -> T | None:
        """Return what a secret stands for, for the last time."""
        return self._look(secret, again=False)

    def __len__(self) -> int:
        return len(self._held)

    def _look(self, secret: str, *, again: bool) -> T | None:
        key, now = digest(secret), self._now()
        with self._lock:
            found = self._held.pop(key, None)
            if found is None:
                return None
            value, began, used = found
            if now - began >= self._seconds or now - used >= self._idle_seconds:
                return None
            if again:
                self._held[key] = (value, began, now)
            return value


def digest(secret: str) -> str:
    """Return what is stored in place of a secret; random secrets need no salt or stretching."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
