"""Question sets that people keep in a spreadsheet: .xlsx, or .csv and .tsv saved from one.

Each row is a question; the first row names the columns. Cells with several values have each on a
line of its own. Rows with a quote but no question are drafts, and are left out.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from eval.dataset import fingerprint
from eval.rows import read_text
from rag.errors import InputError

SUFFIXES = (".csv", ".tsv", ".xlsx")
COLUMNS = (
    "id",
    "question",
    "history",
    "answerable",
    "answers",
    "source",
    "quote",
    "tags",
    "comment",
)
ROW = "row-"
"""How the ids begin that rows without one are given."""
_ALSO = {
    "answer": "answers",
    "reference answer": "answers",
    "document": "source",
    "file": "source",
    "sources": "source",
    "quotes": "quote",
    "tag": "tags",
    "comments": "comment",
}
_TRUE = {"", "yes", "true", "y", "1", "x"}
_FALSE = {"no", "false", "n", "0"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet_rows(path: Path, drafts: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each question with the number of its row, in the fields of the project's own format.

    A row without an id gets one that depends on its question; the numbers of rows that have no
    question yet are added to `drafts`.

    Raises:
        InputError: it cannot be read, or its first row names no question.
    """
    rows = _sheet(path) if path.suffix.lower() == ".xlsx" else _separated(path)
    names: list[str] | None = None
    for number, cells in rows:
        texts = [cell.strip() for cell in cells]
        if not any(texts):
            continue
        if names is None:
            names = _columns(path, number, texts)
            continue
        if extra := [text for text in texts[len(names) :] if text]:
            raise InputError(
                f"{path}:{number}: {extra[0]!r} stands beyond the last column; "
                f"{len(names)} are named: {', '.join(names)}.",
                "Put a cell that holds the separator in quotation marks, or save as .xlsx.",
            )
        row = {name: text for name, text in zip(names, texts, strict=False) if name}
        if row.get("question"):
            yield number, _fields(row)
        else:
            drafts.append(number)


def cells_of(row: Mapping[str, Any]) -> list[str]:
    """Return a line of the project's own format as the cells of `COLUMNS`."""
    relevant = row.get("relevant") or []
    cells = {
        "id": row["id"],
        "question": row["question"],
        "history": json.dumps(row["history"], ensure_ascii=False) if row.get("history") else "",
        "answerable": "yes" if row.get("answerable", True) else "no",
        "answers": "\n".join(row.get("answers") or ()),
        "source": "\n".join(item["source"] for item in relevant),
        "quote": "\n".join(" ".join(item.get("quote", "").split()) for item in relevant),
        "tags": ", ".join(row.get("tags") or ()),
        "comment": row.get("comment", ""),
    }
    return [harmless(cells[name]) for name in COLUMNS]


def harmless(text: str) -> str:
    """Make text of others a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _columns(path: Path, number: int, texts: Sequence[str]) -> list[str]:
    found = [" ".join(text.lower().split()) for text in texts]
    names = [_ALSO.get(text, text) for text in found]
    unknown = [texts[i] for i, name in enumerate(names) if name and name not in COLUMNS]
    repeated = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if "question" in names and not unknown and not repeated:
        return names
    fault = "no column is called 'question'"
    if unknown:
        fault = f"unknown column {unknown[0]!r}"
    elif repeated:
        fault = f"two columns for {repeated[0]!r}"
    raise InputError(
        f"{path}:{number}: {fault}; found {', '.join(repr(text) for text in texts if text)}.",
        f"The first row names the columns, of: {', '.join(COLUMNS)}.",
    )


def _fields(row: Mapping[str, str]) -> dict[str, Any]:
    """Return a row as a line of the project's own format would have it."""
    question = _unharmed(row["question"])
    history = row.get("history", "")
    fields: dict[str, Any] = {
        "id": row.get("id") or f"{ROW}{fingerprint([question, history])[:8]}",
        "question": question,
        "answerable": _answerable(row.get("answerable", "")),
        "answers": _lines(row.get("answers", "")),
        "relevant": _relevant(_lines(row.get("source", "")), _lines(row.get("quote", ""))),
        "tags": [tag for tag in re.split(r"\s*[,;\n]\s*", row.get("tags", "")) if tag],
    }
    if history:
        try:
            fields["history"] = json.loads(history)
        except json.JSONDecodeError:
            fields["history"] = [history]  # no pair: the reader of lines says what is expected
    return fields


def _answerable(text: str) -> bool | str:
    said = text.lower()
    return True if said in _TRUE else False if said in _FALSE else text


def _relevant(sources: list[str], quotes: list[str]) -> list[dict[str, str]]:
    """Pair quotes with sources; one source is that of every quote."""
    if len(sources) == 1 and len(quotes) > 1:
        sources = sources * len(quotes)
    if len(sources) == len(quotes):
        pairs = zip(sources, quotes, strict=True)
        return [{"source": source, "quote": quote} for source, quote in pairs]
    if not quotes:
        return [{"source": source} for source in sources]
    # Not to be paired: the reader of lines says so.
    return [{"quote": quote} for quote in quotes]


def _lines(cell: str) -> list[str]:
    return [_unharmed(line.strip()) for line in cell.splitlines() if line.strip()]


def _unharmed(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _separated(path: Path) -> Iterator[tuple[int, list[str]]]:
    text = read_text(path)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}:{begins}: not a row of a .csv file ({error}).",
            "Look for a quotation mark that is not closed, or save it as .xlsx.",
        ) from error


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the first sheet."""
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: not a workbook that can be read ({type(error).__name__}).",
            "Open it in your spreadsheet program and save it as .xlsx or “CSV UTF-8”.",
        ) from error
    try:
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime) and not (cell.hour or cell.minute or cell.second):
        cell = cell.date()
    return cell.isoformat() if isinstance(cell, date) else str(cell)
