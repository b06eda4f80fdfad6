"""One run as a page to look at, with the same in Markdown and JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.compare import Comparison, compare, to_dict
from eval.diagnose import diagnose, funnel, worst_first
from eval.measures import MEASURES, show
from eval.metrics.intervals import Estimate
from eval.report_parts import (
    by_tag,
    causes,
    difference,
    drawings,
    grouped,
    is_relevant,
    judge_summary,
    settings_lists,
    tiles,
)
from eval.run_files import Run
from eval.scores import Scores, question_scores, run_figures
from eval.why import write_questions

WORST = 100
_TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Run, against: Run | None = None, folder: Path | None = None) -> Path:
    """Write report.html, .md and .json and questions.csv, by default into the run's folder.

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
    write_questions(folder / "questions.csv", run)
    return page


def render_html(
    run: Run,
    scores: Mapping[str, Scores],
    figures: Mapping[str, Estimate],
    comparison: Comparison | None = None,
) -> str:
    """Return the page: one file, no script, nothing loaded from anywhere; documents are escaped."""
    wrong, found = worst_first(run), diagnose(run)
    tagged, columns = by_tag(run.records, scores)
    return render_template(
        "report.html.j2",
        title=f"{run.header['dataset']['name']} · {run.name}",
        header=run.header,
        asked=len(run.records),
        notes=run.header["notes"],
        tiles=tiles(figures, comparison),
        stages=funnel(run.records, scores),
        wrong=wrong,
        worst=wrong[:WORST],
        causes=causes(run),
        every=[(record, found[record["id"]]) for record in run.records],
        plots=drawings(run, comparison),
        judged=judge_summary(run.records),
        comparison=comparison,
        differences=[difference(row) for row in comparison.rows] if comparison else [],
        tags=tagged,
        tag_columns=columns,
        figures=grouped(figures),
        settings=settings_lists(run),
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
    lines += [f"| {cause['label']} | {cause['count']} |" for cause in causes(run)]
    if comparison:
        lines += ["", f"## Against {comparison.a.name}", ""]
        lines += ["| figure | before | now | difference | p | |", "|---|---:|---:|---:|---:|---|"]
        for row in map(difference, comparison.rows):
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
    found = {qid: asdict(one) for qid, one in diagnose(run).items()}
    return {
        "run": dict(run.header),
        "figures": {name: asdict(estimate) for name, estimate in figures.items()},
        "funnel": [asdict(stage) for stage in funnel(run.records, scores)],
        "causes": {cause["label"]: cause["count"] for cause in causes(run)},
        "questions": [{"id": qid, **found[qid], "scores": row} for qid, row in scores.items()],
        "comparison": to_dict(comparison) if comparison else None,
    }


def render_template(name: str, **values: Any) -> str:
    """Fill a template of the templates folder; all values but style and plots are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

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
        "relevant": is_relevant,
    }
    css = Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8"))
    return environment.get_template(name).render(css=css, **values)


def squeeze(text: str, limit: int) -> str:
    """Put a text on one line and cut it at a word, so that it has at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rsplit(" ", 1)[0] + "…"
