"""The catalogue's SQLite file: a connection for each thread, and transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.store.connections import Connections
from rag.store.read_only import ReadOnlyFile, may_be_written, not_writable
from rag.store.sqlite_errors import translated_errors


class Database:
    """A SQLite file in write-ahead mode, shared between threads.

    Readers never wait for a writer; writers wait for each other up to `busy_seconds`. SQLite's
    errors come out as `StoreError`. A file that may only be read leaves no trace of its reading.
    """

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._only_read = None if may_be_written(path) else ReadOnlyFile(path)
        self._connections = Connections(self._connect)

    @property
    def may_be_written(self) -> bool:
        """Whether this user may write it, as it was when it was opened."""
        return self._only_read is None

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, opened at its first use."""
        return self._connections.mine

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read; each statement sees one state, and two may see different ones. Not to be nested.

        Raises:
            StoreBusyError: the file may only be read, and was changed in that very moment.
        """
        with translated_errors(self.path):
            if self._only_read is None:
                yield self.connection
            else:
                with self._only_read.reading() as connection:
                    yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Read one state with several statements."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write in one transaction: all of it or, when it fails, nothing."""
        if self._only_read is not None:
            raise not_writable(self.path.parent)
        with translated_errors(self.path):
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every thread's connection."""
        self._connections.close()
        if self._only_read is not None:
            self._only_read.close()
