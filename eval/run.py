"""Ask every question of a dataset and keep one record each, so that a run can go on after a crash.

A run is a folder: `run.json` says what was asked of what, `records.jsonl` holds the answers.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.dataset import Case, Dataset, Relevant, fingerprint, same_source
from eval.metrics.citations import quote_share
from eval.run_files import Record, Run, append_line, load_run, read_lines
from eval.systems import Answerer
from rag.answer_json import answer_to_dict
from rag.errors import InputError, RagError
from rag.types import Hit

DEPTH = 50
"""How many hits of each question are judged."""
HALF = 0.5
"""A passage or quote is relevant when it holds at least this share of the wanted quote."""
_PACKAGES = ("footnote", "torch", "sentence-transformers", "chromadb", "langchain-core")


def run_dataset(
    answerer: Answerer,
    dataset: Dataset,
    folder: Path,
    *,
    configuration: Mapping[str, Any],
    store: Mapping[str, Any],
    notes: Sequence[str] = (),
    absent: Sequence[str] = (),
    search_only: bool = False,
    on_record: Callable[[int, int, Record], None] = lambda done, total, record: None,
) -> Run:
    """Ask what the folder's records do not answer yet, appending each record as it comes.

    An exception becomes a record with `error` and counts as a wrong answer; only stopping the
    program leaves questions open. `absent` are wanted sources that the store lacks.

    Raises:
        InputError: the folder holds a run of another dataset, configuration or store.
    """
    header = {
        "name": folder.name,
        "system": answerer.name,
        "dataset": {
            "name": dataset.name,
            "cases": len(dataset.cases),
            "fingerprint": dataset.fingerprint,
        },
        "configuration": dict(configuration),
        "store": dict(store),
        "notes": list(notes),
        "absent": list(absent),
        "search_only": search_only,
        "versions": _versions(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    header = _open_folder(folder, header)
    path = folder / "records.jsonl"
    answered = {record["id"] for record in read_lines(path, mend=True)}
    with path.open("a", encoding="utf-8") as file:
        for done, case in enumerate(dataset.cases, start=1):
            if case.case_id in answered:
                continue
            record = ask(answerer, case, search_only=search_only)
            append_line(file, record)
            on_record(done, len(dataset.cases), record)
    return load_run(folder)


def ask(answerer: Answerer, case: Case, *, search_only: bool = False) -> Record:
    """Ask one question and judge what was found; `search_only` leaves the answer None."""
    started = time.perf_counter()
    answer = insisted = error = None
    found: list[dict[str, Any]] = []
    try:
        if search_only:
            query = answerer.query(case.to_question())
        else:
            given = answerer.answer(case.to_question())
            query, answer = given.query, answer_to_dict(given)
            seconds = time.perf_counter() - started
            if given.abstained and (anyway := answerer.insist(case.to_question())):
                insisted = answer_to_dict(anyway)
        found = [_judged(hit, case.relevant) for hit in answerer.search(query, DEPTH)]
        if search_only:
            seconds = time.perf_counter() - started
    except Exception as problem:  # noqa: BLE001  (an edge: a failed question is a wrong answer)
        seconds = time.perf_counter() - started
        error = {
            "kind": type(problem).__name__,
            "message": problem.message if isinstance(problem, RagError) else str(problem),
        }
    return {
        "id": case.case_id,
        "case": case.to_dict(),
        "answer": answer,
        "insisted": insisted,
        "found": found,
        "error": error,
        "search_only": search_only,
        "seconds": round(seconds, 4),
    }


def holds(source: str, text: str, relevant: Sequence[Relevant]) -> list[int]:
    """Return the indices of the relevant items that a passage or quote holds.

    An item with a quote asks for at least half of it, one without for its document alone.
    """
    return [
        index
        for index, item in enumerate(relevant)
        if same_source(source, item.source)
        and (not item.quote or quote_share(text, item.quote) >= HALF)
    ]


def identity(header: Mapping[str, Any]) -> dict[str, str]:
    """Return what two sessions of one run must have in common."""
    return {
        "dataset": header["dataset"]["fingerprint"],
        "configuration": fingerprint(header["configuration"]),
        "store": header["store"].get("fingerprint", ""),
        "system": header["system"],
        "kind": "search" if header.get("search_only") else "answers",
    }


def _open_folder(folder: Path, header: dict[str, Any]) -> dict[str, Any]:
    path = folder / "run.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(header, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return header
    before: dict[str, Any] = dict(load_run(folder).header)
    was, now = identity(before), identity(header)
    if changed := [name for name in now if was[name] != now[name]]:
        raise InputError(
            f"{folder}: holds a run with another {' and '.join(changed)} "
            f"({', '.join(f'{was[name]} there, {now[name]} now' for name in changed)}).",
            "Choose another folder with --out, or delete this one.",
        )
    return before


def _judged(hit: Hit, relevant: Sequence[Relevant]) -> dict[str, Any]:
    passage = hit.passage
    return {
        "source": passage.source,
        "start": passage.start,
        "end": passage.end,
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "holds": holds(passage.source, passage.text, relevant),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
