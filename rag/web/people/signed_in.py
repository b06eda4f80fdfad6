"""Who is signed in, and who is about to be: looked up in the database that all servers share.

A server that restarts, and another one, know whom the first let in; whoever signs out is out at all
of them with the next request. The database is asked each time. Only while it cannot be used does a
server go by what it saw last, and for no longer than the widget's tokens count, which nobody looks
up either: what could be missed meanwhile is a sign-out at another server. Whom it has not seen of
late comes in nowhere; suspended is who is in the store's file, in any case.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from rag.errors import StoreError
from rag.history.records import now
from rag.history.sign_ins import Begun, SignedIn, SignIns
from rag.web.people.access import Principal

logger = logging.getLogger(__name__)

T = TypeVar("T")

AWAY_SECONDS = 600.0
"""How long somebody who was seen is believed to be signed in while nobody can look."""

TOUCH_AFTER = timedelta(minutes=1)
"""A use is written down when the last one is so long ago: asking makes many requests."""

MOST_SEEN = 10_000
THREADS = 4


class People:
    """Lets people in and out. `clock` counts seconds."""

    def __init__(self, store: SignIns, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sign-in")
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, tuple[SignedIn, float]] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._owed: set[str] = set()

    async def begin(self, begun: Begun) -> str:
        """Keep a sign-in that has begun; return its state. Raises StoreError."""
        state = secrets.token_urlsafe(32)
        await self._ask(lambda: self._store.begin(digest(state), begun))
        return state

    async def take(self, state: str) -> Begun | None:
        """Return what has begun under a state, once. Raises StoreError."""
        return await self._ask(lambda: self._store.take(digest(state)))

    async def let_in(self, person: Principal) -> str:
        """Sign somebody in; return the secret that their browser keeps. Raises StoreError."""
        secret = secrets.token_urlsafe(32)
        name, groups, known_as = person.name, person.groups, person.known_as
        await self._ask(lambda: self._store.keep(digest(secret), name, groups, known_as))
        return secret

    async def find(self, secret: str) -> Principal | None:
        """Return whom a browser's secret stands for, and count that as a use.

        Raises:
            StoreError: the database cannot be used, and they have not been seen of late.
        """
        key = digest(secret)
        if not secret or key in self._ended:
            return None
        try:
            found = await self._ask(lambda: self._store.find(key))
        except StoreError:
            found = self._last_seen(key)
            if found is None:
                raise
            return _principal(found)
        self._end_owed()
        if not self._see(key, found) or found is None:
            return None
        if now() - found.used >= TOUCH_AFTER:
            self._later(lambda: self._store.touch(key))
        return _principal(found)

    async def end(self, secret: str) -> None:
        """Sign out: here at once, and at the others; those wait while the database is away."""
        key = digest(secret)
        if not secret:
            return
        with self._lock:
            self._seen.pop(key, None)
            self._ended[key] = None
            if len(self._ended) > MOST_SEEN:
                self._ended.popitem(last=False)
        try:
            await self._ask(lambda: self._store.end(key))
        except StoreError as error:
            logger.warning("a sign-out is not known to other servers yet: %s", error.message)
            with self._lock:
                if len(self._owed) < MOST_SEEN:
                    self._owed.add(key)

    def close(self) -> None:
        """Ask nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _end_owed(self) -> None:
        """Sign those out at the other servers who did so here while the database was away."""
        if not self._owed:
            return
        with self._lock:
            owed, self._owed = self._owed, set()

        def end() -> None:
            while owed:
                key = next(iter(owed))
                try:
                    self._store.end(key)
                except StoreError:
                    with self._lock:
                        self._owed |= owed
                    raise
                owed.discard(key)

        self._later(end)

    def _see(self, key: str, found: SignedIn | None) -> bool:
        """Remember what was found; False when they have signed out here meanwhile."""
        with self._lock:
            self._seen.pop(key, None)
            if key in self._ended:
                return False
            if found is not None:
                self._seen[key] = (found, self._clock())
                if len(self._seen) > MOST_SEEN:
                    self._seen.popitem(last=False)
        return True

    def _last_seen(self, key: str) -> SignedIn | None:
        with self._lock:
            found, at = self._seen.get(key, (None, 0.0))
            if key in self._ended or found is None or now() >= found.ends:
                return None
            return found if self._clock() - at < AWAY_SECONDS else None

    async def _ask(self, work: Callable[[], T]) -> T:
        """Use the database in a thread: the event loop waits for nobody. Raises StoreError."""
        try:
            future = self._threads.submit(work)
        except RuntimeError as error:
            raise StoreError("The server ends.") from error
        return await asyncio.wrap_future(future)

    def _later(self, work: Callable[[], object]) -> None:
        """Use the database, without anybody waiting for it."""

        def quietly() -> None:
            try:
                work()
            except StoreError as error:
                logger.warning("a sign-in was not brought up to date: %s", error.message)

        try:
            self._threads.submit(quietly)
        except RuntimeError:  # the server ends
            return


def digest(secret: str) -> str:
    """Return what is stored in place of a secret; random secrets need no salt or stretching."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _principal(found: SignedIn) -> Principal:
    return Principal(found.person, groups=found.groups, known_as=found.known_as)
