"""The catalogue: one SQLite file that holds the truth. The indexes follow it.

One document is one transaction: all its passages and vectors, or none. Every transaction that
changes passages takes the next sequence number, which is how an index knows what it has missed.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from rag.errors import StoreError
from rag.store import collections
from rag.store.collections import DEFAULT_COLLECTION, CollectionCounts
from rag.store.faults import reach
from rag.store.filters import Condition, Filter, Within
from rag.store.migrations import READABLE, SCHEMA_VERSION, is_old, migrate
from rag.store.records import Changes, Counts, DocumentInfo, FileRecord, Vectors
from rag.store.rows import document_of, document_row, matrix, passage_of, passage_row
from rag.types import Document, Passage

_IDS_PER_QUERY = 500
_TRACES = ("lexical.sqlite3", "vectors")  # what stands beside a catalogue once it has been used
_RESTORE = (
    "Bring a backup back with: footnote restore FILE. Without one, delete the folder {folder} "
    "and ingest the documents again."
)
_FILTERED = frozenset({"doc_id", "title", "source", "collection"})
_OPERATORS = {"=": "GLOB", ">=": ">=", "<=": "<="}
_PASSAGE_COLUMNS = (
    'p.passage_id, p.doc_id, p.text, p.start, p."end", d.title, d.source, p.page, p.section, '
    "d.metadata ->> '$.date'"
)


class Catalog:
    """Documents, passages and vectors in one SQLite file; safe to share between threads.

    Every process may open it. Readers never wait for a writer (write-ahead log); writers wait
    for each other up to `busy_seconds`.

    Raises:
        StoreError: the file is damaged, not a catalogue, or of another version.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 30.0) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._connections_lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The folder {path.parent} cannot be created: {error.strerror}.",
                "Choose another with --data-dir or FOOTNOTE_DATA_DIR.",
            ) from error
        self._create_or_check()

    # -- connections and transactions -------------------------------------------------------

    def close(self) -> None:
        """Close every thread's connection; the catalogue cannot be used afterwards."""
        with self._connections_lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Threads do not share connections; check_same_thread is off only so that close() may
            # close those of threads that have ended.
            connection = sqlite3.connect(
                self.path,
                timeout=self._busy_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
            self._local.connection = connection
            with self._connections_lock:
                self._connections.append(connection)
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated_errors(self.path):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated_errors(self.path):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _create_or_check(self) -> None:
        if not self.path.exists() or not self.path.stat().st_size:
            self._refuse_to_replace()
        with self._reading() as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if not tables:
            self._create()
        self._check_version()
        with self._reading() as connection:
            if is_old(connection):
                with self._writing() as connection:
                    migrate(connection, _schema_statements())

    def _refuse_to_replace(self) -> None:
        """Begin no new catalogue where indexes tell that there was one."""
        folder = self.path.parent
        if any((folder / trace).exists() for trace in _TRACES):
            raise StoreError(
                f"The store {folder} has lost its catalogue: {self.path.name} is missing or empty.",
                _RESTORE.format(folder=folder),
            )

    def _create(self) -> None:
        self._refuse_to_replace()
        with self._writing() as connection:
            reach("catalog.create.begun")
            # Another process may have created it meanwhile.
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                # executescript would commit the transaction that makes creation all or nothing.
                for statement in _schema_statements():
                    connection.execute(statement)
                reach("catalog.create.tables")
                connection.executemany(
                    "INSERT INTO meta VALUES (?, ?)",
                    [("schema", SCHEMA_VERSION), ("store_id", uuid.uuid4().hex), ("seq", "0")],
                )
        reach("catalog.create.committed")

    def _check_version(self) -> None:
        found = self.meta("schema")
        if found not in READABLE:
            raise StoreError(
                f"The store {self.path} has version {found or 'none'}; "
                f"this Footnote reads version {SCHEMA_VERSION}.",
                "Use the Footnote that wrote it, or ingest into a new --data-dir.",
            )

    # -- meta ---------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        """Look up a value that `set_meta` stored."""
        with self._reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def all_meta(self) -> dict[str, str]:
        """Return every value that `set_meta` stored."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT key, value FROM meta").fetchall())

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Store values under their keys, replacing earlier ones."""
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())
            reach("catalog.meta.written")
        reach("catalog.meta.committed")

    @property
    def store_id(self) -> str:
        """A name that no other catalogue has."""
        return self.meta("store_id") or ""

    @property
    def seq(self) -> int:
        """The sequence number of the last change."""
        return int(self.meta("seq") or 0)

    @property
    def head(self) -> tuple[int, str]:
        """The number and token of the last change; no other state of any catalogue has both."""
        with self._reading() as connection:
            seq, token = connection.execute(
                "SELECT value, (SELECT token FROM history WHERE seq = CAST(value AS INTEGER)) "
                "FROM meta WHERE key = 'seq'"
            ).fetchone()
        return int(seq), token or ""

    def has_made(self, seq: int, token: str) -> bool:
        """Whether the change of this number and name is one of this catalogue's past."""
        with self._reading() as connection:
            return seq <= self.seq and _token(connection, seq) == token

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
        keys = {passage_id: key for passage_id, (_, key) in passages.items()}
        with self._writing() as connection:
            reach("catalog.put.begun")
            seq = _next_seq(connection)
            reach("catalog.put.numbered")
            connection.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                ((key, vector.astype("<f2").tobytes()) for key, vector in vectors.items()),
            )
            reach("catalog.put.vectors")
            before = dict(
                connection.execute(
                    "SELECT passage_id, vector_key FROM passages WHERE doc_id = ?",
                    (document.doc_id,),
                ).fetchall()
            )
            connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (doc_id) DO UPDATE SET path = excluded.path, title = excluded.title, "
                "source = excluded.source, content_hash = excluded.content_hash, "
                "text = excluded.text, metadata = excluded.metadata, "
                "sections = excluded.sections, page_starts = excluded.page_starts, "
                "collection = excluded.collection",
                document_row(document, path, content_hash, collection),
            )
            reach("catalog.put.document")
            _remove_passages(connection, before.keys() - keys.keys(), seq)
            reach("catalog.put.removals")
            connection.executemany(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                'ON CONFLICT (passage_id) DO UPDATE SET start = excluded.start, "end" = '
                'excluded."end", page = excluded.page, section = excluded.section, '
                "vector_key = excluded.vector_key, "
                # Only a passage whose embedded text changed concerns the indexes.
                "seq = iif(vector_key = excluded.vector_key, seq, excluded.seq)",
                (passage_row(passage, key, seq) for passage, key in passages.values()),
            )
            reach("catalog.put.passages")
            _drop_unused_vectors(connection, set(before.values()) - set(keys.values()))
            reach("catalog.put.unused")
            _check_vectors(connection, document)
        reach("catalog.put.committed")

    def remove(self, doc_ids: Iterable[str], *, forget: Iterable[str] = ()) -> int:
        """Take documents out, in one transaction; returns how many there were.

        What is known of the files in `forget` goes with them, so that they count as new.
        """
        removed = 0
        with self._writing() as connection:
            seq = _next_seq(connection)
            reach("catalog.remove.begun")
            for doc_id in doc_ids:
                rows = connection.execute(
                    "SELECT passage_id, vector_key FROM passages WHERE doc_id = ?", (doc_id,)
                ).fetchall()
                _remove_passages(connection, [row[0] for row in rows], seq)
                reach("catalog.remove.passages")
                cursor = connection.execute("DELETE FROM documents WHERE doc_id = ?", (doc_id,))
                removed += cursor.rowcount
                reach("catalog.remove.document")
                _drop_unused_vectors(connection, {row[1] for row in rows})
                reach("catalog.remove.unused")
            connection.executemany("DELETE FROM files WHERE path = ?", ((p,) for p in forget))
            reach("catalog.remove.forgotten")
        reach("catalog.remove.committed")
        return removed

    def documents(self) -> list[DocumentInfo]:
        """List every document without its text, in order of source."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT d.doc_id, d.title, d.source, d.path, d.content_hash, count(p.passage_id), "
                "d.metadata, d.collection FROM documents d LEFT JOIN passages p USING (doc_id) "
                "GROUP BY d.doc_id ORDER BY d.source, d.doc_id"
            ).fetchall()
        return [
            DocumentInfo(
                doc_id, title, source, path, digest, passages, json.loads(metadata), collection
            )
            for doc_id, title, source, path, digest, passages, metadata, collection in rows
        ]

    def hashes(self, path: str) -> dict[str, str]:
        """Map the documents that came from a file to their content hashes."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT doc_id, content_hash FROM documents WHERE path = ?", (path,)
            )
            return dict(rows.fetchall())

    def path_of(self, doc_id: str) -> str | None:
        """Return the path that a document came from, or None when there is no such document."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT path FROM documents WHERE doc_id = ?", (doc_id,)
            ).fetchone()
        return None if row is None else str(row[0])

    def matching(self, filters: Sequence[Condition]) -> frozenset[str]:
        """Return the documents that pass every filter."""
        conditions = [_sql_of(condition) for condition in filters]
        where = " AND ".join(sql for sql, _ in conditions)
        values = [value for _, values in conditions for value in values]
        with self._reading() as connection:
            rows = connection.execute(f"SELECT doc_id FROM documents WHERE {where}", values)
            return frozenset(row[0] for row in rows)

    def document(self, doc_id: str) -> Document | None:
        """Return a document with its text, or None."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT doc_id, title, source, text, metadata, sections, page_starts "
                "FROM documents WHERE doc_id = ?",
                (doc_id,),
            ).fetchone()
        return None if row is None else document_of(row)

    # -- collections ----------------------------------------------------------------------------

    def collection_names(self) -> frozenset[str]:
        """Name the collections that hold a document."""
        with self._reading() as connection:
            return collections.names(connection)

    def collection_counts(self) -> list[CollectionCounts]:
        """Count documents and passages by collection, in order of name."""
        with self._reading() as connection:
            return collections.counts(connection)

    def collections_of(self, doc_ids: Iterable[str]) -> Mapping[str, str]:
        """Map documents to their collections; those that do not exist are left out."""
        with self._reading() as connection:
            return collections.of_documents(connection, doc_ids)

    def collection_of_path(self, path: str) -> str | None:
        """Return the collection that a file belongs to; None for one that is not known."""
        with self._reading() as connection:
            return collections.of_path(connection, path)

    def collect(self, paths: Iterable[str], collection: str) -> None:
        """Put files and all that is held of them into a collection, in one transaction."""
        with self._writing() as connection:
            reach("catalog.collect.begun")
            _next_seq(connection)
            for path in paths:
                connection.execute(
                    "UPDATE files SET collection = ? WHERE path = ?", (collection, path)
                )
                collections.move_documents(connection, path, collection)
            reach("catalog.collect.files")
        reach("catalog.collect.committed")

    # -- passages and vectors -------------------------------------------------------------------

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """Return the passages that exist, in the order asked for; others are left out."""
        found: dict[str, Passage] = {}
        with self._reading() as connection:
            for ids in _slices(passage_ids, _IDS_PER_QUERY):
                rows = connection.execute(
                    f"SELECT {_PASSAGE_COLUMNS} FROM passages p JOIN documents d USING (doc_id) "
                    f"WHERE p.passage_id IN ({_marks(ids)})",
                    ids,
                )
                found.update((row[0], passage_of(row)) for row in rows)
        return [found[passage_id] for passage_id in passage_ids if passage_id in found]

    def missing_vectors(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys that the catalogue holds no vector for."""
        wanted = list(dict.fromkeys(keys))
        held: set[str] = set()
        with self._reading() as connection:
            for part in _slices(wanted, _IDS_PER_QUERY):
                held.update(
                    row[0]
                    for row in connection.execute(
                        f"SELECT vector_key FROM vectors WHERE vector_key IN ({_marks(part)})",
                        part,
                    )
                )
        return set(wanted) - held

    def all_vectors(self) -> tuple[list[str], list[str], Vectors]:
        """Return passage ids, their document ids and an `(n, d)` float32 matrix of unit rows."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT passage_id, doc_id, vector FROM passages JOIN vectors USING (vector_key) "
                "ORDER BY passage_id"
            ).fetchall()
        return [row[0] for row in rows], [row[1] for row in rows], matrix(row[2] for row in rows)

    def changes(self, after: int, *, limit: int) -> Changes:
        """Return what happened after a sequence number, whole transactions, about `limit` passages.

        An index applies the batches one after the other until one is empty.
        """
        with self._reading() as connection:
            connection.execute("BEGIN")  # one snapshot for the statements below
            try:
                last = int(
                    connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()[0]
                )
                bound = connection.execute(
                    "SELECT seq FROM passages WHERE seq > ? ORDER BY seq LIMIT 1 OFFSET ?",
                    (after, limit - 1),
                ).fetchone()
                upto = last if bound is None else int(bound[0])
                token = _token(connection, upto)
                removed = connection.execute(
                    "SELECT passage_id FROM removals WHERE seq > ? AND seq <= ?", (after, upto)
                ).fetchall()
                rows = connection.execute(
                    f"SELECT {_PASSAGE_COLUMNS}, v.vector FROM passages p "
                    "JOIN documents d USING (doc_id) JOIN vectors v USING (vector_key) "
                    "WHERE p.seq > ? AND p.seq <= ? ORDER BY p.seq, p.doc_id, p.start",
                    (after, upto),
                ).fetchall()
            finally:
                connection.execute("COMMIT")
        return Changes(
            seq=upto,
            token=token,
            removed=tuple(row[0] for row in removed),
            passages=tuple(passage_of(row) for row in rows),
            vectors=matrix(row[-1] for row in rows),
        )

    def counts(self) -> Counts:
        """Count documents, passages and distinct vectors."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages), "
                "(SELECT count(*) FROM vectors)"
            ).fetchone()
        return Counts(*row)

    # -- files ----------------------------------------------------------------------------------

    def files(self) -> dict[str, FileRecord]:
        """Map absolute paths to what is known of each file."""
        with self._reading() as connection:
            rows = connection.execute("SELECT * FROM files ORDER BY path").fetchall()
        return {row[0]: FileRecord(*row) for row in rows}

    def file(self, path: str) -> FileRecord | None:
        """Return what is known of a file, or None."""
        with self._reading() as connection:
            row = connection.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else FileRecord(*row)

    def put_file(self, record: FileRecord) -> None:
        """Record a file as looked at, replacing what was known.

        Whatever documents it has follow it into its collection.
        """
        with self._writing() as connection:
            reach("catalog.file.begun")
            connection.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.path,
                    record.source,
                    record.sha256,
                    record.size_bytes,
                    record.mtime_ns,
                    record.seen_ns,
                    record.reader_version,
                    record.reason,
                    record.message,
                    record.hint,
                    record.collection,
                ),
            )
            if collections.move_documents(connection, record.path, record.collection):
                _next_seq(connection)
            reach("catalog.file.written")
        reach("catalog.file.committed")

    def forget_files(self, paths: Iterable[str]) -> None:
        """Drop what is known of files, so that they count as new."""
        with self._writing() as connection:
            connection.executemany("DELETE FROM files WHERE path = ?", ((p,) for p in paths))

    def is_sound(self) -> bool:
        """Read every page and see whether they hang together; takes a while."""
        try:
            with self._reading() as connection:
                return bool(
                    connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
                    and connection.execute("PRAGMA foreign_key_check").fetchone() is None
                )
        except StoreError:
            return False

    def checkpoint(self) -> None:
        """Bring everything committed so far safely to disk."""
        with self._reading() as connection:
            reach("catalog.checkpoint.before")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ones that a person can act on."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "full" in text:
            raise StoreError(
                f"The disk is full: {path} could not grow. What was stored before is intact.",
                "Free some space and run the same command again; it goes on where it stopped.",
            ) from error
        if "locked" in text:
            raise StoreError(
                f"The store {path} has been in use by another process for too long.",
                "Wait for it to finish, or stop it, and run the command again.",
            ) from error
        if "no such" in text:
            raise StoreError(
                f"The store {path} is damaged: {text}.", _RESTORE.format(folder=path.parent)
            ) from error
        raise StoreError(
            f"The store {path} cannot be used: {text}.",
            "Check that the folder exists, can be written to and has free space. If its disk "
            "has lost something: footnote restore FILE brings back a backup.",
        ) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # a subclass: a mistake of ours, not damage
        raise StoreError(
            f"The store {path} is damaged or not a catalogue of Footnote: {error}.",
            _RESTORE.format(folder=path.parent),
        ) from error
    except OSError as error:
        raise StoreError(
            f"The store {path} cannot be used: {error.strerror or error}.",
            "Check that the folder exists, can be written to and has free space.",
        ) from error


def _schema_statements() -> list[str]:
    text = resources.files("rag.store").joinpath("schema.sql").read_text(encoding="utf-8")
    lines = (line.split("--")[0] for line in text.splitlines())
    return [part for part in "\n".join(lines).split(";") if part.strip()]


def _sql_of(condition: Condition) -> tuple[str, list[str]]:
    """Return a condition on a row of `documents`, and the values for its question marks."""
    if isinstance(condition, Within):
        held = sorted(condition.collections)
        return f"collection IN ({_marks(held)})", held
    return _sql_of_filter(condition)


def _sql_of_filter(given: Filter) -> tuple[str, list[str]]:
    operator = _OPERATORS[given.operator]
    if given.field in _FILTERED:
        return f"{given.field} {operator} ?", [given.value]
    name = f'$."{given.field}"'
    return f"coalesce(json_extract(metadata, ?), '') {operator} ?", [name, given.value]


def _next_seq(connection: sqlite3.Connection) -> int:
    row = connection.execute(
        "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'seq' RETURNING value"
    ).fetchone()
    seq = int(row[0])
    connection.execute("INSERT INTO history VALUES (?, ?)", (seq, secrets.token_hex(8)))
    return seq


def _token(connection: sqlite3.Connection, seq: int) -> str:
    row = connection.execute("SELECT token FROM history WHERE seq = ?", (seq,)).fetchone()
    return "" if row is None else str(row[0])


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


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _slices(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
