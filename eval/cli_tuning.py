"""The commands that choose settings. Importing this loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.cli_options import Corpus, DataDir, DatasetPath, Limit, RunName, Sample, Tags, err, out


def threshold(
    run_name: RunName = "last",
    max_wrong: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="At most this share of the answers may be wrong: 0.1."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the best to this footnote.toml.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show what each abstain_below would do to a run, without asking again."""
    from eval.session import find_run, require_extra, settings_with

    require_extra()
    from eval.terminal import print_thresholds
    from eval.threshold import choose_threshold
    from eval.varying import write_settings

    found = choose_threshold(find_run(settings_with((), data_dir), run_name), max_wrong)
    print_thresholds(out, found)
    if write:
        write_settings(write, {"abstain_below": found.best.threshold})
        out.print(f"Settings: {write}", highlight=False)


def tune(
    dataset: DatasetPath,
    corpus: Corpus = None,
    data_dir: DataDir = None,
    limit: Limit = None,
    sample: Sample = None,
    tag: Tags = None,
    vary: Annotated[
        list[str] | None, typer.Option(help="A setting and what to try: read_k=5,10,20.")
    ] = None,
    measure: Annotated[str, typer.Option(help="What to raise.")] = "correct",
    check: Annotated[
        str | None, typer.Option(help="Keep this tag aside; compare winner and present on it.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the winner to this footnote.toml.")
    ] = None,
) -> None:
    """Try settings and thresholds; show quality against time. Passage sizes need --corpus."""
    from eval.session import require_extra, settings_with

    require_extra()
    from eval import tune as tuning
    from eval import varying
    from eval.loaders import load_dataset
    from eval.terminal import print_check, print_trials, trial_progress

    settings = settings_with((), data_dir)
    folder = settings.data_dir / "tune"
    folder.mkdir(parents=True, exist_ok=True)
    loaded = load_dataset(dataset)
    files = list(corpus or ()) or loaded.corpus_files(folder)
    held = loaded.select(tags=[check]) if check else None
    chosen = loaded.without(check or "").select(tags=tag or (), limit=limit, sample=sample)
    grid = varying.parse_grid(vary) if vary else tuning.GRID if files else tuning.SEARCH_GRID
    with trial_progress(err) as on_trial:
        trials = tuning.sweep(
            chosen,
            files,
            settings,
            grid=grid,
            measure=measure,
            folder=folder,
            on_trial=on_trial,
        )
    best = tuning.winner(trials)
    print_trials(out, trials, best, measure)
    page = tuning.write_page(folder / "tune.html", trials, best, measure)
    out.print(f"Frontier: {page}", highlight=False)
    if check and held:
        print_check(out, check, tuning.check_winner(held, files, settings, best, measure, folder))
    if write:
        varying.write_settings(write, best.values)
        out.print(f"Settings: {write}", highlight=False)
        if varying.needs_reindexing(settings, best.values):
            out.print("A store written before needs: footnote reindex", highlight=False)
