"""Whether a confidence of 0.8 is right eight times in ten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose confidence lies in [low, high): how sure they were, how many were right."""

    low: float
    high: float
    count: int
    mean_confidence: float
    accuracy: float


def reliability(confidences: ArrayLike, correct: ArrayLike, bins: int = 10) -> tuple[Bin, ...]:
    """Sort answers into bins of equal width over [0, 1]; empty bins are left out.

    A confidence of exactly 1 belongs to the last bin.
    """
    values, right = np.asarray(confidences, float), np.asarray(correct, float)
    index = np.minimum((values * bins).astype(int), bins - 1)
    return tuple(
        Bin(
            low=b / bins,
            high=(b + 1) / bins,
            count=int(members.sum()),
            mean_confidence=float(values[members].mean()),
            accuracy=float(right[members].mean()),
        )
        for b in range(bins)
        if (members := index == b).any()
    )


def expected_calibration_error(
    confidences: ArrayLike, correct: ArrayLike, bins: int = 10
) -> float | None:
    """Return the mean gap between confidence and accuracy over the bins, weighted by their size.

    Naeini et al. 2015, Guo et al. 2017 (arXiv 1706.04599, equation 3); None without answers.
    """
    values = np.asarray(confidences, float)
    if not len(values):
        return None
    gaps = (
        b.count * abs(b.mean_confidence - b.accuracy)
        for b in reliability(confidences, correct, bins)
    )
    return sum(gaps) / len(values)


def brier_score(confidences: ArrayLike, correct: ArrayLike) -> float | None:
    """Return the mean squared gap between confidence and outcome (Brier 1950); None without any."""
    values = np.asarray(confidences, float)
    return float(((values - np.asarray(correct, float)) ** 2).mean()) if len(values) else None
