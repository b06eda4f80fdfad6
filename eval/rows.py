"""Files of one question a row, as people write them: in what encoding, and what is wrong where."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

from eval.dataset import Case
from rag.errors import InputError

_NAMED_FAULTS = 8
Complain = Callable[[str], NoReturn]
Numbered = Iterable[tuple[int, dict[str, Any] | InputError]]
"""Rows with the number of their line, or what is wrong with that line."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """Read UTF-8, or UTF-16 that says so by its first two bytes; a byte order mark is dropped.

    Other encodings are not guessed: a wrong guess spoils names and answers without a word.

    Raises:
        InputError: it cannot be opened, or is in another encoding; the line is named.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}).", "Check the path and its permissions."
        ) from error
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: not UTF-8 (byte 0x{content[error.start]:02x}).",
            "Save it as UTF-8; a spreadsheet as “CSV UTF-8”, or as .xlsx.",
        ) from error


def open_text(path: Path) -> IO[str]:
    """Open a text file in UTF-8, gzipped or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a published set, a line each; the file may be gzipped.

    Raises:
        InputError: it cannot be opened, or a line is spoilt.
    """
    number = 0
    try:
        with open_text(path) as lines:
            for line in lines:
                number += 1
                if line.strip():
                    yield json.loads(line)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}).", "Check the path."
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path}:{number}: not a line of JSON in UTF-8 ({error}).", "Fetch the file again."
        ) from error


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | InputError]]:
    """Yield the JSON object of each line that is not blank."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        fault = ""
        try:
            row = json.loads(line)
            if isinstance(row, dict):
                yield number, row
                continue
            fault = "expected a JSON object"
        except json.JSONDecodeError as error:
            fault = f"not JSON ({error.msg} at column {error.colno})"
        yield number, InputError(f"{path}:{number}: {fault}.")


def complainer(path: Path, number: int) -> Callable[..., NoReturn]:
    """Return what raises an InputError that names the file and the line."""

    def complain(found: str, hint: str = "") -> NoReturn:
        raise InputError(f"{path}:{number}: {found}.", hint)

    return complain


def read_cases(
    path: Path, rows: Numbered, read: Callable[[dict[str, Any], Complain], Case], hint: str
) -> list[Case]:
    """Read every row, so that all that is wrong is named at once."""
    cases: list[Case] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        try:
            if isinstance(row, InputError):
                raise row
            complain = partial(complainer(path, number), hint=hint)
            case = read(row, complain)
            if case.case_id in seen:
                complain(f"id {case.case_id!r} was used in line {seen[case.case_id]}")
        except InputError as fault:
            faults.append(fault.message)
            continue
        seen[case.case_id] = number
        cases.append(case)
    if faults:
        more = len(faults) - _NAMED_FAULTS
        listed = faults[:_NAMED_FAULTS] + ([f"and {more} more"] if more > 0 else [])
        raise InputError("\n  ".join(listed), hint)
    return cases
