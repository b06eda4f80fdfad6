"""The catalogue: one SQLite file that holds the truth. The indexes follow it.

One document is one transaction: all its passages and vectors, or none. Every transaction that
changes passages takes the next sequence number, which is how an index knows what it has missed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from rag.store import collections
from rag.store.catalog_reading import CatalogReader
from rag.store.changes import next_seq
from rag.store.collections import DEFAULT_COLLECTION
from rag.store.database import Database
from rag.store.faults import reach
from rag.store.opening import create_or_check
from rag.store.records import FileRecord, Vectors
from rag.store.rows import document_row, file_row, passage_row, vector_row
from rag.types import Document, Passage

_PUT_DOCUMENT = """
INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (doc_id) DO UPDATE SET
    path = excluded.path, title = excluded.title, source = excluded.source,
    content_hash = excluded.content_hash, text = excluded.text, metadata = excluded.metadata,
    sections = excluded.sections, page_starts = excluded.page_starts,
    collection = excluded.collection
"""
# Only a passage whose embedded text changed concerns the indexes.
_PUT_PASSAGE = """
INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (passage_id) DO UPDATE SET
    start = excluded.start, "end" = excluded."end", page = excluded.page,
    section = excluded.section, vector_key = excluded.vector_key,
    seq = iif(vector_key = excluded.vector_key, seq, excluded.seq)
"""
_PUT_FILE = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Catalog(CatalogReader):
    """Documents, passages and vectors in one SQLite file; safe to share between threads.

    Every process may open it. Readers never wait for a writer (write-ahead log); writers wait
    for each other up to `busy_seconds`.

    Raises:
        StoreError: the file is damaged, not a catalogue, or of another version.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 30.0) -> None:
        super().__init__(Database(path, busy_seconds=busy_seconds))
        try:
            create_or_check(self._database)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every thread's connection; the catalogue cannot be used afterwards."""
        self._database.close()

    def checkpoint(self) -> None:
        """Bring everything committed so far safely to disk."""
        with self._database.reading() as connection:
            reach("catalog.checkpoint.before")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Store values under their keys, replacing earlier ones."""
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())
            reach("catalog.meta.written")
        reach("catalog.meta.committed")

    # -- documents ----------------------------------------------------------------------------

    def put(
        self,
        document: Document,
        passages: Mapping[str, tuple[Passage, str]],
        vectors: Mapping[str, Vectors],
        *,
        path: str,
        content_hash: str,
        collection: str = DEFAULT_COLLECTION,
    ) -> None:
        """Store a document, replacing its earlier state, in one transaction.

        `passages` maps passage ids to passages and their vector keys; `vectors` maps those keys
        that the catalogue does not hold yet to unit vectors. Passages that are the same as before
        keep their sequence number, so the indexes need not touch them.

        Raises:
            ValueError: a passage would have no vector; nothing is stored.
        """
        with self._database.writing() as connection:
            reach("catalog.put.begun")
            seq = next_seq(connection)
            reach("catalog.put.numbered")
            connection.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                (vector_row(key, vector) for key, vector in vectors.items()),
            )
            reach("catalog.put.vectors")
            before = _passages_of(connection, document.doc_id)
            row = document_row(document, path, content_hash, collection)
            connection.execute(_PUT_DOCUMENT, row)
            reach("catalog.put.document")
            _remove_passages(connection, before.keys() - passages.keys(), seq)
            reach("catalog.put.removals")
            rows = (passage_row(passage, key, seq) for passage, key in passages.values())
            connection.executemany(_PUT_PASSAGE, rows)
            reach("catalog.put.passages")
            kept = {key for _, key in passages.values()}
            _drop_unused_vectors(connection, set(before.values()) - kept)
            reach("catalog.put.unused")
            _check_vectors(connection, document)
        reach("catalog.put.committed")

    def remove(self, doc_ids: Iterable[str], *, forget: Iterable[str] = ()) -> int:
        """Take documents out, in one transaction; returns how many there were.

        What is known of the files in `forget` goes with them, so that they count as new.
        """
        removed = 0
        with self._database.writing() as connection:
            seq = next_seq(connection)
            reach("catalog.remove.begun")
            for doc_id in doc_ids:
                held = _passages_of(connection, doc_id)
                _remove_passages(connection, held, seq)
                reach("catalog.remove.passages")
                cursor = connection.execute("DELETE FROM documents WHERE doc_id = ?", (doc_id,))
                removed += cursor.rowcount
                reach("catalog.remove.document")
                _drop_unused_vectors(connection, set(held.values()))
                reach("catalog.remove.unused")
            connection.executemany("DELETE FROM files WHERE path = ?", ((p,) for p in forget))
            reach("catalog.remove.forgotten")
        reach("catalog.remove.committed")
        return removed

    def collect(self, paths: Iterable[str], collection: str) -> None:
        """Put files and all that is held of them into a collection, in one transaction."""
        with self._database.writing() as connection:
            reach("catalog.collect.begun")
            next_seq(connection)
            for path in paths:
                connection.execute(
                    "UPDATE files SET collection = ? WHERE path = ?", (collection, path)
                )
                collections.move_documents(connection, path, collection)
            reach("catalog.collect.files")
        reach("catalog.collect.committed")

    # -- files ----------------------------------------------------------------------------------

    def put_file(self, record: FileRecord) -> None:
        """Record a file as looked at, replacing what was known.

        Whatever documents it has follow it into its collection.
        """
        with self._database.writing() as connection:
            reach("catalog.file.begun")
            connection.execute(_PUT_FILE, file_row(record))
            if collections.move_documents(connection, record.path, record.collection):
                next_seq(connection)
            reach("catalog.file.written")
        reach("catalog.file.committed")


def _passages_of(connection: sqlite3.Connection, doc_id: str) -> dict[str, str]:
    """Map the ids of a document's passages to their vector keys."""
    rows = connection.execute(
        "SELECT passage_id, vector_key FROM passages WHERE doc_id = ?", (doc_id,)
    )
    return dict(rows.fetchall())


def _remove_passages(connection: sqlite3.Connection, ids: Iterable[str], seq: int) -> None:
    rows = [(passage_id, seq) for passage_id in ids]
    connection.executemany("INSERT OR REPLACE INTO removals VALUES (?, ?)", rows)
    connection.executemany("DELETE FROM passages WHERE passage_id = ?", (row[:1] for row in rows))


def _drop_unused_vectors(connection: sqlite3.Connection, keys: Iterable[str]) -> None:
    connection.executemany(
        "DELETE FROM vectors WHERE vector_key = ?1 "
        "AND NOT EXISTS (SELECT 1 FROM passages WHERE vector_key = ?1)",
        ((key,) for key in keys),
    )


def _check_vectors(connection: sqlite3.Connection, document: Document) -> None:
    """A passage without its vector would be in no index, and nobody would notice."""
    row = connection.execute(
        "SELECT count(*) FROM passages WHERE doc_id = ? "
        "AND vector_key NOT IN (SELECT vector_key FROM vectors)",
        (document.doc_id,),
    ).fetchone()
    if row[0]:
        raise ValueError(f"{document.source}: {row[0]} passages have no vector")
