"""The reader: what it quotes, in which order, and when it says nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.question.kinds import asks_for_several
from rag.answering.reader import Reader, say_the_same
from rag.answering.reading.evidence import Evidence, in_order
from rag.answering.text.statements import statement_spans
from rag.types import Answer, Hit, Passage, Question

TITLE = "Talks: two countries have something to learn"


def passage(text: str, doc_id: str = "doc", start: int = 100) -> Passage:
    return Passage(f"{doc_id}@{start}", doc_id, text, start, start + len(text), TITLE, "a.txt")


class Marked:
    """Finds the sentences that begin with the given words, with the given scores.

    A mapping to (score, span text) also marks that span.
    """

    def __init__(self, scores: dict[str, float | tuple[float, str]]) -> None:
        self._scores = scores

    def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
        found = []
        for hit in hits:
            text, offset = hit.passage.text, hit.passage.start
            for start, end in statement_spans(text):
                for words, value in self._scores.items():
                    if text[start:end].startswith(words):
                        score, span = value if isinstance(value, tuple) else (value, "")
                        at = text.index(span, start) + offset
                        marked = (at, at + len(span)) if span else None
                        found.append(Evidence(hit, start + offset, end + offset, score, marked))
        return in_order(found)


def ask(
    finder: Marked,
    *passages: Passage,
    query: str = "Who did it?",
    abstain_below: float = 0.5,
    max_sentences: int = 4,
) -> Answer:
    hits = [Hit(one, 1 / rank, rank) for rank, one in enumerate(passages, start=1)]
    reader = Reader(finder, abstain_below=abstain_below, max_sentences=max_sentences)
    return reader.read(Question(query), query, hits)


TALKS = passage("The talks opened in March. Anna Berg led them. The weather was fine all week.")


def test_quotes_the_best_sentence_and_marks_the_span() -> None:
    answer = ask(Marked({"Anna": (0.9, "Anna Berg"), "The talks": 0.2}), TALKS)
    assert answer.text == "Anna Berg led them. [1]"
    assert answer.answer_span == "Anna Berg"
    assert answer.confidence == 0.9
    assert not answer.abstained
    (citation,) = answer.citations
    assert (citation.quote_start, citation.quote_end) == (127, 146)
    assert citation.quote == "Anna Berg led them."


def test_abstains_below_the_threshold_and_shows_the_nearest() -> None:
    answer = ask(Marked({"Anna": (0.49, "Anna Berg")}), TALKS)
    assert answer.abstained
    assert answer.confidence == 0.49
    assert (answer.sentences, answer.citations, answer.answer_span) == ((), (), None)
    assert [hit.passage for hit in answer.hits] == [TALKS]


def test_answers_at_the_threshold() -> None:
    assert not ask(Marked({"Anna": 0.5}), TALKS).abstained


def test_abstains_without_evidence_or_hits() -> None:
    for answer in (ask(Marked({}), TALKS, abstain_below=0.0), ask(Marked({}), abstain_below=0.0)):
        assert answer.abstained
        assert answer.confidence == 0.0


def test_best_first_whatever_the_order_in_the_document() -> None:
    answer = ask(Marked({"The talks": 0.6, "Anna": 0.9}), TALKS)
    assert [s.text for s in answer.sentences] == [
        "Anna Berg led them.",
        "The talks opened in March.",
    ]


def test_cuts_at_half_of_the_best() -> None:
    finder = Marked({"Anna": 0.8, "The talks": 0.4, "The weather": 0.39})
    assert [s.text for s in ask(finder, TALKS).sentences] == [
        "Anna Berg led them.",
        "The talks opened in March.",
    ]


def test_a_question_for_several_things_cuts_at_a_quarter() -> None:
    finder = Marked({"Anna": 0.8, "The talks": 0.2, "The weather": 0.19})
    answer = ask(finder, TALKS, query="Which issues were discussed?")
    assert len(answer.sentences) == 2


def test_shows_at_most_max_sentences() -> None:
    finder = Marked({"Anna": 0.9, "The talks": 0.8, "The weather": 0.7})
    answer = ask(finder, TALKS, max_sentences=2)
    assert [s.text for s in answer.sentences] == [
        "Anna Berg led them.",
        "The talks opened in March.",
    ]


def test_the_same_words_elsewhere_become_a_second_citation() -> None:
    copy = passage("Anna Berg led them all.", "copy", start=0)
    finder = Marked({"Anna": 0.9})
    answer = ask(finder, TALKS, copy)
    assert answer.text == "Anna Berg led them. [1] [2]"
    assert [c.quote for c in answer.citations] == ["Anna Berg led them.", "Anna Berg led them all."]


def test_the_same_answer_elsewhere_becomes_a_second_citation() -> None:
    other = passage("Heading the group was Anna Berg, a lawyer from Oslo.", "other")
    finder = Marked({"Anna": (0.9, "Anna Berg"), "Heading": (0.8, "Anna Berg")})
    assert ask(finder, TALKS, other).text == "Anna Berg led them. [1] [2]"


def test_the_same_answer_in_the_same_document_becomes_a_second_citation() -> None:
    text = "Anna Berg led them. The weather was fine all week. At the head was Anna Berg."
    finder = Marked({"Anna": (0.9, "Anna Berg"), "At the": (0.8, "Anna Berg")})
    answer = ask(finder, passage(text))
    assert answer.text == "Anna Berg led them. [1] [2]"
    assert [c.quote for c in answer.citations] == [
        "Anna Berg led them.",
        "At the head was Anna Berg.",
    ]


def test_repetition_within_a_document_is_left_out() -> None:
    twice = passage("A photo shows Anna Berg speaking. A photo shows Anna Berg speaking.")
    answer = ask(Marked({"A photo": 0.9}), twice)
    assert answer.text == "A photo shows Anna Berg speaking. [1]"
    assert answer.citations[0].quote_start == 100


def test_at_most_three_documents_are_cited_for_a_sentence() -> None:
    copies = [passage("Anna Berg led them.", f"doc{i}") for i in range(6)]
    assert ask(Marked({"Anna": 0.9}), *copies).text == "Anna Berg led them. [1] [2] [3]"


def test_documents_that_disagree_are_both_shown() -> None:
    one = passage("The march drew 400 people to the square.", "one")
    two = passage("The march drew 900 people to the square.", "two")
    answer = ask(Marked({"The march": 0.7}), one, two)
    assert answer.text == (
        "The march drew 400 people to the square. [1]\nThe march drew 900 people to the square. [2]"
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The talks began in Beijing.", "The talks began in Beijing today.", True),
        ("The talks began in Beijing.", "the TALKS began, in Beijing", True),
        ("It was approved by the board.", "It was not approved by the board.", False),
        ("Sales rose by 4 percent.", "Sales rose by 5 percent.", False),
        ("The talks began in Beijing.", "The meeting ended in Washington.", False),
        ("?!", "?!", False),
    ],
)
def test_say_the_same(one: str, other: str, same: bool) -> None:
    assert say_the_same(one, other) is same
    assert say_the_same(other, one) is same


def test_a_leaning_sentence_takes_the_one_before_along() -> None:
    text = "Posner defended  the talks.\n\nHe also said they help individual cases."
    answer = ask(Marked({"He also": (0.9, "individual cases")}), passage(text))
    assert answer.text == (
        "Posner defended the talks. He also said they help individual cases. [1]"
    )
    assert answer.citations[0].quote == text
    assert answer.answer_span == "individual cases"


def test_the_lead_is_not_said_twice() -> None:
    text = "Posner defended the talks. He also said they help individual cases."
    answer = ask(Marked({"Posner": 0.9, "He also": 0.8}), passage(text))
    assert answer.text == (
        "Posner defended the talks. [1] He also said they help individual cases. [1]"
    )
    answer = ask(Marked({"Posner": 0.8, "He also": 0.9}), passage(text))
    assert answer.text == f"{text} [1]"


@pytest.mark.parametrize(
    "text",
    [
        "Annual report\n\nThis dialogue began in 1990 and goes on.",  # a heading is no lead
        f"{TITLE}\n\nThis piece appeared in May and was read.",  # nor is a title like a sentence
        "He arrived on Monday with a group of lawyers.",  # nothing comes before
        "Rain fell on the town. This week in Washington the talks go on.",  # "this week" stands
        "x" * 301 + " is long. They said that it ended well.",  # the one before is too long
    ],
)
def test_no_lead(text: str) -> None:
    start, end = statement_spans(text)[-1]
    answer = ask(Marked({text[start:end]: 0.9}), passage(text))
    assert answer.citations[0].quote == text[start:end]


@pytest.mark.parametrize(
    ("query", "several"),
    [
        ("Which issues did Posner raise?", True),
        ("What topics will officials discuss?", True),
        ("What other human rights concerns were raised?", True),
        ("What are the goals of the visit?", True),
        ("List the participants.", True),
        ("How do the two countries differ on rights?", True),
        ("What did China ask the US to avoid?", False),
        ("What does Rosenzweig say about the talks?", False),
        ("Who leads the delegation?", False),
        ("What was the result?", False),
        ("What happens to prisoners?", False),
        ("When did the dialogue begin?", False),
    ],
)
def test_asks_for_several(query: str, several: bool) -> None:
    assert asks_for_several(query) is several


@pytest.mark.parametrize(
    ("query", "several"),
    [
        ("Which law governs the contract?", False),  # a verb
        ("Which laws govern the contract?", True),
        ("Which rules apply?", True),
    ],
)
def test_what_ends_in_s_before_an_object_is_a_verb(query: str, several: bool) -> None:
    assert asks_for_several(query) is several


STEPS = passage(
    "The pump is new.\n\nDo this:\n1. Place it.\n2. Connect it.\n- Fill it.\n\nThen go."
)


def test_a_list_is_quoted_whole_when_a_list_is_asked_for() -> None:
    answer = ask(Marked({"2. Connect": 0.9}), STEPS, query="How do I install the pump?")
    assert answer.text == ("Do this: [1]\n1. Place it. [1]\n2. Connect it. [1]\nFill it. [1]")
    assert answer.citations[0].quote == "Do this:\n1. Place it.\n2. Connect it.\n- Fill it."


def test_an_item_alone_answers_anything_else() -> None:
    answer = ask(Marked({"2. Connect": 0.9}), STEPS, query="When is it connected?")
    assert answer.text == "2. Connect it. [1]"


def test_clauses_are_no_list() -> None:
    clauses = passage(f"1. Support is {'very ' * 40}good.\n2. The law is that of Ireland.")
    answer = ask(Marked({"2. The law": 0.9}), clauses, query="How is the law?")
    assert answer.text == "2. The law is that of Ireland. [1]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Install it with pip:\n\npip install it\n\nThen go.",
            "Install it with pip: pip install it",
        ),
        ("Bring these:\n- a rope\n- a lamp\n\nThen go.", "Bring these:\na rope\na lamp"),
        ("Bring these:", "Bring these:"),
    ],
)
def test_a_colon_takes_along_what_follows(text: str, shown: str) -> None:
    answer = ask(Marked({text[:5]: 0.9}), passage(text))
    assert "\n".join(sentence.text for sentence in answer.sentences) == shown


TABLE = passage("See:\n\nModel | Weight\nHX-1 | 18 kg\nHX-2 | 23 kg")


def test_a_row_is_shown_under_the_names_of_its_columns() -> None:
    answer = ask(Marked({"HX-2": (0.9, "23 kg"), "HX-1": (0.6, "18 kg")}), TABLE, query="Which kg?")
    assert answer.text == "Model | Weight [1]\nHX-2 | 23 kg [1]\nHX-1 | 18 kg [1]"
    assert answer.answer_span == "23 kg"
    (citation,) = answer.citations
    assert citation.quote == "Model | Weight\nHX-1 | 18 kg\nHX-2 | 23 kg"


def test_references_of_the_text_are_not_shown_as_footnotes() -> None:
    answer = ask(
        Marked({"Reefs": 0.9}), passage("Reefs,[5] they say, grow slowly.[1][2] So it is.")
    )
    assert answer.text == "Reefs, they say, grow slowly. [1]"
    assert answer.citations[0].quote == "Reefs,[5] they say, grow slowly."


def test_what_has_nothing_to_do_with_the_question_is_no_further_sentence() -> None:
    text = passage("The pump weighs 5 kg. Anna likes it.\nThe big pump weighs 9 kg.")
    finder = Marked({"The pump": 0.9, "Anna": 0.8, "The big": 0.7})
    assert ask(finder, text, query="What does the pump weigh?").text == (
        "The pump weighs 5 kg. [1] The big pump weighs 9 kg. [2]"
    )
    assert "Anna" in ask(finder, text, query="Which pumps are there?").text


def test_what_names_another_comes_after_what_does_not() -> None:
    text = passage("John Smith works in Leeds.\nJoan Smith works in York.")
    finder = Marked({"John": (0.9, "Leeds"), "Joan": (0.6, "York")})
    answer = ask(finder, text, query="Where does Joan Smith work?")
    assert [sentence.text for sentence in answer.sentences] == [
        "Joan Smith works in York.",
        "John Smith works in Leeds.",
    ]
    assert (answer.answer_span, answer.confidence) == ("York", 0.9)


def test_words_that_were_shown_are_not_shown_again_in_a_longer_stretch() -> None:
    class Twice:
        def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
            return [Evidence(hits[0], 127, 146, 0.9), Evidence(hits[0], 100, 146, 0.8)]

    answer = Reader(Twice(), abstain_below=0.5, max_sentences=4).read(
        Question("Who led the talks?"), "Who led the talks?", [Hit(TALKS, 1.0, 1)]
    )
    assert [sentence.text for sentence in answer.sentences] == ["Anna Berg led them."]


class ByPart:
    """Finds for each question the sentences that begin with the words given for it."""

    def __init__(self, scores: dict[str, dict[str, float]]) -> None:
        self._scores = scores

    def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
        return Marked(dict(self._scores.get(query, {}))).find(query, hits)


TWO = "When did the talks open, and how was the weather?"
OPENED, WEATHER = "When did the talks open?", "how was the weather? talks open"


def test_two_questions_in_one_are_both_answered() -> None:
    finder = ByPart({OPENED: {"The talks": 0.9, "Anna": 0.8}, WEATHER: {"The weather": 0.7}})
    answer = Reader(finder, abstain_below=0.5, max_sentences=2).read(
        Question(TWO), TWO, [Hit(TALKS, 1.0, 1)]
    )
    assert [sentence.text for sentence in answer.sentences] == [
        "The talks opened in March.",
        "The weather was fine all week.",
    ]
    assert (answer.confidence, answer.note) == (0.7, "")


def test_the_one_of_two_questions_that_has_no_answer_is_named() -> None:
    finder = ByPart({OPENED: {"The talks": 0.9}, WEATHER: {"Anna": 0.4}})
    answer = ask_by(finder, TWO)
    assert answer.text == "The talks opened in March. [1]"
    assert answer.note == "The documents do not say: “how was the weather?”"
    assert answer.note.kind == "not_said"
    assert answer.note.values == {"questions": "“how was the weather?”"}


def test_where_neither_part_has_an_answer_the_whole_question_may() -> None:
    assert ask_by(ByPart({TWO: {"Anna": 0.6}}), TWO).text == "Anna Berg led them. [1]"
    assert ask_by(ByPart({TWO: {"Anna": 0.4}}), TWO).abstained


def ask_by(finder: ByPart, query: str) -> Answer:
    reader = Reader(finder, abstain_below=0.5, max_sentences=4)
    return reader.read(Question(query), query, [Hit(TALKS, 1.0, 1)])


WORDS = st.sampled_from(["He", "said", "They", "the", "talks", "began", "in", "1990", "ended"])
SENTENCES = st.lists(WORDS, min_size=1, max_size=8).map(lambda words: " ".join(words) + ".")


@given(
    texts=st.lists(st.lists(SENTENCES, min_size=1, max_size=5), min_size=1, max_size=4),
    scores=st.lists(st.floats(0, 1), min_size=20, max_size=20),
    starts=st.lists(st.integers(0, 50), min_size=4, max_size=4),
)
def test_each_sentence_stands_in_a_quote_inside_its_passage(
    texts: list[list[str]], scores: list[float], starts: list[int]
) -> None:
    class Every:
        def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
            spans = [
                (hit, hit.passage.start + start, hit.passage.start + end)
                for hit in hits
                for start, end in statement_spans(hit.passage.text)
            ]
            return in_order(
                Evidence(*span, score) for span, score in zip(spans, scores, strict=False)
            )

    passages = [
        passage(" ".join(sentences), f"doc{i % 2}", start=starts[i] + 1000 * i)
        for i, sentences in enumerate(texts)
    ]
    hits = [Hit(one, 1.0, rank) for rank, one in enumerate(passages, start=1)]
    answer = Reader(Every(), abstain_below=0.0, max_sentences=3).read(Question("?"), "?", hits)
    quotes = {citation.marker: citation.quote for citation in answer.citations}
    assert 1 <= len(answer.sentences) <= 3
    for sentence in answer.sentences:
        assert any(sentence.text in quotes[marker] for marker in sentence.markers)
