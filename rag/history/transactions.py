"""Transactions on the history's database, which is opened at the first one and may be away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.util import CommandError
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from rag.errors import StoreError
from rag.history.database import migrate, open_engine, place

RETRY_SECONDS = 5.0
LONG_SECONDS = 1.0
"""Whoever waited so long for a server in vain has waited for the others too."""


class Database:
    """A database that is opened, and brought up to date, at its first use; for any thread.

    `take_over` then fills it with what older versions kept, within one transaction. When it cannot
    be opened, or a server does not answer, it is not tried again for `retry_seconds`, and then by
    one caller: nobody waits for it at every step.
    """

    def __init__(
        self,
        url: URL,
        take_over: Callable[[Session], None] = lambda session: None,
        *,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._place = place(url)
        self._engine = open_engine(url)
        self._is_server = url.get_backend_name() != "sqlite"
        self._take_over = take_over
        self._retry_seconds = retry_seconds
        self._opening = threading.Lock()
        self._is_open = False
        self._closed_until = 0.0
        self._reason = ""

    @contextmanager
    def transaction(self, *, writes: bool = False) -> Iterator[Session]:
        """Do something wholly or not at all.

        Raises:
            StoreError: the database cannot be used.
        """
        self._open()
        began = time.monotonic()
        try:
            with self._engine.connect() as connection:
                connection = connection.execution_options(writes=writes)
                with connection.begin(), Session(connection) as session:
                    yield session
                    session.flush()
        except (SQLAlchemyError, OSError) as error:
            unusable = self._unusable(error)
            if self._is_server and time.monotonic() - began >= LONG_SECONDS:
                self._close_for_a_while(unusable)
            raise unusable from error

    def close(self) -> None:
        """Close what is open; the database can still be used, and opens again."""
        self._engine.dispose()

    def _open(self) -> None:
        """Bring the database up to date once; raises StoreError as `transaction`."""
        # While it has not been opened, others wait for the one who does; once that failed, no more.
        if not self._opening.acquire(blocking=not self._reason):
            raise StoreError(self._reason, "It is being tried again.")
        try:
            if self._is_open:
                return
            if time.monotonic() < self._closed_until:
                raise StoreError(self._reason, "It is tried again in a few seconds.")
            try:
                with self._engine.connect() as connection:
                    connection = connection.execution_options(writes=True)
                    with connection.begin():
                        migrate(connection)
                        with Session(connection) as session:
                            self._take_over(session)
                            session.flush()
            except (SQLAlchemyError, OSError, CommandError) as error:
                unusable = self._unusable(error)
                self._close_for_a_while(unusable)
                raise unusable from error
            self._is_open, self._reason = True, ""
        finally:
            self._opening.release()

    def _close_for_a_while(self, unusable: StoreError) -> None:
        self._reason = unusable.message
        self._closed_until = time.monotonic() + self._retry_seconds
        self._is_open = False

    def _unusable(self, error: Exception) -> StoreError:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        if isinstance(error, CommandError):
            return StoreError(
                f"{self._place} was made by another version of Footnote ({reason}).",
                "Use that version or a newer one.",
            )
        return StoreError(
            f"{self._place} cannot be used: {reason or type(error).__name__}.",
            "Check FOOTNOTE_HISTORY_URL, the disk, and that the database runs.",
        )


def affected(session: Session, statement: Any) -> int:
    """Run a deletion or change; return of how many rows."""
    result: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)
