from __future__ import annotations

import threading

import pytest

from rag.ingest.ahead import ReadAhead


def test_values_come_in_order_and_all_of_them():
    with ReadAhead(iter(range(100)), lambda _: 1, 10) as taken:
        assert list(taken) == list(range(100))


def test_it_runs_ahead_up_to_the_limit_and_no_further():
    made = []
    full = threading.Event()

    def items():
        for number in range(10):
            made.append(number)
            if number == 3:
                full.set()
            yield 5

    # 5 + 5 + 5 reaches 15; the producer waits once its third value lies there.
    with ReadAhead(items(), lambda weight: weight, 15) as taken:
        assert not full.wait(0.2)
        assert made == [0, 1, 2]
        next(taken)
        assert full.wait(5)


def test_an_error_is_raised_after_what_came_before_it():
    def items():
        yield 1
        raise ValueError("broken")

    got = []
    with (
        pytest.raises(ValueError, match="broken"),
        ReadAhead(items(), lambda _: 1, 10) as taken,
    ):
        got.extend(iter(lambda: next(taken), None))
    assert got == [1]


def test_leaving_early_closes_the_iterator():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with ReadAhead(items(), lambda _: 1, 3) as taken:
        next(taken)
    assert closed.is_set()
