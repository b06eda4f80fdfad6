"""How much: questions by person and by address, what is open at once, and guesses at keys."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

ADDRESS_FACTOR = 10
"""An address may ask as much as this many people: a whole office may sit behind one."""

REQUEST_FACTOR = 20
"""Other requests are cheap, and one page makes many."""

AT_ONCE = 100
"""Requests of a person that are being answered: every open page holds a stream or two."""

FAILURES_PER_MINUTE = 20
REFUSALS_PER_MINUTE = 60
"""More of one address in a minute are not written down: they would fill the disk."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many of a kind in any minute, for each of those counted."""

    item: RateLimitItemPerMinute
    kind: str


class Limits:
    """Counts in this process; several processes each allow as much."""

    def __init__(self, questions_per_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        self._failures = _per_minute(FAILURES_PER_MINUTE, "failures")
        self._refusals = _per_minute(REFUSALS_PER_MINUTE, "refusals")
        self._by_kind = {
            kind: (
                _per_minute(count, f"{kind} by person"),
                _per_minute(ADDRESS_FACTOR * count, f"{kind} by address"),
            )
            for kind, count in (
                ("question", questions_per_minute),
                ("request", REQUEST_FACTOR * questions_per_minute),
            )
        }

    def wait_seconds(self, kind: str, principal: str, address: str) -> int:
        """Count a "question" or "request"; return 0, or how long to wait when it is too many."""
        by_person, by_address = self._by_kind[kind]
        return self._hit(by_person, principal) or self._hit(by_address, address)

    def enter(self, principal: str, *, is_person: bool) -> bool:
        """Count a request that begins; False when too many are being answered already.

        Where nobody is known, `principal` stands for all people at an address.
        """
        with self._lock:
            if self._open[principal] >= AT_ONCE * (1 if is_person else ADDRESS_FACTOR):
                return False
            self._open[principal] += 1
            return True

    def leave(self, principal: str) -> None:
        """Count a request that ends, of those that could enter."""
        with self._lock:
            self._open[principal] -= 1
            if self._open[principal] <= 0:
                del self._open[principal]

    def note_failure(self, address: str) -> None:
        """Count a key that does not hold."""
        self._hit(self._failures, address)

    def failed_too_often(self, address: str) -> int:
        """Return 0, or how long an address that guesses has to wait."""
        limit = self._failures
        if self._limiter.test(limit.item, limit.kind, address):
            return 0
        return self._left(limit, address)

    def may_note_refusal(self, address: str) -> bool:
        """Count a refusal; False when that address has had as many as are worth writing down."""
        return self._hit(self._refusals, address) == 0

    def _hit(self, limit: Limit, who: str) -> int:
        return 0 if self._limiter.hit(limit.item, limit.kind, who) else self._left(limit, who)

    def _left(self, limit: Limit, who: str) -> int:
        reset = self._limiter.get_window_stats(limit.item, limit.kind, who).reset_time
        return max(1, round(reset - time.time()))


def _per_minute(count: int, kind: str) -> Limit:
    return Limit(RateLimitItemPerMinute(count), kind)
