"""BM25 over passages: an FTS5 table that follows the catalogue.

Okapi BM25 as SQLite implements it (k1 = 1.2, b = 0.75); Robertson & Zaragoza 2009. FTS5 cuts the
words and says which passages have them; the ranking is done in `bm25`, to the same scores.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rag.errors import StoreError
from rag.store.bm25 import SCHEMA, Bm25
from rag.store.connections import Connections
from rag.store.faults import reach
from rag.store.read_only import ReadOnlyFile, may_be_written
from rag.store.records import Changes
from rag.store.shared_lock import SharedLock
from rag.store.soundness import is_sound_database
from rag.store.sqlite_errors import translated_errors
from rag.types import Passage

_VERSION = 4  # of what is in the file; another version is begun again

_SCHEMA = (
    f"PRAGMA user_version = {_VERSION}",
    "CREATE TABLE state (store_id TEXT NOT NULL, seq INTEGER NOT NULL, token TEXT NOT NULL)",
    *SCHEMA,
)

# Vowel signs stand inside the words of India's scripts, but are no letters.
_WORD = re.compile(r"[\w\u0900-\u0d7f]+")
# Chinese, Japanese and Korean, whose words have no spaces between them or carry their particles.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]{2,}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MENDED_CHARS = range(5, 25)
_MOST_MENDED = 3  # words of one query, to bound its time

# Function words and question words: they are in nearly every passage, so they say nothing and
# cost most of the time of a query.
STOP_WORDS = frozenset(
    """a about an and any are as at be been being but by can could did do does doing for from had
    has have having he her hers him his how i if in into is it its itself just me my no nor not of
    on or our ours own she should so some such than that the their theirs them then there these
    they this those to too under very was we were what when where which while who whom whose why
    will with would you your yours""".split()  # noqa: SIM905
)


class LexicalIndex:
    """BM25 over the context and text of passages, in a SQLite file of its own.

    It can be deleted at any time: `applied` is then 0 and following the catalogue fills it again.
    """

    def __init__(self, path: Path, store_id: str, *, owner: bool = True) -> None:
        self._path = path
        self._store_id = store_id
        self._owner = owner
        self._connections = Connections(self._connect)
        self._only_read = (
            None
            if owner or may_be_written(path)
            else ReadOnlyFile(path, check=self._check_version, forget=self._forget)
        )
        # To close a connection that another thread is using can end the process.
        self._use = SharedLock()
        self._bm25 = Bm25()
        if owner and not self._is_sound():
            self.reset()

    @property
    def head(self) -> tuple[int, str]:
        """The number and token of the last change that this index holds."""
        with self._reading() as connection:
            seq, token = connection.execute("SELECT seq, token FROM state").fetchone()
        return int(seq), str(token)

    @property
    def applied(self) -> int:
        """The sequence number of the last change that this index holds."""
        return self.head[0]

    def reset(self) -> None:
        """Begin again, empty; waits for running searches."""
        with self._use.alone(), translated_errors(self._path):
            self._close()
            reach("lexical.reset.closed")
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            reach("lexical.reset.deleted")
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO state VALUES (?, 0, '')", (self._store_id,))
            reach("lexical.reset.tables")
            connection.execute("COMMIT")
            reach("lexical.reset.committed")

    def apply(self, changes: Changes) -> None:
        """Follow one batch of changes, in one transaction."""
        with self._use.shared(), translated_errors(self._path):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                reach("lexical.apply.begun")
                replaced = [passage.passage_id for passage in changes.passages]
                for passage_id in (*changes.removed, *replaced):
                    gone = connection.execute(
                        "DELETE FROM rows WHERE passage_id = ? RETURNING row", (passage_id,)
                    ).fetchone()
                    if gone is not None:
                        connection.execute("DELETE FROM words WHERE rowid = ?", gone)
                        connection.execute("UPDATE extent SET removed = removed + 1")
                reach("lexical.apply.removed")
                _add(connection, changes.passages)
                reach("lexical.apply.added")
                connection.execute(
                    "UPDATE state SET seq = ?, token = ?", (changes.seq, changes.token)
                )
                reach("lexical.apply.state")
                connection.execute("COMMIT")
                reach("lexical.apply.committed")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def search(
        self, query: str, k: int, doc_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Return up to k passage ids and their BM25 scores, best first, ties in order of entry.

        Any of the query's words may match; words that say nothing are left out unless there are
        no others. A word that no passage has counts as misspelt and stands for every word one
        letter away. `doc_ids`, when given, limits the search to those documents.
        """
        with self._reading() as connection:
            words = _wanted(connection, query)
            if not words or (doc_ids is not None and not doc_ids):
                return []
            return self._bm25.ranked(connection, words, k, doc_ids)

    def close(self) -> None:
        """Close the file; waits for running searches."""
        with self._use.alone():
            self._close()

    def _close(self) -> None:
        self._connections.close()
        if self._only_read is not None:
            self._only_read.close()
        self._bm25.close()

    def _forget(self) -> None:
        self._bm25.close()
        self._bm25 = Bm25()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._use.shared(), translated_errors(self._path):
            if self._only_read is None:
                yield self._connection
            else:
                with self._only_read.reading() as connection:
                    yield connection

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._connections.mine

    def _connect(self) -> sqlite3.Connection:
        # Only the owner may create the file, and only in `reset`.
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode={'rwc' if self._owner else 'rw'}",
            uri=True,
            timeout=30.0,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if self._owner:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
            else:
                self._check_version(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        """Tell an index that its owner keeps as another version of this code does from damage."""
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != _VERSION:
            raise StoreError(
                f"The word index {self._path} has version {version}, expected {_VERSION}: another "
                "version of Footnote has this store open.",
                "Restart the server; the index is then filled again from the catalogue.",
            )

    def _is_sound(self) -> bool:
        """Whether the file is this catalogue's index and can be read."""
        if not is_sound_database(self._path):
            return False
        try:
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            row = self._connection.execute("SELECT store_id FROM state").fetchone()
            self._connection.execute("SELECT rowid FROM words WHERE words MATCH 'a' LIMIT 1")
        except sqlite3.DatabaseError:
            return False
        return version == _VERSION and row is not None and row[0] == self._store_id


def _add(connection: sqlite3.Connection, passages: Sequence[Passage]) -> None:
    """Give each passage a row with a number that no row has had."""
    last = connection.execute("SELECT last_row FROM extent").fetchone()[0]
    for row, passage in enumerate(passages, start=last + 1):
        connection.execute(
            "INSERT INTO words (rowid, context, text) VALUES (?, ?, ?)",
            (row, _in_pairs(passage.context), _in_pairs(passage.text)),
        )
        connection.execute(
            "INSERT INTO rows VALUES (?, ?, ?)", (passage.passage_id, row, passage.doc_id)
        )
    connection.execute("UPDATE extent SET last_row = last_row + ?", (len(passages),))


def _wanted(connection: sqlite3.Connection, query: str) -> list[str]:
    """Return the words to search for: in place of a misspelt one, those that it may stand for."""

    def is_there(word: str) -> bool:
        sql = "SELECT 1 FROM words WHERE words MATCH ? LIMIT 1"
        return connection.execute(sql, (f'"{word}"',)).fetchone() is not None

    words: list[str] = []
    mended = 0
    for word in _telling(query):
        if mended < _MOST_MENDED and _can_be_mended(word) and not is_there(word):
            # One by one: BM25 over hundreds of words that nothing has takes thrice as long.
            words.extend(filter(is_there, _one_letter_away(word)))
            mended += 1
        else:
            words.append(word)
    return words


def _telling(query: str) -> list[str]:
    words = list(dict.fromkeys(_WORD.findall(_in_pairs(query.lower()))))
    return [word for word in words if word not in STOP_WORDS] or words


def _can_be_mended(word: str) -> bool:
    return len(word) in _MENDED_CHARS and word.isalpha() and word.isascii()


def _in_pairs(text: str) -> str:
    """Write runs of unspaced characters as overlapping pairs: what stands in for their words."""
    return _UNSPACED.sub(
        lambda run: f" {' '.join(a + b for a, b in itertools.pairwise(run[0]))} ", text
    )


def _one_letter_away(word: str) -> list[str]:
    """Return a word and all that one letter left out, added, changed or swapped make of it."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = [word, *(a + b[1:] for a, b in cuts if b)]
    found += (a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1)
    found += (a + letter + b[1:] for a, b in cuts if b for letter in _LETTERS)
    found += (a + letter + b for a, b in cuts for letter in _LETTERS)
    return list(dict.fromkeys(found))
