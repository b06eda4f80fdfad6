"""Conversations put together for measuring, and what is counted in them."""

from __future__ import annotations

from eval.checking import Tally
from eval.clarifying import made_up
from eval.conversations import STRANGERS, Asked, Searched, after_others, agreement, raw, then_second
from rag.answering.question.clarify import ask_back
from rag.types import Document, Question, Turn


class NoVectors:
    """Vectors that say nothing: then the words alone decide."""

    def vectors(self, texts):
        import numpy as np

        return np.ones((len(texts), 2), np.float32) / np.sqrt(2)


RIVERS = [(Turn(f"How long is river number{i}?", "Long."),) for i in range(STRANGERS)]
BEES = (Turn("What do the bees of number1 river eat?", "Honey."),)
FIRST = Asked(Question("What do bees eat?"), frozenset({"bees"}))
SECOND = Asked(Question("And drink?", (Turn("What do bees eat?", "Honey."),)), frozenset({"bees"}))


def test_a_first_question_comes_after_conversations_about_something_else():
    joined = after_others([FIRST], [*RIVERS, (Turn("What do bees eat in winter?", "x"),)])
    assert {asked.question.history for asked in joined} == set(RIVERS)
    assert {asked.question.text for asked in joined} == {"What do bees eat?"}


def test_a_second_question_keeps_the_first_after_them():
    joined = then_second([SECOND], RIVERS)
    assert [len(asked.question.history) for asked in joined] == [2] * STRANGERS
    assert {asked.question.history[-1] for asked in joined} == set(SECOND.question.history)


def test_words_that_are_added_are_compared_with_those_of_people():
    asked = Asked(Question("And drink?"), frozenset(), (("by hand", "What do honey bees drink?"),))
    precision, recall = agreement([asked], lambda one: "drink bees wasps")
    assert (precision, recall) == (Tally(1, 2), Tally(1, 2))


def test_a_passage_counts_as_found_among_the_first_five():
    documents = (
        Document("bees", "", "bees", "Bees eat honey."),
        *(Document(f"r{i}", "", f"r{i}", f"River number{i} is long.") for i in range(6)),
    )
    searched = Searched(documents, NoVectors())
    for words in (True, False):
        assert searched.found(["bees", "river"], [FIRST.gold] * 2, words=words) == Tally(1, 2)


def test_the_made_up_questions_are_told_apart_by_their_words_where_no_document_is_needed():
    collection, is_open = made_up()
    assert len(is_open) == 84
    asked = {qid for qid, text in collection.questions.items() if ask_back(text, ()) is not None}
    assert asked == set(), "without hits there is nothing to choose from"
    assert raw(FIRST) == "What do bees eat?"
