"""Which words count, and by how much."""

from __future__ import annotations

import pytest

from rag.answering.text.words import coverage, weighted_words


def test_numbers_weigh_double_and_function_words_nothing():
    assert weighted_words("The talks of 2010") == {"talks": 1.0, "2010": 2.0}


def test_a_stem_is_six_letters_long():
    assert weighted_words("Responded") == weighted_words("responding") == {"respon": 1.0}


def test_chinese_counts_pairs_of_characters():
    assert weighted_words("人权对话") == {"人权": 1.0, "权对": 1.0, "对话": 1.0}
    assert weighted_words("人") == {"人": 1.0}


def test_coverage_is_the_share_of_a_claims_words_by_weight():
    assert coverage("Wang led talks", "The talks of Wang") == pytest.approx(2 / 3)
    assert coverage("talks in 2010", "in 2010") == pytest.approx(2 / 3)
    assert coverage("of the", "of the") == 0.0
