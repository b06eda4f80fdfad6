"""Evidence without a trained reader: which sentences count, and how they are scored."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.answering.reading.evidence import Evidence, Likeness, SimilarityEvidence, in_order
from rag.answering.text.candidates import candidates, is_date, is_fragment
from rag.answering.text.features import NAMES, expected_kind, features
from rag.types import Hit, Passage

TEXT = "Breaking News\n\nThe rain fell all night.\n\nThe mayor opened the new bridge in 1990."


def hit(text: str, rank: int = 1, *, start: int = 0, title: str = "", section: str = "") -> Hit:
    passage = Passage(
        f"p{rank}", f"d{rank}", text, start, start + len(text), title, "a.txt", section=section
    )
    return Hit(passage, 1 / rank, rank)


class CountsOf:
    """Embeds text as the unit vector of how often each known word occurs."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self.embed_query(text) for text in texts], dtype=np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        found = [1e-9, *(float(text.lower().count(word)) for word in self._words)]
        return np.array(found, dtype=np.float32) / np.float32(np.linalg.norm(found))


COSINE_ONLY = Likeness((1.0,) + (0.0,) * (len(NAMES) - 1), slope=2.0, intercept=-1.0)


@pytest.mark.parametrize(
    "text",
    [
        "Breaking News",
        "Leave a Reply",
        "Large Medium Small",
        "US, China Trade Accusations on Human Rights",
        "Sharing is caring!",
        "By Patrick Mattimore (",
        "",
    ],
)
def test_leftovers_are_fragments(text: str) -> None:
    assert is_fragment(text)


@pytest.mark.parametrize(
    "text",
    [
        "The rain fell all night.",
        "“We oppose any interference,” he said.”",
        "Translated By Pak Ng",
        "28 April 2011",
        "Updated: 2011-05-09 13:27",
        "The minister will answer questions",
        "他们昨天在北京举行了会谈。",
    ],
)
def test_statements_are_not(text: str) -> None:
    assert not is_fragment(text)


def test_candidates_have_offsets_of_the_document_and_no_headings() -> None:
    found = candidates([hit(TEXT, start=50)])
    assert [one.text for one in found] == [
        "The rain fell all night.",
        "The mayor opened the new bridge in 1990.",
    ]
    assert (found[0].start, found[0].end) == (65, 89)


def test_a_title_or_section_repeated_in_the_text_is_no_candidate() -> None:
    text = "Both can learn from talks.\n\nHow it all was started\n\nThe talks go on this week."
    found = candidates(
        [hit(text, title="Both can learn from talks", section="Part › How it all was started")]
    )
    assert [one.text for one in found] == ["The talks go on this week."]


def test_a_sentence_of_two_overlapping_passages_counts_once() -> None:
    text = "The rain fell all night. The mayor slept very well."
    first = Passage("p1", "doc", text, 0, 51, "", "a.txt")
    second = Passage("p2", "doc", text[25:], 25, 51, "", "a.txt")
    found = candidates([Hit(first, 1.0, 1), Hit(second, 0.5, 2)])
    assert [(one.hit.rank, one.start) for one in found] == [(1, 0), (1, 25)]


def test_scores_by_cosine_and_calibrates_the_best() -> None:
    finder = SimilarityEvidence(CountsOf("bridge", "rain"), COSINE_ONLY)
    best, second = finder.find("the bridge", [hit(TEXT)])
    assert best.text == "The mayor opened the new bridge in 1990."
    assert best.score == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)  # cosine 1: 2 * 1 - 1
    assert second.score == pytest.approx(best.score * math.exp(-1), abs=1e-6)  # cosine 0
    assert best.span is None


def test_a_bare_date_answers_only_when_a_date_is_asked_for() -> None:
    finder = SimilarityEvidence(CountsOf("april"), COSINE_ONLY)
    dated = hit("28 April 2011\n\nThe talks in Beijing go on.")
    assert [e.text for e in finder.find("When in April was it published?", [dated])] == [
        "28 April 2011",
        "The talks in Beijing go on.",
    ]
    assert [e.text for e in finder.find("What happened in April?", [dated])] == [
        "The talks in Beijing go on."
    ]


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("28 April 2011", True),
        ("Updated: 2011-05-09 13:27", True),
        ("Mon, 3 Sept. 2012, 4 pm", True),
        ("28 people", False),
        ("May it rain", False),
        ("Version 2", False),
    ],
)
def test_is_date(text: str, only: bool) -> None:
    assert is_date(text) is only


def test_nothing_worth_quoting_is_no_evidence() -> None:
    finder = SimilarityEvidence(CountsOf("rain"), COSINE_ONLY)
    assert finder.find("rain", [hit("Breaking News")]) == []
    assert finder.find("rain", []) == []


def test_ties_go_to_the_higher_hit_then_the_earlier_sentence() -> None:
    text = "Rain fell on Monday night. Rain fell on Tuesday night."
    finder = SimilarityEvidence(CountsOf("rain"), COSINE_ONLY)
    found = finder.find("rain", [hit(text, 1), hit(text, 2)])
    assert [(one.hit.rank, one.start) for one in found] == [(1, 0), (1, 27), (2, 0), (2, 27)]
    assert in_order(reversed(found)) == found


def test_span_text_is_the_documents() -> None:
    one = Evidence(hit(TEXT, start=50), 65, 89, 0.5, (69, 73))
    assert (one.text, one.span_text) == ("The rain fell all night.", "rain")


def test_features_by_hand() -> None:
    found = candidates([hit("Cats sleep all day. Dogs bark all night long.", title="Pets")])
    rows = features("When do dogs bark?", found, np.array([0.1, 0.7], dtype=np.float32))
    columns = dict(zip(NAMES, rows.T, strict=True))
    assert columns["cosine of question and sentence"] == pytest.approx([0.1, 0.7])
    assert columns["cosine of question and passage's best sentence"] == pytest.approx([0.7, 0.7])
    assert columns["share of the question's rare words in the sentence"].tolist() == [0, 1]
    assert columns["share of them in the sentence or its neighbours"].tolist() == [1, 1]
    assert columns["the expected kind of answer is missing"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("query", "sentence", "expected"),
    [
        ("When did it begin?", "It began in 1990.", True),
        ("When did it begin?", "It began at noon.", False),
        ("How many people came?", "Dozens of people came.", True),
        ("How many people came?", "People came.", False),
        ("Who led the talks?", "The talks were led by Anna Berg.", True),
        ("Who is Anna Berg?", "There Anna Berg spoke.", False),
        ("Why did it end?", "It ended because of rain.", True),
        ("What did they say?", "They said nothing.", None),
    ],
)
def test_expected_kind(query: str, sentence: str, expected: bool | None) -> None:
    assert expected_kind(query, sentence) is expected
