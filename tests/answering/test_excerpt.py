"""The stretch of a passage where the question's words are, by hand."""

from __future__ import annotations

import pytest

from rag.answering.reading.excerpt import excerpt
from rag.answering.reading.marking import Wanted
from rag.answering.text.features import content_stems

RAIN = "The rain fell all night long."  # 29 characters, as have the others
HARBOUR = "The harbour was opened early."
CRANE = "A crane was bought in spring."
MAYOR = "The mayor is paid by the day."
TEXT = " ".join((RAIN, HARBOUR, CRANE, MAYOR))


def wanted(**weight: float) -> Wanted:
    stems = {stem: value for word, value in weight.items() for stem in content_stems(word)}
    return Wanted(stems, frozenset())


def cut(text: str, most_chars: int, **weight: float) -> str:
    start, end = excerpt(wanted(**weight), text, most_chars)
    return text[start:end]


def test_a_short_text_is_taken_whole() -> None:
    assert excerpt(wanted(crane=1.0), TEXT, len(TEXT)) == (0, 119)
    assert excerpt(wanted(crane=1.0), "", 10) == (0, 0)


@pytest.mark.parametrize(
    ("weight", "found"),
    [
        ({"mayor": 1.0}, f"{CRANE} {MAYOR}"),  # two fit into 60; none is better than the longest
        ({"rain": 1.0}, f"{RAIN} {HARBOUR}"),
        ({"harbour": 1.0, "crane": 1.0}, f"{HARBOUR} {CRANE}"),
        ({"rain": 1.0, "mayor": 2.0}, f"{CRANE} {MAYOR}"),  # both do not fit: the rarer
        ({"harbour": 1.0}, f"{RAIN} {HARBOUR}"),  # equals: the first
        ({}, f"{RAIN} {HARBOUR}"),
    ],
)
def test_most_of_the_weight_that_fits(weight: dict[str, float], found: str) -> None:
    assert cut(TEXT, 60, **weight) == found


def test_a_word_repeated_counts_a_little_more() -> None:
    again = f"{RAIN} {CRANE} {MAYOR} {CRANE} {CRANE}"
    assert excerpt(wanted(crane=1.0), again, 60) == (90, 149)


def test_a_sentence_that_is_too_long_is_taken_alone_and_whole() -> None:
    assert cut(TEXT, 10, crane=1.0) == CRANE
