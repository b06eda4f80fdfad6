from __future__ import annotations

import threading
import time

import pytest
from web_fakes import ScriptedAssistant, run

from rag.types import Answer, Delta, Found, Question
from rag.web.problems import Problem
from rag.web.workers import Walk, Workers


def walk_of(assistant, text, workers, **options):
    return Walk(workers, assistant, Question(text), (), **options)


def test_events_arrive_in_order():
    async def scenario() -> list:
        workers = Workers(threads=1, waiting=0)
        return [event async for event in walk_of(ScriptedAssistant(), "x", workers).events()]

    kinds = [type(event) for event in run(scenario())]
    assert kinds == [Found, Delta, Delta, Answer]


def test_silence_is_broken_by_a_sign_of_life():
    class Silent(ScriptedAssistant):
        def stream(self, question, filters=(), *, cancelled=lambda: False):
            time.sleep(0.3)
            yield from super().stream(question, filters, cancelled=cancelled)

    async def scenario() -> list:
        walk = walk_of(Silent(), "x", Workers(threads=1, waiting=0), heartbeat_seconds=0.05)
        return [event async for event in walk.events()]

    events = run(scenario())
    assert events[0] is None
    assert 2 <= events.count(None) <= 8
    assert isinstance(events[-1], Answer)


def test_a_reader_who_leaves_stops_the_assistant():
    assistant = ScriptedAssistant()

    async def scenario() -> None:
        events = walk_of(assistant, "Tell me slowly", Workers(threads=1, waiting=0)).events()
        async for event in events:
            if isinstance(event, Delta):
                break
        await events.aclose()

    run(scenario())
    deadline = time.monotonic() + 5
    while not assistant.was_cancelled and time.monotonic() < deadline:
        time.sleep(0.01)
    assert assistant.was_cancelled


def test_errors_of_the_assistant_are_raised():
    async def scenario() -> None:
        await walk_of(ScriptedAssistant(), "broken", Workers(threads=1, waiting=0)).answer()

    with pytest.raises(ZeroDivisionError):
        run(scenario())


def test_the_line_has_an_end_and_moves_on():
    workers, release = Workers(threads=1, waiting=1), threading.Event()
    held = [workers.submit(lambda: release.wait(10)) for _ in range(2)]
    with pytest.raises(Problem) as refused:
        workers.submit(lambda: None)
    assert refused.value.status == 503
    release.set()
    assert [future.result(10) for future in held] == [True, True]
    assert workers.submit(lambda: 7).result(10) == 7


def test_nobody_stands_in_line_who_would_wait_too_long():
    """By then work has taken 0.1 s: of two threads, the second in line each waits that long."""
    workers = Workers(threads=2, waiting=100, patience_seconds=0.25)
    for _ in range(3):
        workers.submit(lambda: time.sleep(0.1)).result(10)
    release = threading.Event()
    taken = 0

    def fill() -> None:
        nonlocal taken
        while True:
            workers.submit(lambda: release.wait(10))
            taken += 1

    with pytest.raises(Problem) as refused:
        fill()
    release.set()
    # Two at work; the n-th in line waits for n others, two at a time: 0.05 n s, more on a busy
    # machine, but one for each thread may always wait.
    assert 4 <= taken <= 2 + 5
    assert refused.value.headers == {"Retry-After": "1"}


def test_slow_work_leaves_one_in_line_for_each_thread():
    workers, release = Workers(threads=1, waiting=9, patience_seconds=0.01), threading.Event()
    workers.submit(lambda: time.sleep(0.2)).result(10)
    held = [workers.submit(lambda: release.wait(10)) for _ in range(2)]
    with pytest.raises(Problem):
        workers.submit(lambda: None)
    release.set()
    assert [future.result(10) for future in held] == [True, True]
