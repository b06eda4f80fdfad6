"""Try settings over a dataset: what each costs in time and gains in quality.

Passages of one size share a store that is kept, so only what is new is embedded; the threshold
costs nothing, for every trial answers throughout and is cut off afterwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.dataset import Case, Dataset, fingerprint
from eval.measures import MEASURES, show
from eval.metrics.intervals import (
    Difference,
    Estimate,
    mean_estimate,
    paired_difference,
    percentile,
)
from eval.run import ask
from eval.run_files import Record
from eval.scores import OF_RUNS, question_scores
from eval.session import check
from eval.systems import build_store, open_footnote
from eval.threshold import THRESHOLDS, withheld_below
from eval.varying import STORED
from rag.errors import InputError, NoDocumentsError
from rag.settings import Settings

Values = dict[str, Any]
GRID: dict[str, Sequence[Any]] = {
    "passage_chars": (600, 1000, 1500),
    "overlap_chars": (0, 200),
    "read_k": (5, 10, 20),
}
SEARCH_GRID: dict[str, Sequence[Any]] = {"read_k": (5, 10, 20), "dense_share": (0.2, 0.4, 0.6)}
"""What can be varied over a store as it is."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One choice of settings: its quality with interval, and the median time of an answer."""

    values: Values
    quality: Estimate
    milliseconds: float
    on_frontier: bool = False

    @property
    def label(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.values.items())


@dataclass(frozen=True, slots=True)
class Check:
    """The winner against the present settings, over questions it was not chosen on."""

    measure: str
    present: float
    winner: float
    difference: Difference


def sweep(
    dataset: Dataset,
    corpus: Sequence[Path],
    settings: Settings,
    *,
    grid: Mapping[str, Sequence[Any]],
    measure: str,
    folder: Path,
    on_trial: Callable[[int, int, Values], None] = lambda done, total, values: None,
) -> list[Trial]:
    """Try every combination of the grid and, for each, the threshold that does best.

    Stores are kept under the folder by what they were written with. Without a corpus the store of
    the settings is asked.

    Raises:
        InputError: the measure is none that a question has and that rises, the grid asks for other
            stores and there is no corpus to write, or the dataset quotes what no document says.
        NoDocumentsError: there is nothing to ask.
    """
    _check_measure(measure)
    if not corpus and (stored := [name for name in STORED if name in grid]):
        raise InputError(
            f"{' and '.join(stored)} cannot be varied over a store that is already written.",
            "Give its documents, to write others for the trial: --corpus my-documents",
        )
    choices = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    trials = []
    for number, values in enumerate(choices, start=1):
        on_trial(number, len(choices), values)
        tried = settings.model_copy(update=values | {"abstain_below": 0.0})
        records = answer_throughout(dataset.cases, corpus, tried, folder)
        threshold, quality = best_threshold(records, measure)
        milliseconds = percentile([1000 * record["seconds"] for record in records], 50) or 0.0
        trials.append(Trial(values | {"abstain_below": threshold}, quality, milliseconds))
    return mark_frontier(trials)


def answer_throughout(
    cases: Sequence[Case], corpus: Sequence[Path], settings: Settings, folder: Path
) -> list[Record]:
    """Ask every case under the settings, over the kept store that fits them, or over their own."""
    if corpus:
        written_with = {name: getattr(settings, name) for name in STORED}
        store = folder / fingerprint([written_with, [str(path) for path in corpus]])
        settings = settings.model_copy(update={"data_dir": store})
        build_store(settings, corpus)
    with open_footnote(settings) as (footnote, parts):
        if not parts.catalog.counts().documents:
            raise NoDocumentsError(
                f"{settings.data_dir}: there are no documents to ask.",
                "Add some: footnote ingest FOLDER; or give them for the trials: --corpus FOLDER",
            )
        check(cases, parts, ())
        return [ask(footnote, case) for case in cases]


def best_threshold(records: Sequence[Record], measure: str) -> tuple[float, Estimate]:
    """Return the threshold with the highest mean of a measure; of equals, the middle one.

    Raises:
        InputError: no question has the measure.
    """
    means = []
    for threshold in THRESHOLDS:
        estimate = quality_at(records, measure, threshold)
        if estimate.value is None:
            raise InputError(f"No question has {measure!r}.", "Choose another with --measure.")
        means.append(round(estimate.value, 9))
    best = [t for t, mean in zip(THRESHOLDS, means, strict=True) if mean == max(means)]
    chosen = best[len(best) // 2]
    return chosen, quality_at(records, measure, chosen)


def quality_at(records: Sequence[Record], measure: str, threshold: float) -> Estimate:
    """Estimate a measure as if less confident answers had been withheld."""
    scores = question_scores([withheld_below(record, threshold) for record in records])
    return mean_estimate([row[measure] for row in scores.values() if measure in row])


def mark_frontier(trials: Sequence[Trial]) -> list[Trial]:
    """Mark the trials that no other beats in both quality and time; fastest first."""
    ordered = sorted(trials, key=lambda t: (t.milliseconds, -(t.quality.value or 0.0)))
    marked, best = [], -1.0
    for trial in ordered:
        value = trial.quality.value or 0.0
        marked.append(Trial(trial.values, trial.quality, trial.milliseconds, value > best))
        best = max(best, value)
    return marked


def winner(trials: Sequence[Trial]) -> Trial:
    """Return the fastest trial whose quality is within one standard error of the best.

    It is Breiman's rule (1984): differences smaller than that are not worth their time.
    """
    best = max(trials, key=lambda t: t.quality.value or 0.0)
    spread = ((best.quality.high or 0.0) - (best.quality.low or 0.0)) / (2 * 1.96)
    good = [t for t in trials if (t.quality.value or 0.0) >= (best.quality.value or 0.0) - spread]
    return min(good, key=lambda t: t.milliseconds)


def check_winner(
    held: Dataset,
    corpus: Sequence[Path],
    settings: Settings,
    best: Trial,
    measure: str,
    folder: Path,
) -> Check:
    """Ask held-back questions under the present and the winning settings."""
    scored = []
    for chosen in (settings, settings.model_copy(update=best.values)):
        scores = question_scores(answer_throughout(held.cases, corpus, chosen, folder))
        scored.append({qid: row[measure] for qid, row in scores.items() if measure in row})
    # Some measures bear on a question only when it is answered, and not both may do so.
    both = [qid for qid in scored[0] if qid in scored[1]]
    if not both:
        raise InputError(
            f"No question of the check has {measure!r}.", "Choose another with --measure."
        )
    present, tuned = ([one[qid] for qid in both] for one in scored)
    gap = paired_difference(present, tuned)
    return Check(measure, float(np.mean(present)), float(np.mean(tuned)), gap)


def write_page(path: Path, trials: Sequence[Trial], best: Trial, measure: str) -> Path:
    """Write the frontier as a page of its own."""
    from eval.plots import frontier_plot
    from eval.report import render_template

    points = [(t.label, t.milliseconds, t.quality.value or 0.0, t.on_frontier) for t in trials]
    plot = frontier_plot(points, MEASURES[measure].label)
    rows = [
        {
            "label": trial.label,
            "quality": show(measure, trial.quality.value),
            "low": show(measure, trial.quality.low),
            "high": show(measure, trial.quality.high),
            "ms": f"{trial.milliseconds:,.0f} ms",
            "role": "winner" if trial is best else "frontier" if trial.on_frontier else "",
        }
        for trial in trials
    ]
    page = render_template(
        "frontier.html.j2", plot=plot, rows=rows, measure=MEASURES[measure].label, best=best.label
    )
    path.write_text(page, encoding="utf-8")
    return path


def spread_of(trials: Sequence[Trial]) -> Iterator[tuple[str, Any, float]]:
    """Yield for each setting and value the mean quality of the trials that share it."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    for name in names:
        for value in sorted({trial.values[name] for trial in trials}):
            having = [t.quality.value or 0.0 for t in trials if t.values[name] == value]
            yield name, value, float(np.mean(having))


def _check_measure(name: str) -> None:
    measure = MEASURES.get(name)
    if measure and measure.higher_is_better and name not in OF_RUNS:
        return
    fault = "is no figure"
    if measure:
        fault = "is of a whole run" if name in OF_RUNS else "is better when it is lower"
    known = [n for n, one in MEASURES.items() if one.higher_is_better and n not in OF_RUNS]
    raise InputError(f"{name!r} {fault}, so it cannot be raised.", f"Of: {', '.join(known)}.")
