"""The pages of evaluation: the list of runs that have a report, and each report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rag.web.markup import esc
from rag.web.page_shell import shell

REPORT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""A report is one file with its style inside and no script."""

LISTED_RUNS = 100
SHOWN_FIGURES = 3

_HEADLINES = {
    "correct": "right",
    "evidence_hit": "evidence cited",
    "auroc": "AUROC",
    "hit@10": "hit@10",
    "ndcg@10": "nDCG@10",
    "recall@50": "recall@50",
}
_PLAIN_NUMBERS = {"auroc", "ndcg@10"}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What the list shows of a run; `figures` are pairs of name and value, as people read them."""

    name: str
    dataset: str = ""
    system: str = ""
    started: str = ""
    questions: int | None = None
    figures: tuple[tuple[str, str], ...] = ()


class EvaluationRuns:
    """The runs of a folder, each a folder of its own that holds a report."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """List the runs that have a report, the newest first."""
        dated = []
        for page in self._folder.glob("*/report.html"):
            try:
                dated.append((page.stat().st_mtime, page.parent.name))
            except OSError:  # deleted meanwhile
                continue
        return [name for _, name in sorted(dated, reverse=True)]

    def summaries(self) -> list[RunSummary]:
        """Summarize the newest runs, as far as their own summary can be read."""
        return [_summary(self._folder / name) for name in self.names()[:LISTED_RUNS]]

    def report(self, name: str) -> bytes | None:
        """Return a run's report; None for a name that is not in the list."""
        if name not in self.names():
            return None
        try:
            return (self._folder / name / "report.html").read_bytes()
        except OSError:
            return None


def runs_page(summaries: Sequence[RunSummary], base: str = "/") -> str:
    """Render the list of runs, or how to make the first; `base` is the path of the chat page."""
    title = "Evaluation runs"
    if not summaries:
        body = (
            "<p>There is no run with a report yet. Make one on the command line, then reload this "
            "page:</p><pre><code>footnote eval run DATASET</code></pre>"
        )
    else:
        body = f'<ul class="runs">{"".join(_listed(run, base) for run in summaries)}</ul>'
    header = f'<header class="head"><h1>{title}</h1></header>'
    return shell(title, f"{header}<main>{body}</main>", "whole", base)


def _listed(run: RunSummary, base: str) -> str:
    details = [
        run.started[:10],
        "" if run.questions is None else _count(run.questions),
        run.system,
        run.name,
    ]
    line = " · ".join(detail for detail in details if detail)
    figures = "".join(
        f"<div><dt>{esc(label)}</dt><dd>{esc(value)}</dd></div>" for label, value in run.figures
    )
    return (
        f'<li><a href="{esc(base)}runs/{quote(run.name, safe="")}/report" dir="auto">'
        f"{esc(run.dataset or run.name)}</a>"
        f'<p class="where" dir="auto">{esc(line)}</p>'
        + (f'<dl class="figures">{figures}</dl>' if figures else "")
        + "</li>"
    )


def _count(questions: int) -> str:
    return "1 question" if questions == 1 else f"{questions:,} questions"


def _summary(folder: Path) -> RunSummary:
    """Read a run's own summary; what it lacks, or has in another form, is left out."""
    try:
        report = _mapping(json.loads((folder / "report.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return RunSummary(folder.name)
    run, questions = _mapping(report.get("run")), report.get("questions")
    return RunSummary(
        folder.name,
        _text(_mapping(run.get("dataset")).get("name")),
        _text(run.get("system")),
        _text(run.get("started")),
        len(questions) if isinstance(questions, list) else None,
        _figures(_mapping(report.get("figures"))),
    )


def _figures(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    values = ((name, _mapping(found.get(name)).get("value")) for name in _HEADLINES)
    shown = [
        (_HEADLINES[name], f"{value:.3f}" if name in _PLAIN_NUMBERS else f"{100 * value:.1f} %")
        for name, value in values
        if isinstance(value, int | float)
    ]
    return tuple(shown[:SHOWN_FIGURES])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
