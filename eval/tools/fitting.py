"""Two small fits: which sentence answers, and how probably the best one does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

RIDGE = 0.001

Floats = NDArray[np.float64]
Described = tuple[Floats, NDArray[np.bool_]]
"""The features of a question's sentences, (n, features), and which of them answer, (n,)."""


def fit_softmax(
    described: Sequence[Described], *, abstaining: bool = False, signs: Sequence[int] = ()
) -> Floats:
    """Fit weights so that the sentences that answer have most of the softmax over all of them.

    `signs` says of each feature whether it speaks for (1) or against (-1) a sentence: few questions
    should not teach that a missing name is good news.

    With `abstaining`, one more weight comes last, the score of saying nothing, which is the right
    choice where no sentence answers. Without it such questions are left out.
    """
    usable = [(rows, gold) for rows, gold in described if abstaining or gold.any()]
    extended = [_with_nothing(rows, gold) if abstaining else (rows, gold) for rows, gold in usable]
    size = extended[0][0].shape[1]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for rows, gold in extended:
            scores = rows @ weights
            odds = np.exp(scores - scores.max())
            share = odds / odds.sum()
            right = max(float(share[gold].sum()), 1e-300)
            total -= np.log(right) / len(extended)
            slope = slope + (share @ rows - (share[gold] / right) @ rows[gold]) / len(extended)
        return total, slope

    bounds: list[tuple[int | None, int | None]]
    bounds = [(0, None) if sign > 0 else (None, 0) for sign in signs]
    bounds += [(None, None)] * (size - len(bounds))
    start = np.zeros(size)
    fitted: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return fitted


def fit_line(values: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Fit slope and intercept of the log-odds of being right (Platt 1999)."""
    x, sign = np.asarray(values, float), 2 * np.asarray(right, float) - 1

    def loss(line: Floats) -> float:
        return float(np.logaddexp(0, -sign * (line[0] * x + line[1])).mean())

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(slope), float(intercept)


def log_odds(probabilities: Sequence[float]) -> Floats:
    """Return finite log-odds."""
    values = np.clip(np.asarray(probabilities, float), 1e-12, 1 - 1e-12)
    odds: Floats = np.log(values / (1 - values))
    return odds


def _with_nothing(rows: Floats, gold: NDArray[np.bool_]) -> Described:
    """Add the choice of saying nothing: a row and a column of its own."""
    count, width = rows.shape
    extended = np.zeros((count + 1, width + 1))
    extended[:count, :width] = rows
    extended[count, width] = 1.0
    return extended, np.append(gold, not gold.any())
