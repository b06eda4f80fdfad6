"""Sentences checked against passages, with the weights that are shipped."""

from __future__ import annotations

import numpy as np
import pytest

from rag.answering.checking.agreement import NAMES
from rag.answering.checking.support import FITTED, SupportChecker
from rag.answering.citations import Draft, Quote
from rag.types import Hit, Passage

TALKS = (
    "The talks began in Washington on 13 May 2010. China asked the United States not to raise "
    "single cases. Nobody was surprised."
)
RUSSIA = "From Beijing, Posner went on to Russia. Mike McFaul led the delegation of 40 people."


class Alike:
    """Finds any two texts as alike as two that say the same: only the words decide."""

    def embed_passages(self, texts):
        return np.tile(np.array([1.0, 0.0], np.float32), (len(texts), 1))

    def embed_query(self, text):
        return self.embed_passages([text])[0]


def passage(name: str, text: str, title: str = "Diary", date: str = "") -> Passage:
    return Passage(name, name, text, 100, 100 + len(text), title, f"{name}.md", date=date)


HITS = [
    Hit(passage("talks", TALKS, date="2010-05-20"), 1.0, 1),
    Hit(passage("russia", RUSSIA), 0.5, 2),
]


def check(text: str, *cited: int):
    quotes = tuple(Quote(HITS[i - 1].passage, 100, 101) for i in cited)
    (found,) = SupportChecker(Alike()).check([Draft(text, quotes)], HITS)
    assert found.draft.support == found.support
    return found


def test_every_column_has_a_weight():
    assert len(FITTED.weights) == len(NAMES) + 1


def test_a_supported_sentence_quotes_exactly_what_supports_it():
    found = check("China asked the US not to raise single cases.", 1)
    assert found.support == "supported"
    (quote,) = found.draft.quotes
    assert quote.text == "China asked the United States not to raise single cases."
    assert not found.draft.moved


def test_two_sentences_may_support_one():
    found = check("In Washington, on 13 May 2010, China asked not to raise single cases.", 1)
    assert found.support == "supported"
    assert len(found.draft.quotes) == 2


@pytest.mark.parametrize(
    "text",
    [
        "The talks began in Washington on 13 May 2011.",
        "The talks began in Washington on 14 May 2010.",
        "The talks began in Geneva on 13 May 2010.",
        "The talks did not begin in Washington on 13 May 2010.",
        "China asked the United States to raise single cases.",
        "Russia asked the United States not to raise single cases.",
        "The costs were shared equally by both sides.",
    ],
)
def test_a_wrong_sentence_is_not_supported(text):
    assert check(text, 1).support in ("partial", "unsupported")


def test_the_date_of_the_document_supports_its_year():
    assert check("In May 2010 China asked the US not to raise single cases.", 1).support == (
        "supported"
    )


def test_a_citation_of_the_wrong_passage_moves_to_the_right_one():
    found = check("Mike McFaul led the delegation of 40 people.", 1)
    assert (found.support, found.draft.moved) == ("supported", True)
    assert [quote.text for quote in found.draft.quotes] == [
        "Mike McFaul led the delegation of 40 people."
    ]


def test_a_sentence_without_citation_is_cited_where_it_stands():
    found = check("Mike McFaul led the delegation of 40 people.")
    assert (found.support, found.draft.moved) == ("supported", True)


def test_what_no_passage_says_is_unsupported_and_loses_its_footnote():
    found = check("Bananas ripen in warm rooms.", 2)
    assert (found.support, found.draft.moved) == ("unsupported", False)
    assert found.draft.quotes == ()
    assert check("Bananas ripen in warm rooms.").support == "unsupported"


@pytest.mark.parametrize("text", ["These are the reasons:", "Shall I go on?", "Yes."])
def test_what_claims_nothing_is_not_checked(text):
    found = check(text, 1)
    assert (found.support, found.draft.moved) == ("no_claim", False)


def test_another_language_is_not_taken_on_trust():
    assert check("Китай просил США не поднимать отдельные дела.", 1).support == "unsupported"
    assert check("中国要求美国不要提出个案。", 1).support == "unsupported"


def test_the_order_of_sentences_is_kept():
    drafts = [Draft(text, ()) for text in ("Nobody was surprised.", "Yes.", "Fish sing.")]
    found = SupportChecker(Alike()).check(drafts, HITS)
    assert [one.draft.text for one in found] == [draft.text for draft in drafts]


APP = passage("app", "Is there an app for phones?\n\nOne is planned for autumn.")
TABLE = passage("table", "See:\n\nModel | HX-200 | HX-250\nNoise level | 62 dB | 66 dB")


def supported_by(text: str, cited: Passage) -> tuple[str, list[str]]:
    draft = Draft(text, (Quote(cited, 100, 101),))
    (found,) = SupportChecker(Alike()).check([draft], [Hit(cited, 1.0, 1)])
    return found.support, [quote.text for quote in found.draft.quotes]


def test_a_question_is_no_evidence():
    support, quotes = supported_by("There is an app for phones.", APP)
    assert support != "supported"
    assert "Is there an app for phones?" not in quotes


def test_a_question_may_be_told_of():
    support, quotes = supported_by("It is asked whether there is an app for phones.", APP)
    assert (support, quotes) == ("supported", ["Is there an app for phones?"])


def test_a_row_supports_what_stands_in_the_column_that_is_named():
    support, quotes = supported_by("The noise level of the HX-250 is 66 dB.", TABLE)
    assert support == "supported"
    assert "Noise level | 62 dB | 66 dB" in quotes


def test_a_row_supports_no_number_of_another_column():
    support, quotes = supported_by("The noise level of the HX-250 is 62 dB.", TABLE)
    assert support != "supported"
    assert "Noise level | 62 dB | 66 dB" not in quotes
