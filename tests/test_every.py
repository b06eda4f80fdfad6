from __future__ import annotations

import threading

from rag.every import every

LONG = 60.0  # for a slow machine: nothing here waits that long unless it fails


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_it_is_done_again_and_again_in_a_thread_that_ends_with_the_context():
    done = threading.Semaphore(0)
    with every(0.01, done.release, name="again"):
        assert "again" in names()
        assert all(done.acquire(timeout=LONG) for _ in range(3))
    assert "again" not in names()


def test_it_is_not_done_before_its_time():
    done = threading.Event()
    with every(LONG, done.set, name="later"):
        pass
    assert not done.is_set()


def test_it_is_done_at_once_when_that_is_wanted():
    done = threading.Event()
    with every(LONG, done.set, name="now", at_once=True):
        assert done.wait(LONG)


def test_what_runs_is_waited_for():
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def do() -> None:
        begun.set()
        may_end.wait(LONG)
        ended.set()

    with every(LONG, do, name="long", at_once=True):
        assert begun.wait(LONG)
        may_end.set()
    assert ended.is_set()


def test_what_does_not_end_is_waited_for_no_longer_than_said():
    begun, may_end = threading.Event(), threading.Event()

    def do() -> None:
        begun.set()
        may_end.wait(LONG)

    with every(LONG, do, name="hangs", at_once=True, patience_seconds=0.01):
        assert begun.wait(LONG)
    assert "hangs" in names()
    may_end.set()
