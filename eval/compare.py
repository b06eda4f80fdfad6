"""Two runs over the same questions: what changed, and whether it is more than luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from eval.measures import MEASURES
from eval.metrics.intervals import paired_difference, statistic_estimate
from eval.run_files import Record, Run
from eval.scores import Scores, question_scores, run_statistics
from rag.errors import InputError

FALSE_DISCOVERY_RATE = 0.05
_TELLING = ("correct", "evidence_hit", "cited_relevant", "span_f1", "hit@1", "ndcg@10")


@dataclass(frozen=True, slots=True)
class Row:
    """A measure in both runs and the paired difference, B minus A, with its 95 % interval.

    `p` is None for figures of a whole run, which have an interval only. `verdict` is "better",
    "worse" or "" when the difference may be luck.
    """

    name: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float | None
    n: int
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that got better or worse, by `measure`, the most telling one that moved."""

    record_a: Record
    record_b: Record
    measure: str
    a: float
    b: float

    @property
    def question(self) -> str:
        return str(self.record_a["case"]["question"])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Run B against run A over the questions that both answered."""

    a: Run
    b: Run
    shared: int
    rows: tuple[Row, ...]
    better: tuple[Changed, ...]
    worse: tuple[Changed, ...]


def compare(a: Run, b: Run, seed: int = 0) -> Comparison:
    """Compare runs question by question.

    Of the measures tested, those that Benjamini and Hochberg's (1995) procedure keeps at a false
    discovery rate of 5 % are called better or worse; a figure of a whole run when its interval
    leaves zero out.

    Raises:
        InputError: no question is the same in both.
    """
    of_a = {record["id"]: record for record in a.records}
    of_b = {record["id"]: record for record in b.records}
    ids = [qid for qid in of_a if qid in of_b and of_a[qid]["case"] == of_b[qid]["case"]]
    if not ids:
        raise InputError(
            f"{a.name} and {b.name} have no question in common.", "Compare runs of one dataset."
        )
    records_a, records_b = [of_a[i] for i in ids], [of_b[i] for i in ids]
    scores_a, scores_b = question_scores(records_a), question_scores(records_b)
    rows = _question_rows(ids, scores_a, scores_b, seed) + _run_rows(records_a, records_b, seed)
    rows.sort(key=lambda row: list(MEASURES).index(row.name))
    changes = [
        change for i in ids if (change := _changed(of_a[i], of_b[i], scores_a[i], scores_b[i]))
    ]
    return Comparison(
        a,
        b,
        len(ids),
        tuple(rows),
        better=tuple(change for change in changes if change.b > change.a),
        worse=tuple(change for change in changes if change.b < change.a),
    )


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON object of a comparison."""
    fields = ("name", "a", "b", "difference", "low", "high", "p", "n", "verdict")
    return {
        "a": comparison.a.name,
        "b": comparison.b.name,
        "questions": comparison.shared,
        "measures": [{name: getattr(row, name) for name in fields} for row in comparison.rows],
        "better": [change.record_a["id"] for change in comparison.better],
        "worse": [change.record_a["id"] for change in comparison.worse],
    }


def _question_rows(
    ids: Sequence[str],
    scores_a: Mapping[str, Scores],
    scores_b: Mapping[str, Scores],
    seed: int,
) -> list[Row]:
    rows = []
    for name in MEASURES:
        both = [i for i in ids if name in scores_a[i] and name in scores_b[i]]
        if not both:
            continue
        before, after = [scores_a[i][name] for i in both], [scores_b[i][name] for i in both]
        gap = paired_difference(before, after, seed)
        means = (sum(before) / gap.n, sum(after) / gap.n)
        rows.append(Row(name, *means, gap.value, gap.low, gap.high, gap.p, gap.n))
    if not rows:
        return []
    adjusted = stats.false_discovery_control([row.p for row in rows])
    return [
        _with_verdict(row, bool(q <= FALSE_DISCOVERY_RATE))
        for row, q in zip(rows, adjusted, strict=True)
    ]


def _run_rows(records_a: Sequence[Record], records_b: Sequence[Record], seed: int) -> list[Row]:
    statistics_a, statistics_b = run_statistics(records_a), run_statistics(records_b)
    rows = []
    for name, of_a in statistics_a.items():
        of_b = statistics_b.get(name)
        if of_b is None:  # one run only searched
            continue

        def gap(indices: Any, of_a: Any = of_a, of_b: Any = of_b) -> float | None:
            was, now = of_a(indices), of_b(indices)
            return None if was is None or now is None else now - was

        n = len(records_a)
        estimate = statistic_estimate(gap, n, seed)
        if estimate.value is None or estimate.low is None or estimate.high is None:
            continue
        was, now = of_a(np.arange(n)), of_b(np.arange(n))
        row = Row(
            name, was or 0.0, now or 0.0, estimate.value, estimate.low, estimate.high, None, n
        )
        rows.append(_with_verdict(row, not estimate.low <= 0 <= estimate.high))
    return rows


def _with_verdict(row: Row, significant: bool) -> Row:
    if not significant or not row.difference:
        return row
    rises = MEASURES[row.name].higher_is_better
    return replace(row, verdict="better" if (row.difference > 0) == rises else "worse")


def _changed(a: Record, b: Record, scores_a: Scores, scores_b: Scores) -> Changed | None:
    for name in _TELLING:
        was, now = scores_a.get(name, 0.0), scores_b.get(name, 0.0)
        if was != now:
            return Changed(a, b, name, was, now)
    return None
