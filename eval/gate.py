"""Fail a build when a run is not good enough, and say why."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.measures import MEASURES, show
from eval.metrics.intervals import Estimate
from eval.run_files import Run
from eval.scores import run_figures
from rag.errors import InputError

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(
    r"\s*(?P<name>[a-z_0-9@]+)(?:\.(?P<part>low|high))?\s*"
    r"(?P<sign>>=|<=|>|<)\s*(?P<bound>-?\d+(?:\.\d+)?)\s*"
)
BASELINE_TOLERANCE = 0.02
_BASELINE = {"dataset", "tolerance", "figures"}
_NOT_IN_BASELINE = {"latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "tokens"}


@dataclass(frozen=True, slots=True)
class Condition:
    """What a figure, or the low or high end of its interval, must satisfy."""

    name: str
    part: str
    sign: str
    bound: float

    def __str__(self) -> str:
        part = "" if self.part == "value" else f".{self.part}"
        return f"{self.name}{part} {self.sign} {self.bound:g}"


def parse_condition(text: str) -> Condition:
    """Read a condition such as `evidence_hit>=0.8`, `auroc.low >= 0.9` or `errors<=0`.

    Raises:
        InputError: it is none, or names no figure.
    """
    match = _CONDITION.fullmatch(text)
    if not match or match["name"] not in MEASURES:
        raise InputError(
            f"{text!r} is not a condition.",
            "Write one such as 'evidence_hit>=0.8'. Figures: " + ", ".join(MEASURES) + ".",
        )
    return Condition(match["name"], match["part"] or "value", match["sign"], float(match["bound"]))


def failures(figures: Mapping[str, Estimate], conditions: Sequence[Condition]) -> list[str]:
    """Say of each condition that does not hold why; a figure that is not there does not hold."""
    reasons = []
    for condition in conditions:
        estimate = figures.get(condition.name)
        value = getattr(estimate, condition.part) if estimate else None
        if value is None:
            reasons.append(f"{condition}: the run has no such figure")
        elif not _COMPARE[condition.sign](value, condition.bound):
            reasons.append(f"{condition}: it is {value:.4f} ({show(condition.name, value)})")
    return reasons


def unfinished(run: Run) -> list[str]:
    """Say that questions are left to ask, for what was asked so far proves nothing."""
    missing = run.header["dataset"]["cases"] - len(run.records)
    return [f"the run is not finished: {missing} questions were not asked"] if missing else []


def make_baseline(run: Run) -> dict[str, Any]:
    """Return what a later run is held to: all figures but those that depend on the machine."""
    figures = run_figures(run.records)
    return {
        "dataset": dict(run.header["dataset"]),
        "tolerance": BASELINE_TOLERANCE,
        "figures": {
            name: round(estimate.value, 4)
            for name, estimate in figures.items()
            if name not in _NOT_IN_BASELINE and estimate.value is not None
        },
    }


def baseline_failures(run: Run, baseline: Mapping[str, Any]) -> list[str]:
    """Say which figures fell short of the baseline by more than its tolerance.

    A baseline of other questions, or a figure that vanished, is a failure too.
    """
    if run.header["dataset"]["fingerprint"] != baseline["dataset"]["fingerprint"]:
        return [
            f"the baseline is of other questions ({baseline['dataset']['name']} "
            f"{baseline['dataset']['fingerprint']}, the run's are "
            f"{run.header['dataset']['fingerprint']}): write it anew"
        ]
    figures, tolerance = run_figures(run.records), baseline["tolerance"]
    reasons = []
    for name, bound in baseline["figures"].items():
        estimate = figures.get(name)
        if estimate is None or estimate.value is None:
            reasons.append(f"{name}: the run has no such figure")
            continue
        rises = MEASURES[name].higher_is_better
        short = bound - estimate.value if rises else estimate.value - bound
        if short > tolerance:
            reasons.append(
                f"{name}: {show(name, estimate.value)}, the baseline is {show(name, bound)}"
            )
    return reasons


def load_baseline(path: Path) -> dict[str, Any]:
    """Read a baseline file.

    Raises:
        InputError: it is not there, or not one.
    """
    try:
        baseline = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(baseline, dict) or not set(baseline) >= _BASELINE:
            raise ValueError("expected dataset, tolerance and figures")
        if not isinstance(baseline["dataset"], dict) or "fingerprint" not in baseline["dataset"]:
            raise ValueError("expected the fingerprint of its dataset")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a baseline ({error}).", "Write one: footnote eval gate RUN --write FILE"
        ) from error
    return dict(baseline)
