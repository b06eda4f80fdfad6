from __future__ import annotations

import threading

import pytest
from web_fakes import ScriptedAssistant

from rag.errors import InputError
from rag.types import Question, Turn
from rag.web.chat.runs import Runs
from rag.web.history.turns import Status


@pytest.fixture
def assistant():
    return ScriptedAssistant()


@pytest.fixture
def runs(assistant):
    runs = Runs(assistant, threads=2)
    yield runs
    runs.close()


def test_a_turn_passes_from_searching_to_done(runs):
    turns = list(runs.turn("What?", (), runs.begin("s")))
    assert turns[-1].status is Status.DONE
    assert turns[-1].answer.confidence == 0.92
    assert turns[-1].found == 2
    assert turns[-1].partial.count("[1]") == 1


def test_a_session_asks_one_question_at_a_time(runs):
    assert runs.begin("a") is not None
    assert runs.begin("a") is None
    assert runs.begin("b") is not None
    runs.end("a")
    assert runs.of("a") is None
    assert runs.begin("a") is not None


def test_stopping_reaches_the_assistant_and_keeps_what_was_said(runs, assistant):
    run = runs.begin("s")
    for turn in runs.turn("Tell me slowly", (), run):
        if "Word2" in turn.partial:
            run.stop.set()
    assert turn.status is Status.STOPPED
    assert turn.partial.startswith("Word0 Word1 Word2")
    runs.close()
    runs._threads.shutdown(wait=True)
    assert assistant.was_cancelled


def test_stopping_does_not_wait_for_a_silent_model():
    released = threading.Event()

    class Silent:
        mode = "silent"

        def stream(self, question, *, cancelled):
            released.wait(10)
            return iter(())

    runs = Runs(Silent(), threads=1)
    run = runs.begin("s")
    threading.Timer(0.2, run.stop.set).start()
    turns = list(runs.turn("What?", (), run))
    assert [turn.status for turn in turns] == [Status.STOPPED]
    released.set()
    runs.close()


def test_errors_become_notices_that_keep_details_to_the_log(runs, caplog):
    turns = list(runs.turn("Is it broken?", (), runs.begin("s")))
    assert turns[-1].status is Status.FAILED
    assert "secret" not in turns[-1].problem.message + turns[-1].problem.hint
    assert turns[-1].problem.hint.split()[-1].rstrip(".") in caplog.text
    assert "secret detail" in caplog.text


def test_an_error_for_people_is_shown_with_its_hint(runs):
    turns = list(runs.turn("Is it unreachable?", (), runs.begin("s")))
    problem = turns[-1].problem
    assert (problem.message, problem.hint) == (
        "The chat model cannot be reached.",
        "Start it, then try again.",
    )


def test_a_question_that_cannot_be_asked_is_given_back(runs):
    with pytest.raises(InputError, match="too many characters"):
        list(runs.turn("x" * 2001, (), runs.begin("s")))


def test_a_follow_up_is_asked_with_its_history(runs, assistant):
    first = list(runs.turn("What?", (), runs.begin("s")))[-1]
    list(runs.turn("And why?", (first,), runs.of("s")))
    assert assistant.asked[-1] == Question("And why?", (Turn("What?", first.answer.text),))
