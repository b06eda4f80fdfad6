"""Tables as text: each row a line that can be read alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

_FIGURE = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,\s']*%?\)?")
_LOOKED_AT = 20
_MAX_HEADER_CHARS = 80
_MAX_COLUMNS = 1000


def lines_of_rows(rows: Sequence[tuple[int, Sequence[str]]]) -> Iterator[str]:
    """Turn numbered rows into lines: "Row 7: Name: Ann; Age: 12".

    Above the row of headers, and where no row looks like one, cells are joined: "Row 1: Sales".
    Below a gap another table may begin, with headers of its own.
    """
    rows = [row for row in rows if any(row[1])]
    header = find_header(rows)
    names: Sequence[str] = ()
    for index, (number, cells) in enumerate(rows):
        below_gap = index > 0 and number > rows[index - 1][0] + 1
        if index == header or (below_gap and names and _begins_table(rows, index)):
            names = [cell[:_MAX_HEADER_CHARS] for cell in cells]
            yield "Columns: " + "; ".join(name for name in names if name)
        elif not names or [cell[:_MAX_HEADER_CHARS] for cell in cells] != names:
            is_remark = below_gap and len(names) > 2 and sum(map(bool, cells)) == 1
            yield f"Row {number}: {_sentence(() if is_remark else names, cells)}"


def find_header(rows: Sequence[tuple[int, Sequence[str]]]) -> int | None:
    """Find the row that names the columns: the first that is filled with words as wide as any.

    None when the first rows hold figures or gaps, or when there is one row only.
    """
    looked_at = rows[:_LOOKED_AT]
    width = max((sum(map(bool, cells)) for _, cells in looked_at), default=0)
    if width < 2 or len(rows) < 2:
        return None
    for index, (_, cells) in enumerate(looked_at):
        filled = [cell for cell in cells if cell]
        if len(filled) >= max(2, 0.6 * width):
            words = [cell for cell in filled if not _FIGURE.fullmatch(cell)]
            distinct = len({cell.casefold() for cell in filled}) == len(filled)
            named = len(words) >= 0.7 * len(filled) and distinct
            below = [cells for _, cells in rows[index + 1 : index + 1 + _LOOKED_AT]]
            return index if named and below and not _shares_values(cells, below) else None
    return None


def _shares_values(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row has a value in common with rows below it, as no name of a column has.

    A row that is repeated whole is a header again, of the next page of a report.
    """
    return any(
        cell and cell == other and list(row) != list(cells)
        for row in below
        for cell, other in zip(cells, row, strict=False)
    )


def _begins_table(rows: Sequence[tuple[int, Sequence[str]]], index: int) -> bool:
    """Whether a row below a gap names columns anew: all words, and figures under some of them."""
    block = [rows[index]]
    for row in rows[index + 1 : index + _LOOKED_AT]:
        if row[0] > block[-1][0] + 1:
            break
        block.append(row)
    cells = block[0][1]
    if find_header(block) != 0 or any(_FIGURE.fullmatch(cell) for cell in cells if cell):
        return False
    return any(
        name and _FIGURE.match(cell)
        for _, row in block[1:]
        for name, cell in zip(cells, row, strict=False)
    )


def cell_text(value: Any) -> str:
    """Write a cell's value as a person would: no midnight, no float tails, one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        bare = value.hour == value.minute == value.second == 0
        return value.date().isoformat() if bare else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"
    return " ".join(str(value).split())


def _sentence(names: Sequence[str], cells: Sequence[str]) -> str:
    parts: list[str] = []
    for column, cell in enumerate(cells[:_MAX_COLUMNS]):
        name = names[column] if column < len(names) else ""
        if cell:
            parts.append(f"{name.rstrip(':')}: {cell}" if name else cell)
    return "; ".join(parts)
