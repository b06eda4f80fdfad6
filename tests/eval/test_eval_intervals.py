"""Intervals and tests of difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eval.metrics.abstention import auroc
from eval.metrics.intervals import (
    Estimate,
    mean_estimate,
    paired_difference,
    percentile,
    statistic_estimate,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilson_matches_newcombe_1998_table_one(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=1e-4)


def test_mean_interval_agrees_with_scipy_and_repeats():
    values = [float(v) for v in np.random.default_rng(1).random(80)]
    ours = mean_estimate(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    assert ours.value == pytest.approx(np.mean(values))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)
    assert mean_estimate(values) == ours


def test_all_right_is_not_certainty():
    perfect = mean_estimate([1.0] * 20)
    assert perfect.value == perfect.high == 1.0
    assert perfect.low == pytest.approx(1 - 0.1611, abs=1e-4)


def test_no_question_and_one_question():
    assert mean_estimate([]).value is None
    single = mean_estimate([0.4])
    assert (single.value, single.low, single.high, single.n) == (0.4, None, None, 1)


def test_statistic_estimate_leaves_out_resamples_where_it_is_undefined():
    scores, labels = np.array([0.9, 0.1, 0.8, 0.3]), np.array([True, False, True, True])
    result = statistic_estimate(lambda i: auroc(scores[i], labels[i]), 4)
    assert result.value == 1.0
    assert result.low is not None
    undefined = statistic_estimate(lambda i: None, 4)
    assert (undefined.value, undefined.n) == (None, 4)


def test_paired_difference_agrees_with_the_t_test_on_ordinary_data():
    rng = np.random.default_rng(3)
    before = rng.random(60)
    after = before + rng.normal(0.05, 0.15, 60)
    result = paired_difference(before, after)
    reference = stats.ttest_rel(after, before)
    assert result.value == pytest.approx(float((after - before).mean()))
    assert result.p == pytest.approx(reference.pvalue, abs=0.02)
    assert result.low < result.value < result.high


def test_five_wins_of_five_cannot_be_significant():
    # Of 32 ways to flip five signs, two are as extreme: p = 2 / 32.
    assert paired_difference([0.0] * 5, [1.0] * 5).p == pytest.approx(1 / 16)


def test_no_difference_has_p_of_one_and_lengths_must_match():
    assert paired_difference([0.5, 1.0], [0.5, 1.0]).p == 1.0
    with pytest.raises(ValueError, match="cannot pair"):
        paired_difference([1.0], [])


def test_percentile_interpolates():
    assert percentile([1, 2, 3, 4], 50) == 2.5
    assert percentile([], 50) is None


def test_a_single_question_has_no_interval_unless_it_is_right_or_wrong():
    assert mean_estimate([0.63]) == Estimate(0.63, None, None, 1)
    assert mean_estimate([1.0]).low == pytest.approx(0.2065, abs=1e-4)
    assert statistic_estimate(lambda indices: 3.0, 1) == Estimate(3.0, None, None, 1)
    assert statistic_estimate(lambda indices: 3.0, 2) == Estimate(3.0, 3.0, 3.0, 2)
