"""What can be read of a catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import StoreError
from rag.store import collections
from rag.store.changes import changes_after, last_seq, token_of
from rag.store.collections import CollectionCounts
from rag.store.database import Database
from rag.store.filter_sql import where
from rag.store.filters import Condition
from rag.store.records import Changes, Counts, DocumentInfo, FileRecord, Vectors
from rag.store.rows import PASSAGE_COLUMNS, document_of, info_of, matrix, passage_of
from rag.types import Document, Passage

_VALUES_PER_QUERY = 500


class CatalogReader:
    """The reading side of `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    # -- the catalogue as a whole -------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        """Look up a value that `set_meta` stored."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def all_meta(self) -> dict[str, str]:
        """Return every value that `set_meta` stored."""
        with self._database.reading() as connection:
            return dict(connection.execute("SELECT key, value FROM meta").fetchall())

    @property
    def store_id(self) -> str:
        """A name that no other catalogue has."""
        return self.meta("store_id") or ""

    @property
    def seq(self) -> int:
        """The sequence number of the last change."""
        with self._database.reading() as connection:
            return last_seq(connection)

    @property
    def head(self) -> tuple[int, str]:
        """The number and token of the last change; no other state of any catalogue has both."""
        with self._database.reading() as connection:
            seq, token = connection.execute(
                "SELECT value, (SELECT token FROM history WHERE seq = CAST(value AS INTEGER)) "
                "FROM meta WHERE key = 'seq'"
            ).fetchone()
        return int(seq), token or ""

    def has_made(self, seq: int, token: str) -> bool:
        """Whether the change of this number and name is one of this catalogue's past."""
        with self._database.reading() as connection:
            return seq <= last_seq(connection) and token_of(connection, seq) == token

    def counts(self) -> Counts:
        """Count documents, passages and distinct vectors."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages), "
                "(SELECT count(*) FROM vectors)"
            ).fetchone()
        return Counts(*row)

    def is_sound(self) -> bool:
        """Read every page and see whether they hang together; takes a while."""
        try:
            with self._database.reading() as connection:
                return bool(
                    connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
                    and connection.execute("PRAGMA foreign_key_check").fetchone() is None
                )
        except StoreError:
            return False

    def copy_to(self, target: sqlite3.Connection) -> None:
        """Copy everything, as it is at one moment, into an empty database."""
        with self._database.reading() as connection:
            connection.backup(target)

    # -- files ------------------------------------------------------------------------------

    def files(self) -> dict[str, FileRecord]:
        """Map absolute paths to what is known of each file."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM files ORDER BY path").fetchall()
        return {row[0]: FileRecord(*row) for row in rows}

    def file(self, path: str) -> FileRecord | None:
        """Return what is known of a file, or None."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else FileRecord(*row)

    def hashes(self, path: str) -> dict[str, str]:
        """Map the documents that came from a file to their content hashes."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT doc_id, content_hash FROM documents WHERE path = ?", (path,)
            )
            return dict(rows.fetchall())

    def path_of(self, doc_id: str) -> str | None:
        """Return the path that a document came from, or None when there is no such document."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT path FROM documents WHERE doc_id = ?", (doc_id,)
            ).fetchone()
        return None if row is None else str(row[0])

    # -- documents --------------------------------------------------------------------------

    def documents(self) -> list[DocumentInfo]:
        """List every document without its text, in order of source."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT d.doc_id, d.title, d.source, d.path, d.content_hash, count(p.passage_id), "
                "d.metadata, d.collection FROM documents d LEFT JOIN passages p USING (doc_id) "
                "GROUP BY d.doc_id ORDER BY d.source, d.doc_id"
            ).fetchall()
        return [info_of(row) for row in rows]

    def matching(self, filters: Sequence[Condition]) -> frozenset[str]:
        """Return the documents that pass every filter."""
        condition, values = where(filters)
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT doc_id FROM documents WHERE {condition}", values)
            return frozenset(row[0] for row in rows)

    def document(self, doc_id: str) -> Document | None:
        """Return a document with its text, or None."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT doc_id, title, source, text, metadata, sections, page_starts "
                "FROM documents WHERE doc_id = ?",
                (doc_id,),
            ).fetchone()
        return None if row is None else document_of(row)

    # -- collections ------------------------------------------------------------------------

    def collection_names(self) -> frozenset[str]:
        """Name the collections that hold a document."""
        with self._database.reading() as connection:
            return collections.names(connection)

    def collection_counts(self) -> list[CollectionCounts]:
        """Count documents and passages by collection, in order of name."""
        with self._database.reading() as connection:
            return collections.counts(connection)

    def collections_of(self, doc_ids: Iterable[str]) -> Mapping[str, str]:
        """Map documents to their collections; those that do not exist are left out."""
        with self._database.reading() as connection:
            return collections.of_documents(connection, doc_ids)

    def collection_of_path(self, path: str) -> str | None:
        """Return the collection that a file belongs to; None for one that is not known."""
        with self._database.reading() as connection:
            return collections.of_path(connection, path)

    # -- passages and vectors ---------------------------------------------------------------

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """Return the passages that exist, in the order asked for; others are left out."""
        sql = (
            f"SELECT {PASSAGE_COLUMNS} FROM passages p JOIN documents d USING (doc_id) "
            "WHERE p.passage_id IN ({})"
        )
        with self._database.reading() as connection:
            found = {row[0]: passage_of(row) for row in _among(connection, sql, passage_ids)}
        return [found[passage_id] for passage_id in passage_ids if passage_id in found]

    def missing_vectors(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys that the catalogue holds no vector for."""
        wanted = list(dict.fromkeys(keys))
        sql = "SELECT vector_key FROM vectors WHERE vector_key IN ({})"
        with self._database.reading() as connection:
            return set(wanted) - {row[0] for row in _among(connection, sql, wanted)}

    def all_vectors(self) -> tuple[list[str], list[str], Vectors]:
        """Return passage ids, their document ids and an `(n, d)` float32 matrix of unit rows."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT passage_id, doc_id, vector FROM passages JOIN vectors USING (vector_key) "
                "ORDER BY passage_id"
            ).fetchall()
        return [row[0] for row in rows], [row[1] for row in rows], matrix(row[2] for row in rows)

    def changes(self, after: int, *, limit: int) -> Changes:
        """Return what happened after a sequence number, whole transactions, about `limit` passages.

        An index applies the batches one after the other until one is empty.
        """
        with self._database.snapshot() as connection:
            return changes_after(connection, after, limit=limit)


def _among(connection: sqlite3.Connection, sql: str, values: Sequence[str]) -> Iterator[Any]:
    """Run a query about any number of values, some at a time; {} is where they go."""
    for start in range(0, len(values), _VALUES_PER_QUERY):
        part = values[start : start + _VALUES_PER_QUERY]
        yield from connection.execute(sql.format(", ".join("?" * len(part))), part)
