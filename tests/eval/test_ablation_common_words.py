"""The shortcuts that BM25 does without, by hand; and what FTS5's own ranking is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.ablation_common_words import _left_out, _proposed
from eval.ablation_words import ranked_by_fts5
from rag.store.lexical import LexicalIndex
from rag.store.records import Changes
from rag.types import Passage

HAVING = np.array([300, 40, 20, 100])  # the passages that have each of four words, of 1,000


def test_words_above_a_share_are_left_out_unless_all_are():
    assert _left_out(HAVING, 1000, 0.1)[0].tolist() == [False, True, True, True]
    assert _left_out(HAVING, 1000, 0.01)[0].tolist() == [False, False, True, False]
    assert _left_out(HAVING, 1000, 1.0)[1].all()


def test_the_rarest_words_propose_until_they_have_enough():
    # 20, 60 and 160 passages so far: 16 % are allowed, the fourth word would make 460.
    proposing, counted = _proposed(HAVING, 1000, 0.16)
    assert proposing.tolist() == [False, True, True, True]
    assert counted.all()
    # 1 % allows none, but 50 passages have to be found: two words.
    assert _proposed(HAVING, 1000, 0.01)[0].tolist() == [False, True, True, False]


def test_fts5_ranks_by_its_own_bm25(tmp_path):
    texts = ("apple pear", "apple plum", "fig fig", "fig plum", "plum fig")
    passages = tuple(
        Passage(f"p{number}", "d", text, 0, len(text), title="", source="d")
        for number, text in enumerate(texts)
    )
    index = LexicalIndex(tmp_path / "lexical.sqlite3", "test")
    index.apply(Changes(1, (), passages, np.zeros((0, 0), np.float32)))
    found = ranked_by_fts5(tmp_path / "lexical.sqlite3", ["apple", "pear"], 9)
    index.close()
    # All have two words, so a word that stands once counts its idf x 2.2 / (1 + 1.2).
    apple, pear = math.log(3.5 / 2.5), math.log(4.5 / 1.5)
    assert found == [("p0", pytest.approx(apple + pear)), ("p1", pytest.approx(apple))]
