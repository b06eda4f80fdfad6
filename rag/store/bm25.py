"""BM25 over an FTS5 table without its bm25(): what is read of the table, and how long it is kept.

Words go by the number of their row. The numbers only grow, so what was read of some rows stays
true of them, until one is removed.
"""

from __future__ import annotations

import functools
import json
import sqlite3
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rag.store.postings import (
    NO_POSTINGS,
    Extent,
    KeptPostings,
    Numbers,
    Postings,
    best,
    counts_of,
    idf,
    summed,
    worth,
)

TOKENS = "tokenize = \"porter unicode61 remove_diacritics 2 categories 'L* N* Co Mc'\""
_INSTANCES = "CREATE VIRTUAL TABLE instances USING fts5vocab(words, instance)"

SCHEMA = (
    # `filling` names this beginning of the table; `removed` counts the rows taken out since.
    "CREATE TABLE extent (filling TEXT NOT NULL, last_row INTEGER NOT NULL, "
    "removed INTEGER NOT NULL)",
    "CREATE TABLE rows (passage_id TEXT PRIMARY KEY, row INTEGER NOT NULL, doc_id TEXT NOT NULL)",
    "CREATE UNIQUE INDEX rows_by_row ON rows (row)",
    f"CREATE VIRTUAL TABLE words USING fts5(context, text, {TOKENS})",
    _INSTANCES,
    "INSERT INTO extent VALUES (lower(hex(randomblob(8))), 0, 0)",
)
_CUTTER = (f"CREATE VIRTUAL TABLE words USING fts5(text, {TOKENS})", _INSTANCES)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What never changes of a row, by its number: how many words it has, or whose it is."""

    filling: str = ""
    values: Numbers = field(default_factory=lambda: np.zeros(1, np.int32))  # rows begin at 1


class Bm25:
    """Ranks the rows of the tables of `SCHEMA`; what it keeps serves every thread."""

    def __init__(self) -> None:
        self._kept = KeptPostings(None)
        self._lengths = self._owners = _Rows()
        self._documents: dict[str, int] = {}
        self._reading = threading.Lock()
        self._cutting = threading.Lock()
        self._cutter: sqlite3.Connection | None = None

    def ranked(
        self,
        connection: sqlite3.Connection,
        words: Sequence[str],
        k: int,
        doc_ids: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """Return up to k passage ids and scores, best first, ties in order of entry.

        `words` count as often as they are given; of a word that FTS5 cuts in several, passages
        have to have these one after the other.
        """
        connection.execute("BEGIN")  # one state of the index for all that is read
        try:
            return self._ranked(connection, words, k, doc_ids)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Release what cuts words; it comes back when it is needed."""
        with self._cutting:
            if self._cutter is not None:
                self._cutter.close()
            self._cutter = None

    def _ranked(
        self,
        connection: sqlite3.Connection,
        words: Sequence[str],
        k: int,
        doc_ids: Collection[str] | None,
    ) -> list[tuple[str, float]]:
        filling, last_row, removed = connection.execute(
            "SELECT filling, last_row, removed FROM extent"
        ).fetchone()
        totals = connection.execute("SELECT block FROM words_data WHERE id = 1").fetchone()[0]
        passages, *totals = _varints(totals) or [0]
        if not passages:
            return []
        lengths = self._lengths_of(connection, filling, last_row)
        extent = Extent(last_row, passages, sum(totals), lengths)
        kept = self._kept
        if kept.name != (filling, removed):
            kept = self._kept = KeptPostings((filling, removed))
        found = [self._postings(connection, word, extent, kept) for word in words]
        rows, scores = summed([(p.rows, worth(p, extent)) for p in found])
        if doc_ids is not None:
            among = self._among(connection, filling, last_row, doc_ids)[rows]
            rows, scores = rows[among], scores[among]
        return _named(connection, best(rows, scores, k))

    def _postings(
        self, connection: sqlite3.Connection, word: str, extent: Extent, kept: KeptPostings
    ) -> Postings:
        known = kept.get(word)
        if known.upto < extent.last_row:
            tokens = self._cut(word) if known is NO_POSTINGS else []
            if len(tokens) == 1:
                known = _instances(connection, tokens[0], extent.last_row)
            else:
                known = self._matches(connection, word, known, extent)
            kept.put(word, known, extent.passages)
        return known.until(extent.last_row)

    def _matches(
        self, connection: sqlite3.Connection, word: str, known: Postings, extent: Extent
    ) -> Postings:
        """Read the rows that came after those known, by what bm25() says of them.

        A microsecond for each, where `_instances` takes a fifth of that; but it does for words
        that FTS5 cuts in several, and need not begin at the first row.
        """
        found = connection.execute(
            "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? AND rowid > ?",
            (f'"{word}"', known.upto),
        ).fetchall()
        rows = np.fromiter((row for row, _ in found), np.int32, len(found))
        scores = np.fromiter((score for _, score in found), np.float64, len(found))
        weight = idf(len(known.rows) + len(rows), extent.passages)
        counts = counts_of(rows, scores, weight, extent)
        return known.and_then(rows, counts, extent.last_row)

    def _lengths_of(self, connection: sqlite3.Connection, filling: str, last_row: int) -> Numbers:
        with self._reading:
            known = self._lengths if self._lengths.filling == filling else _Rows(filling)
            first = len(known.values)
            if first <= last_row:
                more = np.zeros(last_row + 1 - first, np.int32)
                for row, sizes in connection.execute(
                    "SELECT id, sz FROM words_docsize WHERE id >= ?", (first,)
                ):
                    more[row - first] = _total(sizes)
                known = self._lengths = _Rows(filling, np.concatenate([known.values, more]))
            return known.values

    def _among(
        self,
        connection: sqlite3.Connection,
        filling: str,
        last_row: int,
        doc_ids: Collection[str],
    ) -> NDArray[np.bool_]:
        """Return which rows are of the documents given."""
        with self._reading:
            known = self._owners
            if known.filling != filling:
                known, self._documents = _Rows(filling), {}
            first = len(known.values)
            if first <= last_row:
                more = np.zeros(last_row + 1 - first, np.int32)
                for row, doc_id in connection.execute(
                    "SELECT row, doc_id FROM rows WHERE row >= ?", (first,)
                ):
                    more[row - first] = self._documents.setdefault(doc_id, len(self._documents))
                known = self._owners = _Rows(filling, np.concatenate([known.values, more]))
            wanted = np.zeros(max(len(self._documents), 1), np.bool_)
            wanted[[self._documents[one] for one in doc_ids if one in self._documents]] = True
        among: NDArray[np.bool_] = wanted[known.values]
        return among

    def _cut(self, word: str) -> list[str]:
        """Return the words that FTS5 makes of one, stemmed."""
        with self._cutting:
            if self._cutter is None:
                self._cutter = sqlite3.connect(
                    ":memory:", isolation_level=None, check_same_thread=False
                )
                for statement in _CUTTER:
                    self._cutter.execute(statement)
            self._cutter.execute("BEGIN")
            self._cutter.execute("INSERT INTO words VALUES (?)", (word,))
            found = self._cutter.execute("SELECT term FROM instances").fetchall()
            self._cutter.execute("ROLLBACK")
        return [row[0] for row in found]


def _instances(connection: sqlite3.Connection, token: str, last_row: int) -> Postings:
    # As one string: to fetch a Python number for each would take thrice as long.
    found = connection.execute(
        "SELECT group_concat(doc) FROM instances WHERE term = ?", (token,)
    ).fetchone()[0]
    if found is None:
        return Postings(NO_POSTINGS.rows, NO_POSTINGS.counts, last_row)
    every = np.fromstring(found, dtype=np.int32, sep=",")  # ascending, a row for each time
    firsts = np.flatnonzero(np.diff(every, prepend=0))
    counts = np.diff(firsts, append=len(every))
    return Postings(every[firsts], counts.astype(np.int32), last_row)


def _named(
    connection: sqlite3.Connection, ranked: Sequence[tuple[int, float]]
) -> list[tuple[str, float]]:
    names = dict(
        connection.execute(
            "SELECT row, passage_id FROM rows WHERE row IN (SELECT value FROM json_each(?))",
            (json.dumps([row for row, _ in ranked]),),
        ).fetchall()
    )
    return [(names[row], score) for row, score in ranked]


@functools.lru_cache(maxsize=4096)
def _total(sizes: bytes) -> int:
    return sum(_varints(sizes))


def _varints(data: bytes) -> list[int]:
    """Read SQLite's variable-length integers, of which all below 2**56 have seven bits a byte."""
    values, value = [], 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            values.append(value)
            value = 0
    return values
