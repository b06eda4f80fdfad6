"""How a question is taken apart, and what is known of each earlier word."""

from __future__ import annotations

import pytest

from rag.answering.question.salience import FEATURES, LEANING, STANDING, candidates, read, stem_of


def test_content_words_names_and_objects_of_a_question():
    said = read("What did Chen Xu say about the price of honey?")
    assert list(said.words.values()) == ["Chen", "Xu", "price", "honey"]
    assert said.names == {"chen", "xu"}
    assert said.after_of == {"price", "honey"}
    assert not said.leans


@pytest.mark.parametrize(
    "text",
    ["When did it begin?", "What about flights?", "and flights?", "Why?", "Are there others?"],
)
def test_pronouns_and_ellipsis_lean_on_what_came_before(text):
    assert read(text).leans


@pytest.mark.parametrize("text", ["When did talks begin?", "Why do bees die?", "Andorra's size"])
def test_a_whole_question_does_not_lean(text):
    assert not read(text).leans


def test_plural_and_possessive_share_a_stem():
    assert stem_of("sharks") == stem_of("Shark's") == stem_of("shark")
    assert stem_of("policies") != stem_of("police")


def test_features_by_hand():
    turns = [read("What is honey?"), read("Do bees like it?")]
    found = dict(candidates(read("Who sells Norwegian jars?"), turns))
    assert list(found) == ["honey", "bees"]
    assert dict(zip(FEATURES, found["honey"], strict=True)) == {
        "constant": 1.0,
        "in the first question": 1.0,
        "in the last question": 0.0,
        "1 / turns ago": 0.5,
        "further mentions, at most 2": 0,
        "a name": 0.0,
        "after of, about, for, in, on or with": 0.0,
        "its last question points back itself": 0.0,
        "new subjects since, at most 3": 0,
        "content words of its last question / 6": 1 / 6,
        "content words of this question / 5": 3 / 5,
        "new names in this question, at most 2": 1,
        "words of this question known from before, at most 2": 0,
    }
    assert found["bees"][FEATURES.index("its last question points back itself")] == 1.0


def test_every_feature_has_its_weights():
    assert len(FEATURES) == len(STANDING) == len(LEANING)


def test_words_of_the_question_itself_are_no_candidates():
    assert candidates(read("More honey?"), [read("What is honey?")]) == []
