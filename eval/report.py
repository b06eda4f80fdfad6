"""One run as a page to look at, with the same in Markdown and JSON beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval import plots
from eval.compare import Comparison, Row, compare, to_dict
from eval.dataset import Relevant, fingerprint
from eval.diagnose import ADVICE, Cause, cause_of, funnel, worst_first
from eval.measures import GROUPS, HEADLINES, MEASURES, show
from eval.metrics.intervals import Estimate
from eval.run import Record, Run, holds
from eval.scores import Scores, confidence_outcomes, question_scores, run_figures

WORST = 25
_TAG_MEASURES = ("correct", "evidence_hit", "hit@10", "read_relevant", "cited_relevant")
_TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Run, against: Run | None = None, folder: Path | None = None) -> Path:
    """Write report.html, report.md and report.json, by default into the run's folder.

    Returns the path of the page. `against` is the earlier run; differences are this one minus it.
    """
    folder = folder or run.folder
    folder.mkdir(parents=True, exist_ok=True)
    scores = question_scores(run.records)
    figures = run_figures(run.records, scores)
    comparison = compare(against, run) if against else None
    page = folder / "report.html"
    page.write_text(render_html(run, scores, figures, comparison), encoding="utf-8")
    (folder / "report.md").write_text(render_markdown(run, figures, comparison), encoding="utf-8")
    (folder / "report.json").write_text(
        json.dumps(render_dict(run, scores, figures, comparison), indent=1, ensure_ascii=False)
        + "\n",
        encoding="utf-8",
    )
    return page


def render_html(
    run: Run,
    scores: Mapping[str, Scores],
    figures: Mapping[str, Estimate],
    comparison: Comparison | None = None,
) -> str:
    """Return the page: one file, no script, nothing loaded from anywhere; documents are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "squeeze": squeeze,
        "short": lambda source: source.rsplit("/", 1)[-1],
        "relevant": _is_relevant,
        "lost": _rank_if_not_read,
    }
    wrong = worst_first(run.records)
    tagged, columns = _tags(run.records, scores)
    return environment.get_template("report.html.j2").render(
        title=f"{run.header['dataset']['name']} · {run.name}",
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        header=run.header,
        asked=len(run.records),
        notes=run.header["notes"],
        tiles=_tiles(figures, comparison),
        stages=funnel(run.records, scores),
        wrong=wrong,
        worst=wrong[:WORST],
        causes=_causes(run.records),
        plots=_plots(run, comparison),
        comparison=comparison,
        differences=[_difference(row) for row in comparison.rows] if comparison else [],
        tags=tagged,
        tag_columns=columns,
        figures=_grouped(figures),
        settings=_settings(run),
    )


def render_markdown(
    run: Run, figures: Mapping[str, Estimate], comparison: Comparison | None = None
) -> str:
    """Return the figures as Markdown, for a pull request or a log."""
    dataset = run.header["dataset"]
    lines = [
        f"# {dataset['name']}: {run.header['system']}",
        "",
        f"{len(run.records)} of {dataset['cases']} questions, dataset `{dataset['fingerprint']}`, "
        f"store `{run.header['store'].get('fingerprint', '')}`, {run.header['started']}",
        "",
        "| figure | value | 95 % interval | questions |",
        "|---|---:|---:|---:|",
    ]
    for name, estimate in figures.items():
        low, high = show(name, estimate.low), show(name, estimate.high)
        label = MEASURES[name].label
        lines.append(f"| {label} | {show(name, estimate.value)} | {low} to {high} | {estimate.n} |")
    lines += ["", "| what went wrong | questions |", "|---|---:|"]
    lines += [f"| {cause['label']} | {cause['count']} |" for cause in _causes(run.records)]
    if comparison:
        lines += ["", f"## Against {comparison.a.name}", ""]
        lines += ["| figure | before | now | difference | p | |", "|---|---:|---:|---:|---:|---|"]
        for row in map(_difference, comparison.rows):
            cells = (row[key] for key in ("label", "a", "b", "difference", "p", "verdict"))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def render_dict(
    run: Run,
    scores: Mapping[str, Scores],
    figures: Mapping[str, Estimate],
    comparison: Comparison | None = None,
) -> dict[str, Any]:
    """Return everything the page shows as a JSON object, but the texts."""
    causes = {record["id"]: cause_of(record) for record in run.records}
    return {
        "run": dict(run.header),
        "figures": {name: asdict(estimate) for name, estimate in figures.items()},
        "funnel": [asdict(stage) for stage in funnel(run.records, scores)],
        "causes": {cause["label"]: cause["count"] for cause in _causes(run.records)},
        "questions": [
            {"id": qid, "cause": causes[qid], "scores": row} for qid, row in scores.items()
        ],
        "comparison": to_dict(comparison) if comparison else None,
    }


def squeeze(text: str, limit: int) -> str:
    """Put a text on one line and cut it at a word, so that it has at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rsplit(" ", 1)[0] + "…"


def _tiles(figures: Mapping[str, Estimate], comparison: Comparison | None) -> list[dict[str, Any]]:
    rows = {row.name: row for row in comparison.rows} if comparison else {}
    tiles = []
    for name in HEADLINES:
        if name not in figures:
            continue
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
            row = _difference(rows[name])
            tile |= {"change": row["difference"], "verdict": row["verdict"]}
        tiles.append(tile)
    return tiles


def _causes(records: Sequence[Record]) -> list[dict[str, Any]]:
    counts = Counter(cause for record in records if (cause := cause_of(record)))
    return [
        {"label": cause.value, "count": count, "advice": ADVICE[cause]}
        for cause, count in sorted(
            counts.items(), key=lambda pair: (-pair[1], list(Cause).index(pair[0]))
        )
    ]


def _plots(run: Run, comparison: Comparison | None) -> dict[str, str]:
    seconds = [record["seconds"] for record in run.records if not record["error"]]
    drawn = {
        "risk": "",
        "calibration": "",
        "latency": plots.latency_plot(seconds) if seconds else "",
    }
    if run.records:
        curves = [(run.name, *confidence_outcomes(run.records))]
        if comparison:
            curves.append((comparison.a.name, *confidence_outcomes(comparison.a.records)))
        spoken = sum(1 for r in run.records if r["answer"] and not r["answer"]["abstained"])
        drawn["risk"] = plots.risk_coverage_plot(curves, spoken / len(run.records))
        drawn["calibration"] = plots.calibration_plot(*curves[0][1:])
    return drawn


def _tags(
    records: Sequence[Record], scores: Mapping[str, Scores]
) -> tuple[list[dict[str, Any]], list[str]]:
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


def _grouped(figures: Mapping[str, Estimate]) -> list[tuple[str, list[dict[str, Any]]]]:
    rows: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS}
    for name, estimate in figures.items():
        measure = MEASURES[name]
        shown = {part: show(name, getattr(estimate, part)) for part in ("value", "low", "high")}
        rows[measure.group].append(
            {"label": measure.label, "says": measure.says, "n": estimate.n, **shown}
        )
    return [(group, listed) for group, listed in rows.items() if listed]


def _difference(row: Row) -> dict[str, str]:
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


def _settings(run: Run) -> list[tuple[str, list[tuple[str, Any]]]]:
    header = run.header
    configured = header["configuration"]
    return [
        ("Configuration", [*configured.items(), ("fingerprint", fingerprint(configured))]),
        (
            "Dataset and store",
            [(f"dataset {name}", value) for name, value in header["dataset"].items()]
            + [(f"store {name}", value) for name, value in header["store"].items()],
        ),
        ("Versions", list(header["versions"].items())),
    ]


def _is_relevant(hit: Mapping[str, Any], record: Record) -> bool:
    relevant = [Relevant(**item) for item in record["case"]["relevant"]]
    return bool(holds(hit["source"], hit["text"], relevant))


def _rank_if_not_read(found: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the rank of the first wanted passage when it is not among the first ten."""
    ranks = [hit["rank"] for hit in found if hit["holds"]]
    return ranks[0] if ranks and ranks[0] > 10 else None
