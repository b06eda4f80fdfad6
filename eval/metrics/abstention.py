"""How well an assistant knows what it does not know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Abstention:
    """Shares in [0, 1]; None where the denominator is empty.

    `precision`, `recall` and `f1` are of abstaining as a detector of unanswerable questions;
    `false_abstention` is the share of answerable questions that were not answered.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    false_abstention: float | None


def abstention(answerable: ArrayLike, abstained: ArrayLike) -> Abstention:
    """Compare what was left unanswered with what has no answer."""
    can, quiet = np.asarray(answerable, bool), np.asarray(abstained, bool)
    right = int((~can & quiet).sum())
    precision = _share(right, int(quiet.sum()))
    recall = _share(right, int((~can).sum()))
    both = int(quiet.sum()) + int((~can).sum())
    return Abstention(
        precision,
        recall,
        2 * right / both if both else None,
        _share(int((can & quiet).sum()), int(can.sum())),
    )


def auroc(scores: ArrayLike, positive: ArrayLike) -> float | None:
    """Return the probability that a positive outscores a negative, ties counting half.

    It is the Mann-Whitney statistic (Hanley and McNeil 1982); None without both kinds.
    """
    values, labels = np.asarray(scores, float), np.asarray(positive, bool)
    above, below = int(labels.sum()), int((~labels).sum())
    if not above or not below:
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(middle_ranks[inverse][labels].sum())
    return (rank_sum - above * (above + 1) / 2) / (above * below)


def recall_at_false_abstention(
    scores: ArrayLike, answerable: ArrayLike, rate: float = 0.05
) -> float | None:
    """Return the share of unanswerable questions caught when `rate` of the answerable are lost.

    The threshold is the highest at which at most that share of answerable questions scores below
    it; None without both kinds.
    """
    values, can = np.asarray(scores, float), np.asarray(answerable, bool)
    if can.all() or not can.any():
        return None
    kept = np.sort(values[can])
    threshold = kept[int(rate * len(kept))]
    return float((values[~can] < threshold).mean())


def risk_coverage(confidences: ArrayLike, correct: ArrayLike) -> tuple[list[float], list[float]]:
    """Return coverages and risks as questions are answered from the most confident on.

    After El-Yaniv and Wiener (2010): coverage is the share answered, risk the share of those that
    is wrong. Equally confident questions are answered together, so one point stands for a tie.
    """
    values, right = np.asarray(confidences, float), np.asarray(correct, bool)
    if not len(values):
        return [], []
    order = np.argsort(-values, kind="stable")
    values, right = values[order], right[order]
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    counts = np.arange(1, len(values) + 1)
    risks = np.cumsum(~right) / counts
    return [float(counts[i] / len(values)) for i in last], [float(risks[i]) for i in last]


def risk_coverage_area(confidences: ArrayLike, correct: ArrayLike) -> float | None:
    """Return the mean risk over all coverages, in [0, 1], lower is better (Geifman et al. 2019).

    Within a tie each question takes the risk of the whole tie. None without questions.
    """
    coverages, risks = risk_coverage(confidences, correct)
    if not coverages:
        return None
    widths = np.diff([0.0, *coverages])
    return float(np.dot(widths, risks))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
