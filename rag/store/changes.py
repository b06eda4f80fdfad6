"""The order of changes: each has a number and a name, and an index learns what it has missed."""

from __future__ import annotations

import secrets
import sqlite3

from rag.store.records import Changes
from rag.store.rows import PASSAGE_COLUMNS, matrix, passage_of


def next_seq(connection: sqlite3.Connection) -> int:
    """Begin a change: take the next number, and a name that only this change has."""
    row = connection.execute(
        "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'seq' RETURNING value"
    ).fetchone()
    seq = int(row[0])
    connection.execute("INSERT INTO history VALUES (?, ?)", (seq, secrets.token_hex(8)))
    return seq


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the last change; 0 before the first."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
    return int(row[0]) if row else 0


def token_of(connection: sqlite3.Connection, seq: int) -> str:
    """Return the name of a change; "" for one that has not been made."""
    row = connection.execute("SELECT token FROM history WHERE seq = ?", (seq,)).fetchone()
    return "" if row is None else str(row[0])


def changes_after(connection: sqlite3.Connection, after: int, *, limit: int) -> Changes:
    """Return what happened after a change, whole transactions, about `limit` passages.

    The connection reads one state throughout.
    """
    bound = connection.execute(
        "SELECT seq FROM passages WHERE seq > ? ORDER BY seq LIMIT 1 OFFSET ?",
        (after, limit - 1),
    ).fetchone()
    upto = last_seq(connection) if bound is None else int(bound[0])
    removed = connection.execute(
        "SELECT passage_id FROM removals WHERE seq > ? AND seq <= ?", (after, upto)
    ).fetchall()
    rows = connection.execute(
        f"SELECT {PASSAGE_COLUMNS}, v.vector FROM passages p "
        "JOIN documents d USING (doc_id) JOIN vectors v USING (vector_key) "
        "WHERE p.seq > ? AND p.seq <= ? ORDER BY p.seq, p.doc_id, p.start",
        (after, upto),
    ).fetchall()
    return Changes(
        seq=upto,
        token=token_of(connection, upto),
        removed=tuple(row[0] for row in removed),
        passages=tuple(passage_of(row) for row in rows),
        vectors=matrix(row[-1] for row in rows),
    )
