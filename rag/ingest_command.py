"""Running an ingest for a person who watches: a bar, a rate, the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import progress as bars
from rich.console import Console

from rag.build import open_ingestor, reindex
from rag.ingest.report import Progress, Report
from rag.settings import Settings


def run_ingest(
    settings: Settings,
    paths: Sequence[str],
    console: Console,
    *,
    prune: bool = False,
    collection: str | None = None,
) -> Report:
    """Ingest with a progress bar on the console; raises as `Ingestor.ingest` does."""
    try:
        with progress_bar(console) as show, open_ingestor(settings, show) as ingestor:
            return ingestor.ingest(paths, prune=prune, collection=collection)
    except KeyboardInterrupt:
        console.print("Stopped. What was read is kept; the same command goes on from there.")
        raise


def run_reindex(settings: Settings, console: Console) -> None:
    """Reindex with a progress bar on the console; raises as `rag.build.reindex` does."""
    with progress_bar(console) as show:
        reindex(settings, show)


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Yield what to tell of progress; the bar appears with the first thing told."""
    bar = bars.Progress(
        bars.TextColumn("{task.fields[passages]:>7,} passages"),
        bars.BarColumn(),
        bars.TaskProgressColumn(show_speed=False),
        bars.TextColumn("{task.fields[rate]}"),
        bars.TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task: bars.TaskID | None = None

    def show(progress: Progress) -> None:
        nonlocal task
        if task is None:
            bar.start()
            task = bar.add_task("", total=None, passages=0, rate="")
        elapsed = bar.tasks[0].elapsed or 0.0
        rate = f"{progress.passages / elapsed:,.0f}/s" if elapsed > 1 else ""
        bar.update(
            task,
            completed=progress.bytes_done,
            total=max(progress.bytes_total, 1),
            passages=progress.passages,
            rate=rate,
        )

    try:
        yield show
    finally:
        if task is not None:  # one that never began would leave an empty line
            bar.stop()
