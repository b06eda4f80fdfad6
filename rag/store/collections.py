"""Collections: every document belongs to one, together with the other documents of its file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.errors import InputError

DEFAULT_COLLECTION = "default"
EVERYBODY = "*"
"""Stands for whoever is let in, among the groups of a collection."""

_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_IDS_PER_QUERY = 500

# From one name to the next in the index: DISTINCT would walk over every document.
_NAMES = """
WITH RECURSIVE held (name) AS (
    SELECT min(collection) FROM documents
    UNION ALL
    SELECT (SELECT min(collection) FROM documents WHERE collection > held.name)
    FROM held WHERE held.name IS NOT NULL
)
SELECT name FROM held WHERE name IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class CollectionCounts:
    """How much a collection holds."""

    name: str
    documents: int
    passages: int


def checked_collection(name: str) -> str:
    """Return a name when it can be that of a collection.

    Raises:
        InputError: it could mean something else, such as a folder elsewhere.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be the name of a collection.",
            "Use small letters, digits, - and _ only, at most 64 of them.",
        )
    return name


def names(connection: sqlite3.Connection) -> frozenset[str]:
    """Name the collections that hold a document."""
    return frozenset(row[0] for row in connection.execute(_NAMES))


def counts(connection: sqlite3.Connection) -> list[CollectionCounts]:
    """Count documents and passages by collection, in order of name."""
    rows = connection.execute(
        "SELECT collection, count(DISTINCT d.doc_id), count(p.passage_id) FROM documents d "
        "LEFT JOIN passages p USING (doc_id) GROUP BY collection ORDER BY collection"
    )
    return [CollectionCounts(*row) for row in rows]


def of_documents(connection: sqlite3.Connection, doc_ids: Iterable[str]) -> Mapping[str, str]:
    """Map documents to their collections; those that do not exist are left out."""
    wanted: Sequence[str] = sorted(set(doc_ids))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _IDS_PER_QUERY):
        part = wanted[start : start + _IDS_PER_QUERY]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT doc_id, collection FROM documents WHERE doc_id IN ({marks})"
        found.update(connection.execute(sql, part).fetchall())
    return found


def of_path(connection: sqlite3.Connection, path: str) -> str | None:
    """Return the collection of a file, or of its documents when the file is not recorded."""
    row = connection.execute(
        "SELECT collection FROM files WHERE path = ?1 UNION ALL "
        "SELECT collection FROM documents WHERE path = ?1 LIMIT 1",
        (path,),
    ).fetchone()
    return None if row is None else str(row[0])


def move_documents(connection: sqlite3.Connection, path: str, collection: str) -> bool:
    """Put all documents of a file into a collection; tell whether one was in another."""
    cursor = connection.execute(
        "UPDATE documents SET collection = ?1 WHERE path = ?2 AND collection <> ?1",
        (collection, path),
    )
    return cursor.rowcount > 0
