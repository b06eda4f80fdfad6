"""A SQLite connection for each thread."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable


class Connections:
    """Opens a connection for a thread when it first asks, and closes those of threads that ended.

    A server's threads come and go, and each connection holds two files open. `connect` has to turn
    sqlite3's check of threads off, because another thread than its own closes a connection.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.Lock()

    @property
    def mine(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            self._keep(connection)
        return connection

    def close(self) -> None:
        """Close every thread's connection; a thread that asks again gets a new one."""
        with self._lock:
            for _, connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()

    def _keep(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            held, self._opened = self._opened, [(threading.current_thread(), connection)]
            for thread, opened in held:
                if thread.is_alive():
                    self._opened.append((thread, opened))
                else:
                    opened.close()
