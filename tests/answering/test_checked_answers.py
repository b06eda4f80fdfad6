"""Scripted replies through the generator with its checks: what is said of each sentence."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from rich.console import Console
from test_generation import ScriptedModel
from test_support import HITS, Alike

from rag.answer_json import answer_to_dict
from rag.answering.checking.support import SupportChecker
from rag.answering.generation import Generator
from rag.errors import ModelError
from rag.support_words import text_with_remarks
from rag.terminal import print_answer
from rag.types import Answer, Delta, Question
from rag.web.chat.conversation import render_turns
from rag.web.history.turns import Status, TurnView

RIGHT = "China asked the US not to raise single cases."
LED = "Mike McFaul led the delegation of 40 people."
WRONG = "Bananas ripen in warm rooms."


def ask(*tokens: Any, hide: bool = False) -> tuple[str, Answer]:
    generator = Generator(
        ScriptedModel(tokens=tokens),
        "scripted:one",
        context_chars=5000,
        checker=SupportChecker(Alike()),
        hide_unsupported=hide,
    )
    *deltas, answer = generator.stream(Question("q"), "q", HITS, cancelled=lambda: False)
    assert isinstance(answer, Answer)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), answer


def found(answer: Answer) -> list[tuple[str | None, bool]]:
    return [(sentence.support, sentence.moved) for sentence in answer.sentences]


def test_cites_well():
    _, answer = ask(f"{RIGHT} [1] {LED} [2]")
    assert found(answer) == [("supported", False), ("supported", False)]
    assert [citation.quote for citation in answer.citations] == [
        "China asked the United States not to raise single cases.",
        LED,
    ]
    assert answer.confidence > 0.57


def test_cites_nothing_and_is_cited_where_it_is_right():
    _, answer = ask(f"{RIGHT} {WRONG}")
    assert found(answer) == [("supported", True), ("unsupported", False)]
    assert answer.text == f"{RIGHT} [1] {WRONG}"


def test_cites_the_wrong_passage():
    _, answer = ask(f"{LED} [1]")
    assert found(answer) == [("supported", True)]
    assert answer.citations[0].passage == HITS[1].passage


def test_cites_a_passage_that_is_not_there():
    _, answer = ask(f"{LED} [9]")
    assert (answer.unresolved, found(answer)) == (("[9]",), [("supported", True)])


def test_stops_in_the_middle_of_a_marker():
    said, answer = ask(f"{RIGHT} [1] {WRONG} [2")
    assert said == f"{RIGHT} [1] {WRONG}"
    assert found(answer) == [("supported", False), ("unsupported", False)]


@pytest.mark.parametrize(
    "tokens",
    [
        (f"{RIGHT} [1]", RuntimeError("lost")),
        ("",),
        (
            AIMessageChunk(
                "", tool_call_chunks=[{"name": "f", "args": "{}", "id": "1", "index": 0}]
            ),
        ),
    ],
)
def test_a_reply_that_fails_is_no_answer(tokens):
    with pytest.raises(ModelError):
        ask(*tokens)


def test_ten_thousand_tokens_are_checked_in_time():
    began = time.perf_counter()
    _, answer = ask(*[f"{RIGHT} [1] ", f"{WRONG} [2] "] * 5000)
    assert "cut off" in answer.note
    assert {support for support, _ in found(answer)} == {"supported", "unsupported"}
    assert time.perf_counter() - began < 60


def test_another_language_is_marked_as_unsupported():
    _, answer = ask("Бананы созревают в тёплых комнатах. [1]")
    assert found(answer) == [("unsupported", False)]


def test_hidden_sentences_are_never_shown_and_counted():
    said, answer = ask(f"{RIGHT} [1] ", f"{WRONG} [2]", hide=True)
    assert said == ""
    assert answer.text == f"{RIGHT} [1]"
    assert answer.note.startswith("One sentence was left out")


def test_when_all_is_hidden_the_documents_do_not_say():
    _, answer = ask(f"Here it is: {WRONG} [1]", hide=True)
    assert answer.abstained
    assert answer.citations == ()


def test_every_interface_says_so():
    _, answer = ask(f"{LED} [1] {WRONG} [2]")
    rows = answer_to_dict(answer)["sentences"]
    assert [(row["support"], row["moved"]) for row in rows] == found(answer)
    written = f"{LED} [1] (citation moved) {WRONG} (not supported)"
    assert text_with_remarks(answer) == written
    screen = StringIO()
    print_answer(Console(file=screen, width=200), answer)
    assert screen.getvalue().startswith(written)
    (html,) = render_turns([TurnView("q", Status.DONE, answer=answer)])
    assert f'<span class="sentence unsupported">{WRONG}' in html
    assert ">not supported</span>" in html
    assert ">citation moved</span>" in html
