"""BM25 as a sum over words: the scores are FTS5's own, whatever was kept in memory before."""

from __future__ import annotations

import math
import random
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from rag.store.bm25 import _varints
from rag.store.lexical import LexicalIndex
from rag.store.postings import Extent, KeptPostings, Postings, best, counts_of, idf, summed, worth


@pytest.fixture
def lexical(catalog, tmp_path):
    index = LexicalIndex(tmp_path / "lexical.sqlite3", catalog.store_id)
    yield index
    index.close()


def follow(index, catalog):
    index.apply(catalog.changes(index.applied, limit=1000))


def by_fts5(path, words, k):
    """Rank as FTS5 does."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT r.passage_id, -bm25(words) AS score FROM words "
            "JOIN rows r ON r.row = words.rowid WHERE words MATCH ? "
            "ORDER BY score DESC, words.rowid LIMIT ?",
            (" OR ".join(f'"{word}"' for word in words), k),
        ).fetchall()


# A word of three, one that FTS5 cuts in two, one of a script whose words it cuts, a word in all.
VOCABULARY = (
    "talks",
    "protocol",
    "geneva",
    "t_shirt",
    "shirt",
    "जिनेवा",
    "प्रोटोकॉल",
    "1990",
    "every",
)
QUERIES = (
    "geneva protocol",
    "talk every t_shirt",
    "shirt talking 1990",
    "जिनेवा प्रोटोकॉल geneva",
    "every",
    "unknown geneva",
)


def lines(seed, count):
    draw = random.Random(seed)
    return "\n".join(
        f"Number {seed} {line}, every " + " ".join(draw.choices(VOCABULARY, k=draw.randrange(1, 9)))
        for line in range(count)
    )


def expect_as_fts5(index, path):
    for query in QUERIES:
        for k in (3, 1000):
            expected = by_fts5(path, query.split(), k)
            found = index.search(query, k)
            assert [i for i, _ in found] == [i for i, _ in expected]
            assert [s for _, s in found] == pytest.approx([s for _, s in expected], rel=1e-12)


class TestScoresAreThoseOfFts5:
    def test_at_first_and_again(self, catalog, put, lexical, tmp_path):
        for number in range(5):
            put(f"d{number}", lines(number, 12), title="The t_shirt" if number % 2 else "")
        follow(lexical, catalog)
        expect_as_fts5(lexical, tmp_path / "lexical.sqlite3")
        expect_as_fts5(lexical, tmp_path / "lexical.sqlite3")

    def test_after_passages_have_come_and_gone(self, catalog, put, lexical, tmp_path):
        path = tmp_path / "lexical.sqlite3"
        reader = LexicalIndex(path, catalog.store_id, owner=False)
        for number in range(3):
            put(f"d{number}", lines(number, 6))
            follow(lexical, catalog)
            expect_as_fts5(lexical, path)  # the words known, with the rows that came since
            expect_as_fts5(reader, path)
        catalog.remove(["d2"])  # the last rows: what comes next must not be taken for them
        follow(lexical, catalog)
        expect_as_fts5(lexical, path)
        put("d1", lines(11, 6))
        put("d3", lines(13, 6))
        follow(lexical, catalog)
        expect_as_fts5(lexical, path)
        expect_as_fts5(reader, path)
        catalog.remove(["d0", "d1", "d3"])
        follow(lexical, catalog)
        assert lexical.search("geneva every", 5) == []
        reader.close()

    def test_after_it_was_begun_again(self, catalog, put, lexical, tmp_path):
        put("d0", lines(0, 6))
        follow(lexical, catalog)
        put("d0", lines(1, 9))
        follow(lexical, catalog)
        expect_as_fts5(lexical, tmp_path / "lexical.sqlite3")
        lexical.reset()
        assert lexical.search("geneva every", 5) == []
        lexical.apply(catalog.changes(0, limit=1000))
        expect_as_fts5(lexical, tmp_path / "lexical.sqlite3")


def test_a_reader_finds_in_their_documents_what_everybody_finds_there(catalog, put, lexical):
    for number in range(9):
        put(f"d{number}", lines(number, 5))
    follow(lexical, catalog)
    mine = frozenset({"d1", "d4", "d8", "elsewhere"})
    everybody = [hit for hit in lexical.search("geneva talks every", 1000) if hit[0][:2] in mine]
    assert lexical.search("geneva talks every", 1000, mine) == everybody
    assert lexical.search("geneva talks every", 4, mine) == everybody[:4]
    assert lexical.search("geneva talks every", 4, {"elsewhere"}) == []
    put("d9", lines(9, 5))
    follow(lexical, catalog)
    now_mine = {i.partition("/")[0] for i, _ in lexical.search("every", 1000, mine | {"d9"})}
    assert now_mine == {"d1", "d4", "d8", "d9"}


def test_a_word_is_read_once_and_then_only_where_rows_came(catalog, put, lexical):
    put("d0", lines(0, 6))
    follow(lexical, catalog)
    lexical.search("geneva", 5)
    known = lexical._bm25._kept.get("geneva")
    lexical.search("geneva every", 5)
    assert lexical._bm25._kept.get("geneva") is known
    put("d1", lines(1, 6))
    follow(lexical, catalog)
    lexical.search("geneva", 5)
    longer = lexical._bm25._kept.get("geneva")
    assert longer.upto == 12
    assert longer.rows[: len(known.rows)].tolist() == known.rows.tolist()
    catalog.remove(["d1"])
    follow(lexical, catalog)
    lexical.search("every", 5)
    assert len(lexical._bm25._kept.get("geneva").rows) == 0  # what had it may be gone


class TestArithmetic:
    extent = Extent(4, 4, 40, np.array([0, 10, 10, 10, 10], np.int32))

    def test_a_word_counts_by_how_few_have_it(self):
        assert idf(1, 4) == pytest.approx(math.log(3.5 / 1.5))
        assert idf(3, 4) == 1e-6  # more than half: never nothing, never less

    def test_what_a_word_is_worth_where_it_stands_twice(self):
        postings = Postings(np.array([3], np.int32), np.array([2], np.int32), 4)
        # Of average length, so 2 x 2.2 / (2 + 1.2).
        expected = math.log(3.5 / 1.5) * 4.4 / 3.2
        assert worth(postings, self.extent) == pytest.approx([expected])

    def test_counts_come_back_from_scores(self):
        rows, counts = np.array([1, 2, 4], np.int32), np.array([1, 7, 300], np.int32)
        scores = worth(Postings(rows, counts, 4), self.extent)
        assert counts_of(rows, scores, idf(3, 4), self.extent).tolist() == [1, 7, 300]

    @pytest.mark.parametrize("last", [9, 90_000])  # a table of all rows, and sorted
    def test_words_are_summed_by_row(self, last):
        first = (np.array([2, last], np.int32), np.array([1.0, 2.0]))
        second = (np.array([2, 5], np.int32), np.array([0.5, 0.25]))
        rows, scores = summed([first, second])
        assert (rows.tolist(), scores.tolist()) == ([2, 5, last], [1.5, 0.25, 2.0])

    def test_the_best_come_first_and_ties_in_order_of_entry(self):
        rows, scores = np.array([1, 2, 3, 4, 5], np.int32), np.array([1.0, 2.0, 1.0, 3.0, 1.0])
        assert best(rows, scores, 3) == [(4, 3.0), (2, 2.0), (1, 1.0)]
        assert best(rows, scores, 9)[2:] == [(1, 1.0), (3, 1.0), (5, 1.0)]

    def test_whole_numbers_of_sqlite(self):
        # 300 is 2 x 128 + 44; 16,384 is 128 x 128.
        assert _varints(bytes([5, 0x82, 44, 0x81, 0x80, 0])) == [5, 300, 16_384]


class TestKept:
    def postings(self, rows):
        return Postings(np.arange(1, rows + 1, dtype=np.int32), np.ones(rows, np.int32), rows)

    def test_the_word_asked_for_longest_ago_goes_first(self):
        kept = KeptPostings("name")
        for word in ("a", "b", "c"):
            kept.put(word, self.postings(400_000), 10)
            kept.get("a")
        assert [len(kept.get(word).rows) for word in "abc"] == [400_000, 0, 400_000]

    def test_a_word_put_again_counts_once(self):
        kept = KeptPostings("name")
        kept.put("a", self.postings(10), 10)
        for _ in range(5):
            kept.put("b", self.postings(400_000), 10)
        assert len(kept.get("a").rows) == 10

    def test_more_passages_keep_more(self):
        kept = KeptPostings("name")
        for word in ("a", "b", "c"):
            kept.put(word, self.postings(400_000), 50_000)  # 1.6 million
        assert len(kept.get("a").rows) == 400_000

    def test_an_earlier_state_does_not_see_later_rows(self):
        assert self.postings(9).until(4).rows.tolist() == [1, 2, 3, 4]
