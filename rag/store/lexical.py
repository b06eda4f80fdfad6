"""BM25 over passages: an FTS5 table that follows the catalogue.

Okapi BM25 as SQLite implements it (k1 = 1.2, b = 0.75); Robertson & Zaragoza 2009.
"""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import threading
from collections.abc import Collection
from pathlib import Path

from rag.store.faults import reach
from rag.store.records import Changes
from rag.store.shared_lock import SharedLock
from rag.store.soundness import is_sound_database
from rag.store.sqlite_errors import translated_errors

_VERSION = 3  # of what is in the file; another version is begun again

_SCHEMA = (
    f"PRAGMA user_version = {_VERSION}",
    "CREATE TABLE state (store_id TEXT NOT NULL, seq INTEGER NOT NULL, token TEXT NOT NULL)",
    "CREATE TABLE rows (passage_id TEXT PRIMARY KEY, row INTEGER NOT NULL, doc_id TEXT NOT NULL)",
    "CREATE UNIQUE INDEX rows_by_row ON rows (row)",
    "CREATE VIRTUAL TABLE words USING fts5(context, text, "
    "tokenize = \"porter unicode61 remove_diacritics 2 categories 'L* N* Co Mc'\")",
)

# Vowel signs stand inside the words of India's scripts, but are no letters.
_WORD = re.compile(r"[\w\u0900-\u0d7f]+")
# Chinese, Japanese and Korean, whose words have no spaces between them or carry their particles.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]{2,}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MENDED_CHARS = range(5, 25)
_MOST_MENDED = 3  # words of one query, to bound its time
_MOST_LISTED = 1000  # documents that are named to SQLite
_WIDER = 8  # how many times as many are ranked when too few of them were wanted

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
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        # To close a connection that another thread is using can end the process.
        self._use = SharedLock()
        if owner and not self._is_sound():
            self.reset()

    @property
    def head(self) -> tuple[int, str]:
        """The number and token of the last change that this index holds."""
        with self._use.shared(), translated_errors(self._path):
            seq, token = self._connection.execute("SELECT seq, token FROM state").fetchone()
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
                reach("lexical.apply.removed")
                for passage in changes.passages:
                    cursor = connection.execute(
                        "INSERT INTO words (context, text) VALUES (?, ?)",
                        (_in_pairs(passage.context), _in_pairs(passage.text)),
                    )
                    connection.execute(
                        "INSERT INTO rows VALUES (?, ?, ?)",
                        (passage.passage_id, cursor.lastrowid, passage.doc_id),
                    )
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
        with self._use.shared(), translated_errors(self._path):
            return self._search(query, k, doc_ids)

    def _search(
        self, query: str, k: int, doc_ids: Collection[str] | None
    ) -> list[tuple[str, float]]:
        match = " OR ".join(f'"{word}"' for word in self._wanted(query))
        if not match:
            return []
        if doc_ids is None:
            return [(passage_id, score) for passage_id, score, _ in self._ranked(match, k)]
        if len(doc_ids) > _MOST_LISTED:
            return self._ranked_among(match, k, doc_ids)
        if not doc_ids:
            return []
        sql = (
            "SELECT r.passage_id, -bm25(words) AS score FROM words "
            "JOIN rows r ON r.row = words.rowid WHERE words MATCH ? "
            "AND r.doc_id IN (SELECT value FROM json_each(?)) ORDER BY score DESC LIMIT ?"
        )
        values = [match, json.dumps(sorted(doc_ids)), k]
        return [(row[0], row[1]) for row in self._connection.execute(sql, values)]

    def _ranked(self, match: str, k: int) -> list[tuple[str, float, str]]:
        """Return the k best passage ids with their scores and documents."""
        # FTS5's bm25() is more negative for better matches; ours is higher for better.
        sql = (
            "SELECT r.passage_id, -w.score, r.doc_id FROM (SELECT rowid, bm25(words) AS score "
            "FROM words WHERE words MATCH ? ORDER BY score LIMIT ?) w "
            "JOIN rows r ON r.row = w.rowid ORDER BY w.score, w.rowid"
        )
        return self._connection.execute(sql, (match, k)).fetchall()

    def _ranked_among(
        self, match: str, k: int, doc_ids: Collection[str]
    ) -> list[tuple[str, float]]:
        """Return the k best among very many documents: rank more until k of them are there."""
        width = _WIDER * k
        while True:
            ranked = self._ranked(match, width)
            found = [(passage_id, score) for passage_id, score, owner in ranked if owner in doc_ids]
            if len(found) >= k or len(ranked) < width:
                return found[:k]
            width *= _WIDER

    def _wanted(self, query: str) -> list[str]:
        words: list[str] = []
        mended = 0
        for word in _telling(query):
            if mended < _MOST_MENDED and _can_be_mended(word) and not self._holds(word):
                # One by one: BM25 over hundreds of words that nothing has takes thrice as long.
                words.extend(filter(self._holds, _one_letter_away(word)))
                mended += 1
            else:
                words.append(word)
        return words

    def _holds(self, word: str) -> bool:
        sql = "SELECT 1 FROM words WHERE words MATCH ? LIMIT 1"
        return self._connection.execute(sql, (f'"{word}"',)).fetchone() is not None

    def close(self) -> None:
        """Close the file; waits for running searches."""
        with self._use.alone():
            self._close()

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local = threading.local()

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Only the owner may create the file, and only in `reset`.
            connection = sqlite3.connect(
                f"{self._path.resolve().as_uri()}?mode={'rwc' if self._owner else 'rw'}",
                uri=True,
                timeout=30.0,
                isolation_level=None,
                check_same_thread=False,
            )
            if self._owner:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
            self._local.connection = connection
            self._connections.append(connection)
        return connection

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
