"""What the commands do: open a store, check a dataset against it, run, and find runs again."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from eval.checkup import wrong_quotes
from eval.dataset import Case, Dataset, source_names
from eval.measures import HEADLINES, MEASURES, show
from eval.run import ask, run_dataset
from eval.run_files import Record, Run, load_run
from eval.systems import (
    Answerer,
    build_store,
    configuration,
    describe_store,
    open_footnote,
    stored_documents,
)
from rag.build import Parts
from rag.errors import ConfigurationError, InputError
from rag.settings import Settings, load_settings

_EXTRA = ("ir_measures", "scipy", "matplotlib", "jinja2")

OnRecord = Callable[[int, int, Record], None]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a list: what was asked, and its headline figures as (label, value) texts.

    `asked` of `questions` were asked so far. There are no figures without a report.
    """

    name: str
    dataset: str
    asked: int
    questions: int
    system: str
    started: str
    figures: tuple[tuple[str, str], ...]


def require_extra() -> None:
    """Check that the packages of the eval extra are installed.

    Raises:
        ConfigurationError: one is not.
    """
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"For evaluation these packages are missing: {', '.join(missing)}.",
            "pip install 'footnote[eval]'",
        )


def runs_folder(settings: Settings) -> Path:
    """Return where runs are kept unless --out says otherwise."""
    return settings.data_dir / "runs"


def list_runs(settings: Settings) -> list[Path]:
    """List the folders of runs, newest first."""
    found = runs_folder(settings).glob("*/run.json")
    return sorted((path.parent for path in found), key=_when, reverse=True)


def run_summaries(settings: Settings) -> list[RunSummary]:
    """Describe the runs, newest first; what cannot be read is left out."""
    found = []
    for folder in list_runs(settings):
        try:
            run = load_run(folder)
        except InputError:
            continue
        header = run.header
        found.append(
            RunSummary(
                folder.name,
                str(header["dataset"]["name"]),
                len(run.records),
                int(header["dataset"]["cases"]),
                str(header["system"]),
                str(header["started"]),
                _headlines(folder / "report.json"),
            )
        )
    return found


def _headlines(report: Path) -> tuple[tuple[str, str], ...]:
    try:
        figures = json.loads(report.read_text(encoding="utf-8"))["figures"]
        shown = [name for name in HEADLINES if name in figures][:6]
        return tuple((MEASURES[name].label, show(name, figures[name]["value"])) for name in shown)
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or of another version
        return ()


def find_run(settings: Settings, name: str) -> Run:
    """Load a run by its folder, by its name, or the newest as "last".

    Raises:
        InputError: there is none such.
    """
    listed = list_runs(settings)
    if name == "last":
        if not listed:
            raise InputError(
                f"There is no run in {runs_folder(settings)}.",
                "Make one: footnote eval run DATASET",
            )
        return load_run(listed[0])
    if not (Path(name) / "run.json").exists():
        named = runs_folder(settings) / name
        if (named / "run.json").exists():
            return load_run(named)
        known = ", ".join(path.name for path in listed[:5]) or "none"
        raise InputError(f"There is no run {name!r}.", f"The newest are: {known}.")
    return load_run(Path(name))


def evaluate(
    dataset: Dataset,
    settings: Settings,
    folder: Path,
    *,
    corpus: Sequence[Path] = (),
    system: str = "footnote",
    search_only: bool = False,
    on_record: OnRecord = lambda done, total, record: None,
) -> Run:
    """Run a dataset over the store of the settings, or over one built of `corpus` for the run.

    A store that is built lies in the run's folder until the run is finished, so a run that was
    stopped goes on without embedding again.

    Raises:
        InputError: the dataset quotes what its document does not say.
    """
    built = folder / "store" if corpus else None
    if built:
        settings = settings.model_copy(update={"data_dir": built})
        build_store(settings, corpus)
    with open_footnote(settings) as (footnote, parts):
        absent = absent_sources(dataset.cases, parts)
        notes = [*dataset.notes, *check(dataset.cases, parts, absent)]
        with _answerer(system, footnote, parts) as answerer:
            if parts.catalog.counts().documents:
                # Models are loaded at the first question, and that is no time of an answer.
                ask(answerer, dataset.cases[0], search_only=search_only or bool(settings.model))
            run = run_dataset(
                answerer,
                dataset,
                folder,
                configuration=configuration(settings) if system == "footnote" else {},
                store=describe_store(parts),
                notes=notes,
                absent=absent,
                search_only=search_only,
                on_record=on_record,
            )
    if built:
        shutil.rmtree(built, ignore_errors=True)
    return run


def absent_sources(cases: Sequence[Case], parts: Parts) -> list[str]:
    """List the sources that a dataset names and the store lacks."""
    held = {name for info in parts.catalog.documents() for name in source_names(info.source)}
    return sorted({item.source for case in cases for item in case.relevant} - held)


def check(cases: Sequence[Case], parts: Parts, absent: Sequence[str]) -> list[str]:
    """Compare a dataset with a store; return what a reader of the report should know.

    Raises:
        InputError: a relevant quote is not in its document, so the dataset is wrong.
    """
    wanted = {item.source for case in cases for item in case.relevant}
    if wrong := wrong_quotes(cases, stored_documents(parts, wanted)):
        listed = "\n  ".join(wrong[:5])
        raise InputError(
            f"{len(wrong)} quotes of the dataset are not in their document:\n  {listed}",
            "Copy quotes from the document; white space is not compared. All that is wrong: "
            "footnote eval check DATASET",
        )
    notes = []
    if not parts.catalog.counts().documents:
        notes.append("The store is empty: every question failed.")
    elif absent:
        notes.append(
            f"{len(absent)} relevant documents are not in the store, so they cannot be found: "
            f"{', '.join(absent[:5])}{', …' if len(absent) > 5 else ''}."
        )
    return notes


def new_folder(settings: Settings, dataset: Dataset) -> Path:
    """Name a folder for a run that starts now."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return runs_folder(settings) / f"{dataset.name}-{stamp}"


def settings_with(assignments: Sequence[str], data_dir: Path | None) -> Settings:
    """Load settings with `name=value` assignments on top.

    Raises:
        InputError: an assignment without "=".
        ConfigurationError: an unknown name or a value of the wrong kind.
    """
    overrides: dict[str, Any] = {"data_dir": data_dir}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"{assignment!r} sets nothing.", "Write NAME=VALUE, as in read_k=20.")
        overrides[name.strip()] = value.strip()
    return load_settings(**overrides)


@contextmanager
def _answerer(system: str, footnote: Answerer, parts: Parts) -> Iterator[Answerer]:
    if system == "footnote":
        yield footnote
        return
    if system != "langchain":
        raise InputError(f"There is no system {system!r}.", "Choose footnote or langchain.")
    from eval.baseline_langchain import PlainLangChain

    infos = parts.catalog.documents()
    documents = (parts.catalog.document(info.doc_id) for info in infos)
    with tempfile.TemporaryDirectory() as folder:
        yield PlainLangChain((d for d in documents if d is not None), Path(folder))


def _when(folder: Path) -> float:
    return (folder / "run.json").stat().st_mtime
