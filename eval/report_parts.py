"""The parts of a report, as values that a template only has to place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval import plots
from eval.compare import Comparison, Row
from eval.dataset import Relevant, fingerprint
from eval.diagnose import ADVICE, Cause, diagnose
from eval.judge import Verdict, agreement
from eval.measures import GROUPS, HEADLINES, MEASURES, show
from eval.metrics.intervals import Estimate
from eval.run import holds
from eval.run_files import Record, Run
from eval.scores import Scores, confidence_outcomes, is_correct

_TAG_MEASURES = ("correct", "evidence_hit", "hit@10", "read_relevant", "cited_relevant")


def tiles(figures: Mapping[str, Estimate], comparison: Comparison | None) -> list[dict[str, Any]]:
    """Return the headline figures, with the change when there is a comparison."""
    rows = {row.name: row for row in comparison.rows} if comparison else {}
    tiles = []
    for name in [name for name in HEADLINES if name in figures][:6]:
        estimate, measure = figures[name], MEASURES[name]
        scale = 1.0 if measure.unit != "ms" else 1.25 * (estimate.high or estimate.value or 1.0)
        low, high = estimate.low, estimate.high
        tile = {
            "label": measure.label,
            "says": measure.says,
            "value": show(name, estimate.value),
            "low": None if low is None else show(name, low),
            "high": show(name, high),
            "from": round(100 * (low or 0.0) / scale, 1),
            "width": round(100 * ((high or 0.0) - (low or 0.0)) / scale, 1),
            "at": round(100 * (estimate.value or 0.0) / scale, 1),
            "change": "",
            "verdict": "",
        }
        if name in rows and rows[name].difference:
            row = difference(rows[name])
            tile |= {"change": row["difference"], "verdict": row["verdict"]}
        tiles.append(tile)
    return tiles


def causes(run: Run) -> list[dict[str, Any]]:
    """Count what went wrong, the most frequent first."""
    counts = Counter(found.cause for found in diagnose(run).values() if found.cause)
    return [
        {"label": cause.value, "count": count, "advice": ADVICE[cause]}
        for cause, count in sorted(
            counts.items(), key=lambda pair: (-pair[1], list(Cause).index(pair[0]))
        )
    ]


def drawings(run: Run, comparison: Comparison | None) -> dict[str, str]:
    """Draw what the records allow; "" for what they do not."""
    seconds = [record["seconds"] for record in run.records if not record["error"]]
    drawn = {
        "risk": "",
        "calibration": "",
        "latency": plots.latency_plot(seconds) if seconds else "",
    }
    if any(record["answer"] or record["error"] for record in run.records):
        curves = [(run.name, *confidence_outcomes(run.records))]
        if comparison:
            curves.append((comparison.a.name, *confidence_outcomes(comparison.a.records)))
        spoken = sum(1 for r in run.records if r["answer"] and not r["answer"]["abstained"])
        drawn["risk"] = plots.risk_coverage_plot(curves, spoken / len(run.records))
        drawn["calibration"] = plots.calibration_plot(*curves[0][1:])
    return drawn


def by_tag(
    records: Sequence[Record], scores: Mapping[str, Scores]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for each tag and the headings of its cells."""
    counts = Counter(tag for record in records for tag in record["case"]["tags"])
    known = [m for m in _TAG_MEASURES if any(m in row for row in scores.values())]
    rows = []
    for tag, n in counts.most_common():
        cells = []
        for measure in known:
            values = [
                scores[r["id"]][measure]
                for r in records
                if tag in r["case"]["tags"] and measure in scores[r["id"]]
            ]
            mean = sum(values) / len(values) if values else None
            share = None if mean is None else round(100 * mean, 1)
            cells.append({"share": share, "text": show(measure, mean)})
        rows.append({"name": tag, "n": n, "cells": cells})
    return rows, [MEASURES[name].label for name in known]


def grouped(figures: Mapping[str, Estimate]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the figures by group, as a person reads them."""
    rows: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS}
    for name, estimate in figures.items():
        measure = MEASURES[name]
        shown = {part: show(name, getattr(estimate, part)) for part in ("value", "low", "high")}
        rows[measure.group].append(
            {"label": measure.label, "says": measure.says, "n": estimate.n, **shown}
        )
    return [(group, listed) for group, listed in rows.items() if listed]


def difference(row: Row) -> dict[str, str]:
    """Return a row of a comparison, as a person reads it."""

    def signed(value: float) -> str:
        text = show(row.name, abs(value))
        return text if not value else ("+" if value > 0 else "−") + text

    return {
        "label": MEASURES[row.name].label,
        "a": show(row.name, row.a),
        "b": show(row.name, row.b),
        "difference": signed(row.difference),
        "low": signed(row.low),
        "high": signed(row.high),
        "p": "" if row.p is None else f"{row.p:.3f}",
        "verdict": row.verdict,
    }


def settings_lists(run: Run) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Return what the run was made with, under headings."""
    header = run.header
    configured = header["configuration"]
    return [
        (
            "Configuration",
            [(name, "–" if value == "" else value) for name, value in configured.items()]
            + [("fingerprint", fingerprint(configured))],
        ),
        (
            "Dataset and store",
            [(f"dataset {name}", value) for name, value in header["dataset"].items()]
            + [(f"store {name}", value) for name, value in header["store"].items()],
        ),
        ("Versions", list(header["versions"].items())),
    ]


def is_relevant(hit: Mapping[str, Any], record: Record) -> bool:
    """Say whether a hit holds something that its question wants."""
    relevant = [Relevant(**item) for item in record["case"]["relevant"]]
    return bool(holds(hit["source"], hit["text"], relevant))


def judge_summary(records: Sequence[Record]) -> dict[str, Any] | None:
    """Return how a judge and the exact measure agree, and where they do not; None unjudged."""
    judged = [record for record in records if record.get("judge")]
    if not judged:
        return None
    found = agreement(judged)
    differing = [
        record
        for record in judged
        if record["judge"]["verdict"] != Verdict.UNSCORED
        and (record["judge"]["verdict"] == Verdict.RIGHT)
        != is_correct(record["case"], record["answer"])
    ]
    return {
        "model": judged[0]["judge"]["by"]["model"],
        "n": found.n,
        "unscored": found.unscored,
        "share": "–" if found.share is None else f"{100 * found.share:.0f} %",
        "kappa": "–" if found.kappa is None else f"{found.kappa:.2f}",
        "differing": differing,
    }
