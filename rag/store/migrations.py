"""Brings the catalogue of an earlier Footnote to the present schema, when it is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from rag.store.faults import reach

SCHEMA_VERSION = "2"
READABLE = ("1", SCHEMA_VERSION)
"""The versions that can be opened; the earlier ones are brought to the last."""

_TO_2 = (
    "ALTER TABLE files ADD COLUMN collection TEXT NOT NULL DEFAULT 'default'",
    "ALTER TABLE documents ADD COLUMN collection TEXT NOT NULL DEFAULT 'default'",
    "CREATE INDEX documents_by_collection ON documents (collection, doc_id)",
)


def is_old(connection: sqlite3.Connection) -> bool:
    """Whether a catalogue is one that `migrate` can bring up to date."""
    return _version(connection) in READABLE and (
        _version(connection) != SCHEMA_VERSION or "history" not in _tables(connection)
    )


def migrate(connection: sqlite3.Connection, schema: Iterable[str]) -> None:
    """Bring a catalogue up to date; the caller's transaction makes it all or nothing.

    Documents of before there were collections belong to "default". `schema` are the statements
    that create a new catalogue.
    """
    reach("catalog.migrate.begun")
    if "history" not in _tables(connection):  # the first version, when it was young
        connection.execute(next(s for s in schema if "TABLE history" in s))
    if _version(connection) == "1":  # unless another process was quicker
        for statement in _TO_2:
            connection.execute(statement)
        reach("catalog.migrate.columns")
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")
    reach("catalog.migrate.written")


def _version(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return None if row is None else str(row[0])


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
