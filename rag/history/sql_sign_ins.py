"""Sign-ins in a SQL database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from rag.errors import StoreError
from rag.history.models import AttemptRow, SessionRow
from rag.history.records import now as time_now
from rag.history.sign_ins import IDLE_SECONDS, SIGN_IN_SECONDS, Begun, SignedIn
from rag.history.transactions import Database, affected

logger = logging.getLogger(__name__)

KEPT_SESSIONS = 10_000
KEPT_ATTEMPTS = 20_000
TIDY_EVERY = 100
"""After so many new ones the table is looked through."""


class SqlSignIns:
    """Implements `SignIns`.

    Nobody is signed in for longer than `seconds`, nor for longer than `idle_seconds` after the last
    use. Of more than a table is to hold, those that were not used for the longest time go.
    """

    def __init__(
        self,
        database: Database,
        *,
        seconds: float,
        idle_seconds: float = IDLE_SECONDS,
        most_sessions: int = KEPT_SESSIONS,
        most_attempts: int = KEPT_ATTEMPTS,
        tidy_every: int = TIDY_EVERY,
        now: Callable[[], datetime] = time_now,
    ) -> None:
        self._database = database
        self._longest = timedelta(seconds=seconds)
        self._idle = timedelta(seconds=min(seconds, idle_seconds))
        self._most_sessions = most_sessions
        self._most_attempts = most_attempts
        self._tidy_every = tidy_every
        self._now = now
        self._new = 0
        self._lock = threading.Lock()

    def begin(self, key: str, begun: Begun) -> None:
        """Keep a sign-in that has begun."""
        row = AttemptRow(
            attempt_id=key,
            browser=begun.browser,
            goes_to=begun.then,
            nonce=begun.nonce,
            verifier=begun.verifier,
            began=self._now(),
        )
        with self._database.transaction(writes=True) as session:
            session.add(row)
        self._tidy()

    def take(self, key: str) -> Begun | None:
        """Return what has begun under a key, once and in time; None otherwise."""
        with self._database.transaction(writes=True) as session:
            # Of two servers that are sent the same state, the second finds nothing.
            row = session.get(AttemptRow, key, with_for_update=True)
            if row is None:
                return None
            session.delete(row)
            if self._now() - row.began >= timedelta(seconds=SIGN_IN_SECONDS):
                return None
            return Begun(row.browser, row.goes_to, row.nonce, row.verifier)

    def keep(self, key: str, person: str, groups: frozenset[str], known_as: frozenset[str]) -> None:
        """Keep that somebody is signed in, from now on."""
        now = self._now()
        row = SessionRow(
            session_id=key,
            person=person,
            groups=sorted(groups),
            known_as=sorted(known_as),
            began=now,
            used=now,
        )
        with self._database.transaction(writes=True) as session:
            session.add(row)
        self._tidy()

    def find(self, key: str) -> SignedIn | None:
        """Return who is signed in under a key; None for nobody, or nobody any more."""
        with self._database.transaction() as session:
            row = session.get(SessionRow, key)
            found = None if row is None else self._signed_in(row)
        now = self._now()
        if found is None or now >= found.ends or now - found.used >= self._idle:
            return None
        return found

    def touch(self, key: str) -> None:
        """Count a use."""
        now = self._now()
        mine = update(SessionRow).where(SessionRow.session_id == key, SessionRow.used < now)
        with self._database.transaction(writes=True) as session:
            affected(session, mine.values(used=now))

    def end(self, key: str) -> None:
        """Sign out."""
        with self._database.transaction(writes=True) as session:
            affected(session, delete(SessionRow).where(SessionRow.session_id == key))

    def of_person(self, person: str) -> list[SignedIn]:
        """Return a person's sign-ins, oldest first."""
        theirs = select(SessionRow).where(SessionRow.person == person).order_by(SessionRow.began)
        with self._database.transaction() as session:
            return [self._signed_in(row) for row in session.scalars(theirs)]

    def sweep(self) -> int:
        """Delete what is over; return how many were signed in."""
        now = self._now()
        began, used = SessionRow.began.expression, SessionRow.used.expression
        over = or_(began <= now - self._longest, used <= now - self._idle)
        late = AttemptRow.began.expression <= now - timedelta(seconds=SIGN_IN_SECONDS)
        with self._database.transaction(writes=True) as session:
            affected(session, delete(AttemptRow).where(late))
            return affected(session, delete(SessionRow).where(over))

    def _signed_in(self, row: SessionRow) -> SignedIn:
        groups, known_as = frozenset(row.groups), frozenset(row.known_as)
        ends = row.began + self._longest
        return SignedIn(row.person, groups, known_as, row.began, row.used, ends)

    def _tidy(self) -> None:
        """Now and then delete what is over, and what is too much; who signs in is not held up."""
        with self._lock:
            self._new += 1
            if self._new < self._tidy_every:
                return
            self._new = 0
        try:
            self.sweep()
            self._trim(SessionRow.session_id, SessionRow.used, self._most_sessions)
            self._trim(AttemptRow.attempt_id, AttemptRow.began, self._most_attempts)
        except StoreError as error:
            logger.warning("what is over of sign-ins was not deleted: %s", error.message)

    def _trim(
        self, key: InstrumentedAttribute[str], time: InstrumentedAttribute[datetime], most: int
    ) -> None:
        with self._database.transaction(writes=True) as session:
            more = (session.scalar(select(func.count(key))) or 0) - most
            if more > 0:
                oldest = select(key).order_by(time).limit(more).scalar_subquery()
                affected(session, delete(key.class_).where(key.in_(oldest)))
