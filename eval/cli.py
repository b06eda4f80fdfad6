"""The commands of `footnote eval`. Importing this loads nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from eval import cli_sets, cli_tuning
from eval.cli_options import (
    Corpus,
    DataDir,
    DatasetPath,
    Limit,
    RunName,
    Sample,
    Set,
    Tags,
    err,
    out,
)

eval_app = typer.Typer(
    help="Score the assistant on questions whose answers are known, and see why it fails.",
    no_args_is_help=True,
)


def run(
    dataset: DatasetPath,
    corpus: Corpus = None,
    data_dir: DataDir = None,
    limit: Limit = None,
    sample: Sample = None,
    tag: Tags = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="The run's folder; an unfinished run goes on.")
    ] = None,
    system: Annotated[
        str, typer.Option(help="footnote, or langchain for a plain pipeline.")
    ] = "footnote",
    search_only: Annotated[
        bool, typer.Option("--search-only", help="Score the search alone; nothing is read.")
    ] = False,
    assignments: Set = None,
) -> None:
    """Ask every question, keep a record of each, print the figures and write a report."""
    from eval.session import evaluate, new_folder, require_extra, settings_with

    require_extra()
    from eval.loaders import load_dataset
    from eval.report import write_report
    from eval.terminal import print_figures, progress

    settings = settings_with(assignments or (), data_dir)
    chosen = load_dataset(dataset).select(tags=tag or (), limit=limit, sample=sample)
    folder = out_folder or new_folder(settings, chosen)
    folder.mkdir(parents=True, exist_ok=True)
    files = list(corpus or ())
    if not files and data_dir is None:
        files = chosen.corpus_files(folder)
    with progress(err, len(chosen.cases)) as on_record:
        finished = evaluate(
            chosen,
            settings,
            folder,
            corpus=files,
            system=system,
            search_only=search_only,
            on_record=on_record,
        )
    print_figures(out, finished)
    page = write_report(finished)
    out.print(f"Report: {page}", highlight=False)


def runs(data_dir: DataDir = None) -> None:
    """List the runs of a store, the newest first."""
    from eval.session import require_extra, run_summaries, runs_folder, settings_with

    require_extra()
    from eval.terminal import print_runs

    settings = settings_with((), data_dir)
    found = run_summaries(settings)
    if not found:
        out.print(
            f"There is no run in {runs_folder(settings)}. Make one: footnote eval run DATASET",
            highlight=False,
        )
        return
    print_runs(out, found)


def report(
    run_name: RunName = "last",
    against: Annotated[str | None, typer.Option(help="An earlier run to compare with.")] = None,
    data_dir: DataDir = None,
    out_folder: Annotated[Path | None, typer.Option("--out", help="Where to write it.")] = None,
) -> None:
    """Write a run's report: one HTML file without network, Markdown and JSON beside it."""
    from eval.session import find_run, require_extra, settings_with

    require_extra()
    from eval.report import write_report

    settings = settings_with((), data_dir)
    earlier = find_run(settings, against) if against else None
    page = write_report(find_run(settings, run_name), earlier, out_folder)
    out.print(f"Report: {page}", highlight=False)


def why(
    run_name: RunName = "last",
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="This question, with all that was read.")
    ] = None,
    cause: Annotated[
        str, typer.Option(help="Only what went wrong so, in words of the cause: withheld.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the worst first.")] = 20,
    data_dir: DataDir = None,
) -> None:
    """Say which step lost each question that went wrong: search, reading, or the threshold."""
    from eval.session import find_run, require_extra, settings_with

    require_extra()
    from eval.why import print_why, questions_shown

    found = find_run(settings_with((), data_dir), run_name)
    shown = questions_shown(found, ids or (), cause)
    print_why(out, found, shown[: None if ids else limit], whole=bool(ids))
    if not ids and len(shown) > limit:
        out.print(f"{len(shown) - limit} more: --limit {len(shown)}", highlight=False)


def compare(
    a: Annotated[str, typer.Argument(help="The earlier run.")],
    b: Annotated[str, typer.Argument(help="The later run.")] = "last",
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what changed from run A to run B, and whether it is more than luck."""
    from eval.session import find_run, require_extra, settings_with

    require_extra()
    from eval.compare import compare as compare_runs
    from eval.compare import to_dict
    from eval.terminal import print_comparison

    settings = settings_with((), data_dir)
    result = compare_runs(find_run(settings, a), find_run(settings, b))
    if as_json:
        typer.echo(json.dumps(to_dict(result), ensure_ascii=False))
    else:
        print_comparison(out, result)


def gate(
    run_name: RunName = "last",
    minimum: Annotated[
        list[str] | None,
        typer.Option("--min", help="A condition: 'evidence_hit>=0.8', 'auroc.low>=0.9'."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="A baseline file that the run must not fall below.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the run's figures as a baseline file.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Exit with 1 and the reason when a run is not good enough."""
    from eval.session import find_run, require_extra, settings_with

    require_extra()
    from eval import gate as gates
    from eval.scores import run_figures

    found = find_run(settings_with((), data_dir), run_name)
    conditions = [gates.parse_condition(text) for text in minimum or ()]
    reasons = gates.unfinished(found)
    if conditions:
        reasons += gates.failures(run_figures(found.records), conditions)
    if baseline:
        reasons += gates.baseline_failures(found, gates.load_baseline(baseline))
    if write and not reasons:
        write.write_text(json.dumps(gates.make_baseline(found), indent=2) + "\n", encoding="utf-8")
        out.print(f"Baseline: {write}", highlight=False)
    if reasons:
        for reason in reasons:
            err.print(f"[red]not good enough:[/] {reason}", highlight=False)
        raise typer.Exit(1)
    out.print(f"{found.name}: good enough.", highlight=False)


def judge(run_name: RunName = "last", data_dir: DataDir = None) -> None:
    """Let the chat model of FOOTNOTE_MODEL grade the answers of a run against the references."""
    from eval.session import find_run, require_extra, settings_with

    require_extra()
    from eval.judge import judge_run, load_judge
    from eval.report import write_report
    from eval.run_files import load_run
    from eval.terminal import counter, print_judge

    settings = settings_with((), data_dir)
    found = find_run(settings, run_name)
    model = load_judge(settings)
    with counter(err, "Judging") as on_judged:
        judge_run(found, model, settings.model, on_judged)
    judged = load_run(found.folder)
    print_judge(out, judged)
    out.print(f"Report: {write_report(judged)}", highlight=False)


_PANELS: dict[str, dict[str, Callable[..., None]]] = {
    "Make questions": {
        "from-documents": cli_sets.from_documents,
        "from-history": cli_sets.from_history,
        "from-feedback": cli_sets.from_feedback,
        "check": cli_sets.check,
    },
    "Run and read": {
        "run": run,
        "runs": runs,
        "report": report,
        "why": why,
        "compare": compare,
        "gate": gate,
        "judge": judge,
    },
    "Choose settings": {"threshold": cli_tuning.threshold, "tune": cli_tuning.tune},
}
for panel, commands in _PANELS.items():
    for name, command in commands.items():
        eval_app.command(name, rich_help_panel=panel)(command)
