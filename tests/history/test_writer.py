"""Writing behind everybody's back."""

from __future__ import annotations

import threading

import pytest

from rag.errors import StoreError
from rag.history.writer import Writer


@pytest.fixture
def writer():
    made = Writer(most_waiting=3)
    yield made
    made.close()


def test_it_is_done_in_order_and_a_flush_waits_for_it(writer):
    done = []
    for number in range(3):
        writer.later("a number", lambda number=number: done.append(number))
    assert writer.now(lambda: list(done), seconds=10) == [0, 1, 2]
    writer.later("a number", lambda: done.append(3))
    assert writer.flush(10)
    assert done == [0, 1, 2, 3]


def test_what_fails_is_logged_and_the_next_is_done(writer, caplog):
    def fail(error):
        raise error

    writer.later("one thing", lambda: fail(StoreError("the disk is full")))
    writer.later("another", lambda: fail(ZeroDivisionError("odd")))
    assert writer.now(lambda: 1, seconds=10) == 1
    assert "one thing was not kept: the disk is full" in caplog.text
    assert "another was not kept" in caplog.text
    with pytest.raises(StoreError, match="full"):
        writer.now(lambda: fail(StoreError("the disk is full")), seconds=10)


def test_nobody_waits_for_a_database_that_does_not_answer(writer, caplog):
    released, done = threading.Event(), []
    writer.later("slow", lambda: released.wait(20))
    with pytest.raises(StoreError, match="does not answer"):
        writer.now(lambda: done.append("now"), seconds=0.05)
    assert writer.flush(0.05) is False
    for number in range(4):
        writer.later(f"number {number}", lambda number=number: done.append(number))
    assert "number 2 was not kept: too much is waiting" in caplog.text
    assert "number 3 was not kept" in caplog.text
    released.set()
    assert writer.flush(10)
    assert done == ["now", 0, 1]


def test_after_the_end_nothing_is_begun(caplog):
    writer = Writer()
    writer.close()
    writer.later("late", lambda: None)
    assert "late was not kept" in caplog.text
    with pytest.raises(StoreError, match="ends"):
        writer.now(lambda: None, seconds=1)
