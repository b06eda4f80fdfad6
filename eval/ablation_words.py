"""BM25 with its parts exposed, over the words as SQLite's FTS5 cuts them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rag.types import Passage

SHIPPED_TOKENS = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mc'"

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """How often each word stands in the context and in the text of each passage.

    Both matrices are `(passages, words)`; `numbers` gives the column of a word.
    """

    tokens: str
    context: sparse.csr_matrix
    text: sparse.csr_matrix
    numbers: dict[str, int]

    @classmethod
    def of(cls, passages: Sequence[Passage], tokens: str = SHIPPED_TOKENS) -> Words:
        """Count the words of passages under a tokenizer of FTS5."""
        found = _instances([(p.context, p.text) for p in passages], tokens)
        numbers = {word: number for number, word in enumerate(sorted({w for w, _, _ in found}))}
        shape = (len(passages), len(numbers))
        counts = {}
        for column in ("context", "text"):
            cells = [(row, numbers[word]) for word, row, where in found if where == column]
            index = np.array(cells, dtype=np.int64).reshape(-1, 2).T
            counts[column] = sparse.csr_matrix((np.ones(len(cells)), (index[0], index[1])), shape)
        return cls(tokens, counts["context"], counts["text"], numbers)

    def queries(self, texts: Sequence[str], leave_out: frozenset[str]) -> sparse.csr_matrix:
        """Return which words each query has, `(texts, words)`, as the lexical index reads it."""
        kept = [" ".join(telling(text, leave_out)) for text in texts]
        cells = {
            (row, self.numbers[word])
            for word, row, _ in _instances([("", text) for text in kept], self.tokens)
            if word in self.numbers
        }
        index = np.array(sorted(cells), dtype=np.int64).reshape(-1, 2).T
        shape = (len(texts), len(self.numbers))
        return sparse.csr_matrix((np.ones(len(cells)), (index[0], index[1])), shape)

    def bm25(
        self, context_weight: float = 1.0, k1: float = 1.2, b: float = 0.75
    ) -> sparse.csr_matrix:
        """Return what each word is worth in each passage, `(passages, words)`, as FTS5 has it."""
        lengths = np.asarray((self.context + self.text).sum(axis=1)).ravel()
        held = np.asarray(((self.context + self.text) > 0).sum(axis=0)).ravel()
        idf = np.log((len(lengths) - held + 0.5) / (held + 0.5))
        idf = np.where(idf > 0, idf, 1e-6)
        counts = (context_weight * self.context + self.text).tocoo()
        norm = k1 * (1 - b + b * lengths / lengths.mean())
        value = counts.data * (k1 + 1) / (counts.data + norm[counts.row]) * idf[counts.col]
        return sparse.csr_matrix((value, (counts.row, counts.col)), counts.shape)


def telling(text: str, leave_out: frozenset[str]) -> list[str]:
    """Return the words of a query without those to leave out, unless there are no others."""
    words = list(dict.fromkeys(re.findall(r"\w+", text.lower())))
    return [word for word in words if word not in leave_out] or words


def rm3(
    weights: sparse.csr_matrix,
    counts: sparse.csr_matrix,
    queries: sparse.csr_matrix,
    *,
    passages: int = 10,
    words: int = 10,
    share: float = 0.5,
) -> Scores:
    """Search again with the words of the best passages added: `(queries, passages)` scores.

    RM3 (Abdul-Jaleel et al. 2004): `share` of the new query's weight stays with the old one.
    """
    first: Scores = (queries @ weights.T).toarray()
    likely = sparse.diags(1 / np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)) @ counts
    expanded = []
    for row, scores in enumerate(first):
        best = np.argsort(-scores, kind="stable")[:passages]
        model = np.asarray(sparse.csr_matrix(scores[best]) @ likely[best].tocsr().todense()).ravel()
        model[np.argsort(-model)[words:]] = 0
        old = queries[row].toarray().ravel()
        expanded.append(share * old / max(old.sum(), 1) + (1 - share) * model / (model.sum() or 1))
    again: Scores = (sparse.csr_matrix(np.array(expanded)) @ weights.T).toarray()
    return again


def _instances(rows: Sequence[tuple[str, str]], tokens: str) -> list[tuple[str, int, str]]:
    """Return (word, row, column) for every word of the rows."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f'CREATE VIRTUAL TABLE t USING fts5(context, text, tokenize = "{tokens}")')
    connection.executemany(
        "INSERT INTO t (rowid, context, text) VALUES (?, ?, ?)",
        ((number, *row) for number, row in enumerate(rows)),
    )
    connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
    found = connection.execute("SELECT term, doc, col FROM v").fetchall()
    connection.close()
    return found


def ranked_by_fts5(path: Path, words: Sequence[str], k: int) -> list[tuple[str, float]]:
    """Rank a lexical index's passages by FTS5's own bm25(), any of the words matching."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
        found = connection.execute(
            "SELECT r.passage_id, -w.score FROM (SELECT rowid, bm25(words) AS score FROM words "
            "WHERE words MATCH ? ORDER BY score, rowid LIMIT ?) w "
            "JOIN rows r ON r.row = w.rowid ORDER BY w.score, w.rowid",
            (" OR ".join(f'"{word}"' for word in words), k),
        ).fetchall()
    return [(passage_id, score) for passage_id, score in found]
