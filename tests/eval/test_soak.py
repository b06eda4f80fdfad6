"""The soak's arithmetic."""

from __future__ import annotations

import os

from eval.soak import Counts, Sample, growth, report, sample


def samples(*sizes: int) -> list[Sample]:
    return [Sample(10.0 * n, size, 10, 4) for n, size in enumerate(sizes)]


def test_growth_compares_fifths_after_the_warm_up():
    """Of 60 s, 10 are warm-up: the first sample does not count; fifths are then one sample."""
    assert growth(samples(1, 100, 500, 500, 500, 110), 60) == 1.1
    # Ten samples after it: fifths of two, whose medians are 102 and 306.
    assert growth(samples(1, 1, 100, 104, 1, 1, 1, 1, 1, 1, 304, 308), 120) == 3.0


def test_growth_and_failures_are_told_and_fail(capsys):
    assert report(Counts(questions=5), samples(1, 100, 100, 100, 100, 104), 60) == 0
    assert (
        "last fifth over first fifth: 1.040; promised at most 1.05: held" in capsys.readouterr().out
    )
    assert report(Counts(questions=5), samples(1, 100, 100, 100, 100, 106), 60) == 1
    failed = Counts(questions=5, failures=["chat: 500"])
    assert report(failed, samples(1, 100, 100, 100, 100, 100), 60) == 1
    assert "NOT HELD" in capsys.readouterr().out


def test_a_process_is_measured():
    measured = sample(os.getpid(), 1.0)
    assert measured.bytes > 10_000_000
    assert measured.files >= 3
    assert measured.threads >= 1
