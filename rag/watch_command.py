"""footnote ingest --watch: follow files and folders, each file when it has come to rest."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from rag.build import build_embedder, open_ingestor
from rag.errors import ProcessError, StoreBusyError
from rag.ingest.files import Action
from rag.ingest.report import Report
from rag.printable import escape, escape_name
from rag.settings import Settings
from rag.terminal import print_report

_LOOK_SECONDS = 1.0  # a file is still when two looks this far apart see the same

Look = tuple[int, int] | None
"""Size and time of change of a file; None when it is not there."""


class Unsettled:
    """The files that have changed and have not been seen twice in the same state since."""

    def __init__(self) -> None:
        self._looks: dict[str, Look] = {}
        self._new: set[str] = set()

    @property
    def paths(self) -> set[str]:
        """The absolute paths of those files."""
        return set(self._looks)

    def settle(self, changed: Iterable[str]) -> bool:
        """Take in what has changed, look at every file, and tell whether one has come to rest."""
        for path in changed:
            self._looks.pop(path, None)
            self._new.add(path)
        before, self._looks = self._looks, {}
        for path, look in before.items():
            if (now := _look(path)) != look:
                self._looks[path] = now
        rested = before.keys() - self._looks.keys()
        self._looks |= {path: _look(path) for path in self._new}
        self._new.clear()
        return bool(rested)


def run_watch(
    settings: Settings,
    paths: Sequence[str],
    out: Console,
    err: Console,
    *,
    prune: bool,
    collection: str | None = None,
    stop: threading.Event | None = None,
    look_seconds: float = _LOOK_SECONDS,
) -> None:
    """Ingest, then follow every change until interrupted, or until `stop` is set.

    What cannot be done at present (another process is writing, no child can be started) is tried
    again at the next look.
    """
    from watchfiles import watch

    embedder = build_embedder(settings)
    store = str(settings.data_dir.resolve()) + os.sep
    unsettled = Unsettled()

    def ingest() -> bool:
        """Ingest what is at rest; returns whether that must be tried again."""
        try:
            with open_ingestor(settings, embedder=embedder) as ingestor:
                report = ingestor.ingest(
                    paths, prune=prune, leave=unsettled.paths, collection=collection
                )
        except (ProcessError, StoreBusyError) as error:
            err.print(f"[yellow]Waiting:[/] {escape(error.message)}", highlight=False)
            return True
        if _did_something(report):
            print_report(out, report)
        return False

    roots = sorted({_root(path) for path in paths})
    due = ingest()
    out.print(f"Watching {escape_name(', '.join(roots))}. Ctrl-C ends it.", highlight=False)
    for changes in watch(
        *roots,
        watch_filter=None,  # one of ours would swallow the ticks while it lets nothing through
        debounce=int(look_seconds * 1000),
        rust_timeout=int(look_seconds * 1000),
        yield_on_timeout=True,
        ignore_permission_denied=True,
        stop_event=stop,
    ):
        changed = {os.path.realpath(path) for _, path in changes}
        rested = unsettled.settle(path for path in changed if not path.startswith(store))
        if rested or due:
            due = ingest()


def _look(path: str) -> Look:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _did_something(report: Report) -> bool:
    quiet = (Action.KEEP, Action.GONE, Action.SKIP)
    return any(step.action not in quiet for step in report.steps)


def _root(argument: str) -> str:
    """Return the folder to watch for an argument: itself, or what lies above its wildcards."""
    path = Path(argument).absolute()
    while glob.has_magic(str(path)) or not path.is_dir():
        path = path.parent
    return str(path.resolve())
