"""Which questions say what they are about, by their words."""

from __future__ import annotations

import pytest

from rag.answering.question.unclear import Unclear, asks_nothing, unclear

OPEN = [
    ("When did it begin?", "thing", "it"),
    ("And when did it begin?", "thing", "it"),
    ("What did he say about that?", "person", "he"),
    ("What did she say about Taiwan?", "person", "she"),
    ("What is his view on religious freedom?", "person", "his"),
    ("Who led it?", "thing", "it"),
    ("Who translated it?", "thing", "it"),
    ("How does it affect the cell?", "thing", "it"),
    ("What do they eat?", "thing", "they"),
    ("How does this work?", "thing", "this"),
    ("What about them?", "thing", "them"),
    ("Why?", "nothing", ""),
    ("What happened?", "nothing", ""),
    ("What happened next?", "nothing", ""),
    ("And then?", "nothing", ""),
    ("Tell me more.", "nothing", ""),
    ("What about the second one?", "nothing", ""),
    ("Who wrote the report?", "document", "the report"),
    ("When was the policy last updated?", "document", "the policy"),
    ("Who is the author of the document?", "document", "the document"),
    ("What does the annual report conclude?", "document", "the annual report"),
]

CLEAR = [
    "When did the human rights dialogue begin?",
    "Why did China end its dialogue with Europe?",
    "Other than his inventions, what was Tesla famous for?",
    "Do bees eat their honey?",
    "Which animal eats its young?",
    "How long does it take to get a refund?",
    "Is it legal to smoke on the train?",
    "What time is it?",
    "Is it true that bees sleep?",
    "When did they stop putting lead in paint?",
    "who sings it must have been love",
    "What is due this year?",
    "The fact that bees sleep: who found it?",
    "What does the report of 2010 say?",
    "Who wrote the report on the flood?",
    "Who wrote the NPR report?",
    "What does the report say about inflation, wages and rents?",
    "Who edited the article about bees?",
    "What can you do?",
    "Hello",
    "budget 2012",
    "talks",
    "Ai Weiwei detained when",
    "What does he mean by “core interest”?",
    "",
    "?",
    "他什么时候开始的？",
]

WEAK = [
    ("In which country is this language officially spoken?", "this language"),
    ("When was this edict declared?", "this edict"),
    ("How can we enhance its performance, security, price and looks?", "its"),
]


@pytest.mark.parametrize(("question", "kind", "words"), OPEN)
def test_what_a_question_leaves_open(question, kind, words):
    found = unclear(question)
    assert found is not None
    assert (found.kind, found.words, found.sure) == (kind, words, True)


@pytest.mark.parametrize("question", CLEAR)
def test_a_clear_question_is_left_alone(question):
    assert unclear(question) is None


@pytest.mark.parametrize(("question", "words"), WEAK)
def test_what_the_documents_may_answer_all_the_same(question, words):
    assert unclear(question) == Unclear("thing", words, sure=False)


def test_a_document_is_known_by_its_noun_and_what_else_is_asked():
    found = unclear("Who signed the annual report?")
    assert found is not None
    assert (found.noun, found.rest) == ("annual report", frozenset({"signed"}))


def test_a_long_text_is_not_asked_about():
    assert unclear("it " * 2000) is None


@pytest.mark.parametrize(
    "query",
    [
        "hello",
        "Hello there!",
        "great, thanks a lot",
        "?",
        "🎂?",
        "...",
        "a",
        "5",
        "2+2",
        "What is 2+2?",
    ],
)
def test_asks_nothing(query: str) -> None:
    assert asks_nothing(query)


@pytest.mark.parametrize(
    "query",
    [
        "pump",
        "why",  # of what came before, or it is asked back
        "What is in Q3?",
        "hi, what does the warranty cover?",
        "thanks to whom",
        "猫",
        "病假需要什么？",
        "1984",
        "to be or not to be",
    ],
)
def test_asks_something(query: str) -> None:
    assert not asks_nothing(query)
