"""Reading a SQLite file in write-ahead mode where it, and what lies beside it, may only be read.

SQLite has two ways, and each is right in one case alone. `mode=ro` takes part in the locks, but
needs the -wal and -shm files of somebody who writes, and cannot make them. `immutable=1` needs
neither, but leaves out what stands in the -wal file and never notices a change. So the files are
looked at before each use: what has a log is read with locks, what has none as it is; and when it
turns out to have changed under what was being read, that is said and nothing is returned.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.errors import StoreBusyError, StoreError
from rag.store.connections import Connections
from rag.store.shared_lock import SharedLock

_TRIES = 20  # each is needed only when a writer comes or goes in that very moment
_CLOCK_TICK_NS = 50_000_000  # a change within the same tick of the file's clock would not show


def may_be_written(path: Path) -> bool:
    """Whether a database may be written, or made: its file, its log, and the folder around them.

    A folder that is not there counts by the nearest one above it that is.
    """
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    folder = next(above for above in path.absolute().parents if above.exists())
    there = [file for file in beside if file.exists()]
    return all(os.access(one, os.W_OK) for one in (folder, *there))


def not_writable(folder: Path) -> StoreError:
    """Say that a store may only be read."""
    return StoreError(
        f"The store {folder} may not be written by this user; nothing was changed.",
        "It can be asked and searched as it is. To change it, run the command as its owner where "
        "it is not mounted read-only, or choose another store with --data-dir.",
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What tells whether a connection still shows what is there: the file, and its log if any."""

    file: tuple[int, ...]
    log: tuple[int, int] | None


class ReadOnlyFile:
    """Connections to a database that may only be read, one for each thread.

    Make one of them for a file in a process: to close a connection that was opened without locks
    releases the locks of all others on the same file.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_seconds: float = 30.0,
        check: Callable[[sqlite3.Connection], None] = lambda connection: None,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` is given each connection that was opened, and may refuse it.

        `forget` is called when the file has changed in a way that connections do not see: whatever
        was kept of what they read may be void.
        """
        self._path = path
        self._busy_seconds = busy_seconds
        self._check = check
        self._forget = forget
        self._use = SharedLock()
        self._held: _Look | None = None
        self._connections = Connections(self._connect)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read; not to be nested.

        Raises:
            StoreBusyError: a writer has changed the file meanwhile, so that what was read is void.
            StoreError: it has a log that cannot be read without writing.
        """
        for _ in range(_TRIES):
            with self._use.shared():
                held = self._held
                if held is not None and _is_as(self._path, held):
                    try:
                        connection = self._connections.mine
                    except sqlite3.OperationalError:
                        if _is_as(self._path, held):
                            raise
                        continue  # a writer has just gone, and its log with him
                    yield from self._watched(connection, held)
                    return
            with self._use.alone():
                if self._held is None or not _is_as(self._path, self._held):
                    self._connections.close()  # all of them: see the class
                    self._forget()
                    self._held = _look(self._path)
        raise _changed(self._path)

    def close(self) -> None:
        """Close every connection; waits for those that read."""
        with self._use.alone():
            self._connections.close()
            self._held = None

    def _watched(self, connection: sqlite3.Connection, held: _Look) -> Iterator[sqlite3.Connection]:
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            if held.log is None and _file(self._path) != held.file:
                raise _changed(self._path) from error
            raise
        if held.log is None and _file(self._path) != held.file:
            raise _changed(self._path)

    def _connect(self) -> sqlite3.Connection:
        without_locks = self._held is not None and self._held.log is None
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=ro{'&immutable=1' if without_locks else ''}",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _is_as(path: Path, held: _Look) -> bool:
    """Whether connections that were opened at that look may go on; raises as `_look`."""
    if held.log is None:
        return _look(path) == held
    # Those with locks see every change themselves, until another file lies in its place.
    return _file(path)[:2] == held.file[:2] and _log(path)[0] == held.log


def _look(path: Path) -> _Look:
    # The file first: when it has the same times later, it was whole without the log, too.
    file = _file(path)
    age = time.time_ns() - file[-1]
    if 0 <= age < _CLOCK_TICK_NS:
        time.sleep((_CLOCK_TICK_NS - age) / 1e9)
        file = _file(path)
    log, size = _log(path)
    if not size:
        return _Look(file, None)
    if not path.with_name(path.name + "-shm").exists():
        raise StoreError(
            f"The store {path} has changes in {path.name}-wal that only somebody who may write "
            "the store can bring in.",
            "Run footnote status there as its owner; then it can be read.",
        )
    return _Look(file[:2], log)


def _file(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _log(path: Path) -> tuple[tuple[int, int] | None, int]:
    """Return which file the log is, and its size in bytes."""
    try:
        found = path.with_name(path.name + "-wal").stat()
    except FileNotFoundError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size


def _changed(path: Path) -> StoreBusyError:
    return StoreBusyError(
        f"The store {path.parent} was changed while it was being read.", "Ask again."
    )
