"""Rows of tables in text: which cell answers, and what names its column.

Three forms are read: lines of cells with ` | ` between them under a line that names the columns,
such lines in which each cell but the first has its name before it ("Sales | 2022: 5 | 2021: 4"),
and lines of named cells ("Row 4: Item: Copper pipe; Quantity: 340"), as the readers of documents
write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.answering.text.features import content_stems

_BAR = " | "
_ROW = re.compile(r"Row \d+: ")
_NAMED = re.compile(r"([^:;|]{1,80}): ")
_OWN_NAME = re.compile(r"([^:|]{1,80}): (?=\S)")
_NUMBER = re.compile(r"(?<![\w-])\d(?:[\d.,]*\d)?(?![\w-])")
_FIGURE = re.compile(r"(?!(?:1[89]|20)\d\d$)[\W_]*\d[\d.,\s]*\W*")

SAID = 0.5
"""A cell that has more than this share of a question is what it says, not what it asks for."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `column` names what it holds, "" when nothing does."""

    start: int
    end: int
    column: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row; `header` is where the line stands that names its columns, if it is another one."""

    start: int
    end: int
    cells: tuple[Cell, ...]
    header: Span | None = None

    @property
    def span(self) -> Span:
        return self.start, self.end


def rows_around(text: str, at: int) -> list[Row]:
    """Return the rows of the table that an offset lies in, without the one that names columns."""
    lines = _lines_around(text, at)
    if not lines:
        return []
    if all(_ROW.match(text, *line) for line in lines):
        return [Row(*line, tuple(_named_cells(text, *line))) for line in lines]
    cut = [list(_barred(text, *line)) for line in lines]
    own = [_with_own_names(text, cells) for cells in cut]
    if all(own):
        return [Row(*line, tuple(cells)) for line, cells in zip(lines, own, strict=True)]
    header = cut[0] if _names_columns(text, cut) and lines[0][0] > 0 else None
    columns = [text[slice(*cell)] for cell in header] if header else [""] * len(cut[0])
    return [
        Row(
            *line,
            tuple(Cell(*cell, column) for cell, column in zip(cells, columns, strict=False)),
            header=lines[0] if header else None,
        )
        for line, cells in list(zip(lines, cut, strict=True))[1 if header else 0 :]
    ]


def answering_cell(
    text: str, span: Span, share: Callable[[frozenset[str]], float]
) -> tuple[Row, Span] | None:
    """Return the row and the cell that answer where a span was found in a table, None elsewhere.

    `share` says how much of a question some words have. The row is the one that has most of it,
    that of the span before others; the cell is that of the column which the question names, or
    else of the span's own column. Where the question says itself what stands there ("Who is chief
    executive?"), it is the first of the row.
    """
    rows = rows_around(text, span[0])
    if not rows:
        return None
    own = next((row for row in rows if row.start <= span[0] < row.end), None)
    # What stands first in a row is what the row is about: it counts twice.
    shares = [
        share(content_stems(text[slice(*row.span)])) + share(_stems(text, row.cells[0]))
        for row in rows
    ]
    here = shares[rows.index(own)] if own else 0.0
    best = rows[shares.index(max(shares))] if max(shares) > here else own
    if best is None:
        return None
    at = _column_at(own, span) if own else None
    named = _named_column(best.cells, share)
    at = named if named is not None else at
    if at is not None and at < len(best.cells) and share(_stems(text, best.cells[at])) > SAID:
        at = 0  # the question says what stands there, and asks whose it is
    if at is None or at >= len(best.cells):
        return best, best.span
    cell = best.cells[at]
    within = best is own and cell.start <= span[0] and span[1] <= cell.end
    return best, span if within else (cell.start, cell.end)


def _stems(text: str, cell: Cell) -> frozenset[str]:
    return content_stems(text[cell.start : cell.end])


def names_columns(text: str, at: int) -> bool:
    """Whether an offset lies in a line that names the columns of a table."""
    if rows := rows_around(text, at):
        header = rows[0].header
        return header is not None and header[0] <= at < header[1]
    start, end = _line(text, at)
    below = rows_around(text, end + 1) if end < len(text) else []
    names = [cell.column for cell in below[0].cells[1:]] if below else []
    return bool(names) and all(name and name in text[start:end] for name in names)


def tells_of_another_column(text: str, span: Span, claim: str) -> bool:
    """Whether a row has a claim's number in another column than the one that the claim names."""
    row = next((row for row in rows_around(text, span[0]) if row.span == span), None)
    if row is None:
        return False
    wanted = content_stems(claim)
    named = _named_column(row.cells, lambda words: float(len(words & wanted)))
    numbers = set(_NUMBER.findall(claim))
    held = [numbers & set(_NUMBER.findall(text[cell.start : cell.end])) for cell in row.cells]
    return named is not None and not held[named] and any(held)


def _column_at(row: Row, span: Span) -> int | None:
    return next((i for i, c in enumerate(row.cells) if c.start < span[1] and span[0] < c.end), None)


def _named_column(cells: Sequence[Cell], share: Callable[[frozenset[str]], float]) -> int | None:
    """Return the column, but the first, that a question names more than any other."""
    shares = [share(content_stems(cell.column)) if cell.column else 0.0 for cell in cells]
    best = max(shares, default=0.0)
    if not best or shares.count(best) > 1 or shares.index(best) == 0:
        return None
    return shares.index(best)


def _lines_around(text: str, at: int) -> list[Span]:
    """Return the lines of the table around an offset; none when its line is no row."""
    first = _line(text, at)
    kind = _kind(text, first)
    if kind is None:
        return []
    lines = [first]
    while lines[0][0] > 0 and _kind(text, above := _line(text, lines[0][0] - 1)) == kind:
        lines.insert(0, above)
    while lines[-1][1] < len(text) and _kind(text, below := _line(text, lines[-1][1] + 1)) == kind:
        lines.append(below)
    return lines


def _line(text: str, at: int) -> Span:
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    return start, len(text) if end < 0 else end


def _kind(text: str, line: Span) -> str | None:
    if _ROW.match(text, *line):
        return "named"
    return "barred" if _BAR in text[slice(*line)] else None


def _named_cells(text: str, start: int, end: int) -> Iterator[Cell]:
    match = _ROW.match(text, start, end)
    at = match.end() if match else start
    for part in text[at:end].split("; "):
        name = _NAMED.match(part)
        skipped = name.end() if name else 0
        yield Cell(at + skipped, at + len(part), name[1] if name else "")
        at += len(part) + 2


def _barred(text: str, start: int, end: int) -> Iterator[Span]:
    at = start
    for part in text[start:end].split(_BAR):
        kept = part.strip()
        first = at + part.index(kept)
        yield first, first + len(kept)
        at += len(part) + len(_BAR)


def _with_own_names(text: str, cells: Sequence[Span]) -> list[Cell]:
    """Return the cells of a row that names each but the first; [] when it is none."""
    (start, end), *others = cells
    names = [_OWN_NAME.match(text, *cell) for cell in others]
    if not others or not all(names):
        return []
    named = zip(others, names, strict=True)
    return [
        Cell(start, end, ""),
        *(Cell(name.end(), cell[1], name[1]) for cell, name in named if name),
    ]


def _names_columns(text: str, rows: Sequence[Sequence[Span]]) -> bool:
    """Whether the first row can name the columns: as wide as the second, without figures."""
    if len(rows) < 2 or len(rows[0]) != len(rows[1]):
        return False
    return not any(_FIGURE.fullmatch(text[slice(*cell)]) for cell in rows[0])
