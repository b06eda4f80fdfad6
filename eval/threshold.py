"""The threshold below which nothing is answered, chosen on a run's own questions.

A run records what would have been said where it kept silent, so every threshold can be looked at
without asking again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics.intervals import Difference, Estimate, mean_estimate, paired_difference
from eval.run_files import Record, Run
from eval.scores import is_correct
from rag.errors import InputError

THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(20))
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """What a threshold does: means over questions in [0, 1], None where no question bears on it.

    `right` as everywhere; `lost`: answerable, but silent; `caught`: unanswerable met with silence;
    `wrong`: of the answers given, those that are not right.
    """

    threshold: float
    right: Estimate
    lost: float | None
    caught: float | None
    wrong: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Thresholds, the one in use and the best, and what choosing one so is worth.

    `gain` is in `right` over the one in use, each question judged under the threshold that the
    other four fifths choose; None where there are too few to part.
    """

    rows: tuple[Row, ...]
    present: float
    best: Row
    gain: Difference | None


def choose_threshold(run: Run, max_wrong: float | None = None, seed: int = 0) -> Choice:
    """Find the threshold with most right; of equals, the one in use, else the middle one.

    With `max_wrong` only those count at which at most that share of the answers given is wrong.

    Raises:
        InputError: the run says nothing about thresholds, or none keeps to `max_wrong`.
    """
    present = run.header["configuration"].get("abstain_below")
    records = [record for record in run.records if record["answer"] is not None]
    if present is None or run.header["configuration"].get("model") or not records:
        raise InputError(
            f"{run.name} has no answers that a threshold decided.",
            "Take a run of the reader: without a chat model, --system or --search-only.",
        )
    shown = sorted({*THRESHOLDS, float(present)})
    if any(r["answer"]["abstained"] and not r.get("insisted") for r in records):
        shown = [t for t in shown if t >= present]  # what it held back was not recorded
    verdicts = [[_judged(record, t) for record in records] for t in shown]
    right = np.array([[each[1] for each in row] for row in verdicts], float)
    answered = np.array([[each[0] for each in row] for row in verdicts], bool)
    now = shown.index(float(present))
    chosen = _best(right, answered, max_wrong, now)
    if chosen is None:
        shares = [_wrong(*pair) for pair in zip(right, answered, strict=True)]
        least = min(share for share in shares if share is not None)
        raise InputError(
            f"At no threshold are at most {max_wrong:.0%} of the answers wrong; "
            f"the least is {least:.0%}.",
            "Allow more with --max-wrong, or see what is wrong: footnote eval why.",
        )
    can = np.array([record["case"]["answerable"] for record in records], bool)
    rows = tuple(
        Row(t, mean_estimate(right[i]), _mean(~answered[i][can]), _mean(~answered[i][~can]), wrong)
        for i, t in enumerate(shown)
        for wrong in [_wrong(right[i], answered[i])]
    )
    gain = _gain(right, answered, now, max_wrong, seed)
    return Choice(rows, float(present), rows[chosen], gain)


def insisting(record: Record) -> Record:
    """Return the record as it would be if nothing were withheld, as far as that is known."""
    answer, insisted = record["answer"], record.get("insisted")
    if answer is None or not answer["abstained"] or not insisted:
        return record
    return {**record, "answer": insisted}


def withheld_below(record: Record, threshold: float) -> Record:
    """Return the record as it would be with that threshold.

    Of several questions in one, all are withheld when the least sure answer is.
    """
    answer = record["answer"]
    if answer is None or answer["abstained"] or answer["confidence"] >= threshold:
        return record
    silent = answer | {"abstained": True, "sentences": [], "citations": [], "answer_span": None}
    return record | {"answer": silent, "insisted": answer}


def _judged(record: Record, threshold: float) -> tuple[bool, bool]:
    """Return whether the question is answered at a threshold, and whether rightly or so silent."""
    answer: Mapping[str, object] = withheld_below(insisting(record), threshold)["answer"]
    return not answer["abstained"], is_correct(record["case"], answer)


def _best(
    right: NDArray[np.float64], answered: NDArray[np.bool_], max_wrong: float | None, present: int
) -> int | None:
    """Return the row with most right among those allowed; None when none is."""
    allowed = [
        i
        for i in range(len(right))
        if max_wrong is None or (_wrong(right[i], answered[i]) or 0.0) <= max_wrong
    ]
    if not allowed:
        return None
    most = max(round(float(right[i].mean()), 9) for i in allowed)
    best = [i for i in allowed if round(float(right[i].mean()), 9) == most]
    return present if present in best else best[len(best) // 2]


def _gain(
    right: NDArray[np.float64],
    answered: NDArray[np.bool_],
    present: int,
    max_wrong: float | None,
    seed: int,
) -> Difference | None:
    """Judge each fold under the threshold that the others choose, against the one in use."""
    n = right.shape[1]
    if n < 2 * FOLDS:
        return None
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    tuned = right[present].copy()
    for each in range(FOLDS):
        others, held = fold != each, fold == each
        chosen = _best(right[:, others], answered[:, others], max_wrong, present)
        if chosen is not None:
            tuned[held] = right[chosen, held]
    return paired_difference(list(right[present]), list(tuned), seed)


def _wrong(right: NDArray[np.float64], answered: NDArray[np.bool_]) -> float | None:
    return _mean(right[answered] == 0)


def _mean(values: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    return float(np.mean(values)) if len(values) else None
