"""An answer goes into JSON and comes back as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rag.answer_json import answer_from_dict, answer_to_dict
from rag.types import (
    Answer,
    Choice,
    Citation,
    Clarification,
    Hit,
    Passage,
    Question,
    Sentence,
    Timings,
    Turn,
)

PASSAGE = Passage("p", "d", "One. Two. Two.", 100, 114, "Title", "a.md", 3, "Title › Part")
HISTORY = (Turn("Who?", "Ann. [1]"),)
ANSWER = Answer(
    question=Question("And when?", HISTORY),
    query="When did Ann?",
    sentences=(
        Sentence("Two.", (2, 1), support="partial", moved=True),
        Sentence("One.", (1,), break_before=True),
    ),
    citations=(Citation(1, PASSAGE, 100, 104), Citation(2, PASSAGE, 110, 114)),
    hits=(Hit(PASSAGE, 0.25, 1),),
    abstained=False,
    confidence=0.5,
    answer_span="Two",
    mode="ollama:x",
    note="A note.",
    unresolved=("[9]",),
    timings=Timings(search=1.5, total=2.0),
)
SILENT = Answer(Question("Who?"), "Who?", (), (), (Hit(PASSAGE, 0.25, 1),), True, 0.125)
ASKED_BACK = replace(
    SILENT, clarification=Clarification("Which Ann?", (Choice("A", "A?"), Choice("B", "B?")))
)


@pytest.mark.parametrize("answer", [ANSWER, SILENT, ASKED_BACK])
def test_what_was_kept_is_the_same_answer(answer):
    kept = json.loads(json.dumps(answer_to_dict(answer)))
    assert answer_from_dict(kept, answer.question.history) == answer


def test_the_quote_that_stands_twice_is_the_one_that_was_cited():
    kept = answer_from_dict(answer_to_dict(ANSWER), HISTORY)
    second = kept.citations[1]
    assert (second.quote, second.quote_start, second.passage.page) == ("Two.", 110, 3)
    assert kept.text == "Two. [2] [1]\nOne. [1]"


@pytest.mark.parametrize(
    "spoilt", [{}, {"question": 1}, answer_to_dict(ANSWER) | {"citations": []}]
)
def test_something_else_is_refused(spoilt):
    with pytest.raises((KeyError, TypeError, ValueError)):
        answer_from_dict(spoilt)
