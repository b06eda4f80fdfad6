"""Agreement of claim and evidence, by hand."""

from __future__ import annotations

import math

import pytest

from rag.answering.checking.agreement import (
    NAMES,
    Stems,
    agreement,
    choose,
    coverage,
    in_order,
    negations,
)
from rag.answering.text.claims import content_words

SAID = "China asked Washington in 1990 not to raise single cases."


def columns(claim: str, *window: str, around: str = "") -> dict[str, float]:
    found = agreement(
        content_words(claim), [content_words(one) for one in window], content_words(around)
    )
    return dict(zip(NAMES, found, strict=True))


def test_a_sentence_agrees_with_itself():
    found = columns(SAID, SAID)
    assert [found[name] for name in NAMES[:9]] == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert found["share of the claim's words in order in the evidence"] == 1
    assert found["logarithm of the number of words"] == math.log(8)  # seven content words


def test_names_and_numbers_weigh_double():
    # washington 2, 1990 2, ask 1, rais 1 of a total that has banana 1 as well
    claim = content_words("They asked Washington to raise bananas in 1990.")
    assert coverage(claim, content_words(SAID)) == pytest.approx(6 / 7)


def test_a_number_that_only_the_title_has_is_missing_in_the_evidence():
    found = columns("They met in 1990.", "They met there.", around="Talks of 1990")
    assert found["numbers and dates missing in the evidence, at most 2"] == 1
    assert found["numbers and dates missing in the passage, at most 2"] == 0


def test_a_wrong_name_is_missing():
    found = columns("They asked Geneva.", SAID)
    assert found["names missing in the passage, at most 2"] == 1


def test_a_country_and_its_people_are_one_name():
    assert content_words("for Chinese envoys")[0] in Stems(content_words("in China"))


@pytest.mark.parametrize(
    ("claim", "differ"),
    [
        ("China asked Washington to raise single cases.", 2),
        ("China did not ask Washington in 1990.", 2),
        ("China asked Washington not to raise single cases.", 0),
        ("China asked for tea.", 0.5),
    ],
)
def test_negations_are_compared_word_by_word(claim, differ):
    assert negations(content_words(claim), content_words(SAID)) == differ


def test_an_opposite_counts_when_the_word_itself_is_not_there():
    name = "words that the evidence has the opposite of, at most 2"
    assert columns("prices were rising", "prices were falling")[name] == 1
    assert columns("prices were rising", "prices were rising and falling")[name] == 0


def test_the_fewest_sentences_that_hold_the_claim_are_chosen():
    said = ["It rained a lot in May 1990.", "Nothing happened.", "Posner met Chen.", "Chen left."]
    claim = content_words("Posner met Chen in May 1990.")
    assert choose(claim, [content_words(one) for one in said]) == [2, 0]
    assert choose(claim, [content_words("Nothing happened.")]) == []


def test_words_in_order():
    words = content_words("apple pear plum fig")
    assert in_order(words, content_words("pear apple plum quince fig")) == 3
