"""What a sentence claims: numbers by value, names by what they share, negations by their reach."""

from __future__ import annotations

import pytest

from rag.answering.text.claims import content_words, date_words, is_claim, stem


def numbers(text: str) -> list[str]:
    return [word.stem for word in content_words(text) if word.kind == "number"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("It has 1,200 rooms.", ["1200"]),
        ("It cost $45 million, not 4.5 billion.", ["45000000", "4500000000"]),
        ("There were twenty-five of them and three hundred others.", ["25", "300"]),
        ("on May 26, 2010", ["may", "26", "2010"]),
        ("on 26 Sept. 2010", ["26", "september", "2010"]),
        ("the 1990s and the 21st century", ["1990", "21"]),
        ("He may come in March or march on.", ["march"]),
        ("one of them", []),
        ("5k and 5,000", ["5000", "5000"]),
    ],
)
def test_numbers_and_dates_are_compared_by_value(text, values):
    assert numbers(text) == values


def test_a_documents_date_has_a_month_by_name():
    assert [word.stem for word in date_words("2010-05-26")] == ["2010", "26", "may"]
    assert [word.stem for word in date_words("2012-07")] == ["2012", "july"]
    assert [word.stem for word in date_words("July 2012")] == ["july", "2012"]


def test_names_stand_with_a_capital_and_are_sure_inside_a_sentence():
    words = content_words("Talks began when Posner met the U.S. delegation.")
    assert [(w.stem, w.kind, w.sure) for w in words] == [
        ("talk", "name", False),
        ("began", "word", True),
        ("posner", "name", True),
        ("met", "word", True),
        ("americ", "name", True),
        ("delega", "word", True),
    ]


@pytest.mark.parametrize("name", ["US", "U.S.", "USA", "the United States", "American"])
def test_one_country_by_all_its_names(name):
    assert next(word.stem for word in content_words(f"by {name} envoys")) == "americ"


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("The talks did not begin on time.", ["begin", "tim"]),
        ("China doesn't want talks.", ["want", "talk"]),
        ("Without pressure, talks go on.", ["pressu"]),
        ("It was not only large.", []),
        ("It was large.", []),
    ],
)
def test_a_negation_reaches_to_the_end_of_its_clause(text, negated):
    found = [word.stem for word in content_words(text) if word.negated]
    assert found == negated


def test_forms_of_a_word_share_a_stem():
    assert {stem("criticized"), stem("criticizing"), stem("criticizes")} == {"critic"}
    assert stem("planned") == stem("plan") == "plan"
    assert stem("countries") == stem("country") == "countr"


def test_chinese_is_compared_by_pairs():
    assert [word.stem for word in content_words("北京会")] == ["北京", "京会"]


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("It rained for days.", True),
        ("They met Posner.", True),
        ("In 1990:", True),
        ("Yes.", False),
        ("These are the main points:", False),
        ("Does that help you further?", False),
        ("…", False),
    ],
)
def test_what_claims_something(sentence, claims):
    assert is_claim(sentence) is claims
