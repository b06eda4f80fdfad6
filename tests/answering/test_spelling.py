"""Misspelt words of a question, and what the passages found for it say instead."""

from __future__ import annotations

import pytest

from rag.answering.question.spelling import respelled, slips
from rag.types import Hit, Passage


def hits(*texts: str, title: str = "A trip to Russia") -> list[Hit]:
    return [
        Hit(Passage(f"p{rank}", "doc", text, 0, len(text), title, "a.txt"), 1 / rank, rank)
        for rank, text in enumerate(texts, start=1)
    ]


FOUND = hits(
    "The delegation was led by Anna Mattimore. Rosenzweig wrote which policy China opposed.",
    "The warranty of the pump covers the kestrel. The wart on the wall is not covered.",
)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("Who led the delegaton?", "Who led the delegation?"),  # a letter too few
        ("who was Anna Matttimore", "who was Anna Mattimore"),  # one too many
        ("Who is Rosensweig?", "Who is Rosenzweig?"),  # another one
        ("what about the pupm", "what about the pump"),  # two that changed places
        ("WHAT ABOUT THE DELEGATOIN", "WHAT ABOUT THE DELEGATION"),
        ("the delagatoin", "the delegation"),  # two slips in a long word
        ("When was the trip to Rusia?", "When was the trip to Russia?"),  # of the title
        ("wich pump", "which pump"),  # a word of questions wins over "with"
        ("what did chna oppose", "what did china oppose"),
    ],
)
def test_a_misspelt_word_becomes_that_of_the_passages(query: str, meant: str) -> None:
    assert respelled(query, FOUND) == meant


@pytest.mark.parametrize(
    "query",
    [
        "Who led the delegation?",
        "What does the kestrel cover?",  # unknown to the models, but it stands there
        "What is a pulp?",  # a word like another, but one
        "Who is the xump?",  # the first letter is hardly ever wrong
        "the wrnt",  # two slips in a short word
        "the pum",  # too short to tell
        "What is a DELEGATON?",  # an abbreviation, perhaps
        'Who wrote "the delegaton"?',  # quoted as it is
        "Who is anna@delegaton.org, of delegaton7 and /delegaton?",
        "Wie hoch ist die Kaution?",
        "",
        "?",
    ],
)
def test_anything_else_stays(query: str) -> None:
    assert respelled(query, FOUND) == query


def test_a_tie_goes_to_the_word_that_is_said_more_often() -> None:
    assert respelled("Who is Karlsin?", hits("Karlson met Karlsan and Karlsan.")) == (
        "Who is Karlsan?"
    )


def test_without_passages_nothing_is_known_to_be_meant() -> None:
    assert respelled("Who led the delegaton?", []) == "Who led the delegaton?"


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("pump", "pump", 0),
        ("pump", "pumps", 1),
        ("pump", "pimp", 1),
        ("pump", "pupm", 1),
        ("kitten", "sitten", 1),
        ("kitten", "sitting", 3),  # two others and one more: counted up to 2 + 1
        ("ca", "abc", 3),  # what changed places stays where it is
        ("a", "abcd", 3),
    ],
)
def test_slips(one: str, other: str, count: int) -> None:
    assert slips(one, other, 2) == slips(other, one, 2) == count
