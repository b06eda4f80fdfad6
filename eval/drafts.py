"""Draft cases, wherever they come from: a person checks each before it counts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.rows import json_rows, read_text
from eval.spreadsheet import COLUMNS, cells_of
from rag.errors import InputError

Draft = dict[str, Any]
"""A line of the project's own format; `comment` says what is left to do."""


def write_drafts(path: Path, drafts: Sequence[Mapping[str, Any]]) -> int:
    """Append drafts whose id a .jsonl or .csv file does not have yet; returns how many there were.

    Raises:
        InputError: the file is of another kind, or is not laid out as drafts are.
    """
    if path.suffix.lower() not in (".jsonl", ".csv"):
        raise InputError(
            f"{path}: drafts are written as .jsonl or .csv.", "Name a file that ends so."
        )
    is_sheet = path.suffix.lower() == ".csv"
    known = _ids_of_sheet(path) if is_sheet else _ids_of_lines(path)
    fresh = [draft for draft in drafts if draft["id"] not in known]
    if not is_sheet:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(draft, ensure_ascii=False) + "\n" for draft in fresh)
        return len(fresh)
    begins = not path.exists() or not path.stat().st_size
    with path.open("a", encoding="utf-8-sig" if begins else "utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS] if begins else [])
        writer.writerows(cells_of(draft) for draft in fresh)
    return len(fresh)


def _ids_of_lines(path: Path) -> set[str]:
    known = set()
    for _, row in json_rows(path) if path.exists() else ():
        if isinstance(row, InputError):
            raise row
        known.add(str(row.get("id")))
    return known


def _ids_of_sheet(path: Path) -> set[str]:
    if not path.exists() or not path.stat().st_size:
        return set()
    text = read_text(path)
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    if tuple(header) != COLUMNS or not text.endswith("\n"):
        raise InputError(
            f"{path}:1: its columns are not those of drafts ({', '.join(COLUMNS)}), so nothing can "
            "be added to it.",
            "Give a new file with --out, and copy what you want to keep.",
        )
    return {row[0] for row in rows if row}
