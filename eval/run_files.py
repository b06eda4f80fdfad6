"""A run's folder: `run.json` says what was asked of what, `records.jsonl` holds the answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rag.errors import InputError

Record = dict[str, Any]
"""`{id, case, answer, insisted, found, error, seconds}`: JSON, as in `records.jsonl`."""

_RECORD = {"id", "case", "answer", "found", "seconds"}
_DATASET = {"name", "cases", "fingerprint"}
_CASE = {"question", "history", "answerable", "answers", "relevant", "tags"}
_ANSWER = {"query", "text", "abstained", "confidence", "sentences", "citations", "hits"}
_UNSAID: dict[str, Any] = {
    "system": "unknown",
    "configuration": {},
    "notes": [],
    "absent": [],
    "search_only": False,
    "versions": {},
    "started": "",
}
_UNSAID_STORE = {"documents": 0, "passages": 0, "fingerprint": ""}
_RUN_AGAIN = "It is damaged or of another version: run the dataset again."


@dataclass(frozen=True, slots=True)
class Run:
    """A run as read back from its folder."""

    folder: Path
    header: Mapping[str, Any]
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        return str(self.header.get("name") or self.folder.name)


def load_run(folder: Path) -> Run:
    """Read a run back, with the verdicts of a judge where there are any.

    What a run of an older version does not say is empty; what no figure can do without must be
    there.

    Raises:
        InputError: the folder holds none, or one that this version cannot read.
    """
    header = _header(folder / "run.json")
    verdicts = {row["id"]: row for row in read_lines(folder / "judge.jsonl")}
    records = [
        _complete(record, folder / "records.jsonl", number)
        for number, record in enumerate(read_lines(folder / "records.jsonl"), start=1)
    ]
    return Run(
        folder,
        header,
        tuple(r | {"judge": verdicts[r["id"]]} if r["id"] in verdicts else r for r in records),
    )


def _header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.parent}: no run is there ({error}).", "Make one: footnote eval run DATASET"
        ) from error
    dataset = header.get("dataset") if isinstance(header, dict) else None
    if not isinstance(dataset, dict) or _DATASET - set(dataset):
        raise InputError(
            f"{path}: not the header of a run; expected a dataset with its name, cases and "
            "fingerprint.",
            _RUN_AGAIN,
        )
    return {**_UNSAID, **header, "store": {**_UNSAID_STORE, **(header.get("store") or {})}}


def _complete(record: Record, path: Path, number: int) -> Record:
    """Add what an older version did not record.

    Raises:
        InputError: what figures need is not there.
    """
    lacking = sorted(_RECORD - set(record))
    for name, needed in (("case", _CASE), ("answer", _ANSWER)):
        part = record.get(name)
        if isinstance(part, dict):
            lacking += [f"{name}.{each}" for each in sorted(needed - set(part))]
        elif part is not None or (name == "case" and not lacking):
            lacking.append(name)
    if lacking:
        raise InputError(f"{path}, record {number}: {', '.join(lacking)} is missing.", _RUN_AGAIN)
    return {"insisted": None, "error": None, "search_only": False, **record}


def append_line(file: IO[str], row: Mapping[str, Any]) -> None:
    """Write one JSON line and wait until the disk has it."""
    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    file.flush()
    os.fsync(file.fileno())


def read_lines(path: Path, *, mend: bool = False) -> list[Record]:
    """Read JSON lines; of a last one that was cut off, nothing is read.

    `mend` takes it out of the file, as whoever goes on writing must; a reader must not, for
    another process may be in the midst of that line.

    Raises:
        InputError: another line is spoilt.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    whole, newline, cut = content.rpartition(b"\n")
    if cut and mend:
        os.truncate(path, len(whole) + len(newline))
    rows = []
    for number, line in enumerate(whole.split(b"\n"), start=1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            raise InputError(
                f"{path}:{number}: not JSON ({error}).", "Delete this line, and run again."
            ) from error
        if row is not None:
            rows.append(row)
    return rows
