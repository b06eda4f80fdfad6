"""Rows of words on a page: lists of people, offices, places, that no figures tell from a paragraph.

What is sure enough to act on: three lines or more below each other with the same number of cells,
parted by gaps, each column flush at the left, at the right or in the middle, and short but for one
column. They become rows of cells ("Ann Carter | 57 | Chief Executive | 2019"); the first may be the
names of the columns. Numbered items are no table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import mean

from rag.ingest.readers.pdf_heads import FIGURE, follows
from rag.ingest.readers.pdf_line import Extent, Line

_GAP = 0.8  # of the size of letters: a gap in a justified line is narrower, or no other is below it
_LEAST_ROWS = 3
_FLUSH = 0.5  # of the size: so far may the cells of a column stand from each other
_SHORT_WORDS = 5.0  # on average; of two columns of prose, both are longer
_BEGUN = 0.5  # of the rows begin with no small letter
_ITEM = re.compile(r"\(?\w{1,3}(?:\.\d{1,2})?[.)]?")
_MARKS = frozenset("•·▪‣◦●○■□–☐☒-*")

Cell = tuple[str, Extent]


def with_cells(page: Sequence[Line]) -> list[Line]:
    """Part the cells of rows of words; all else stays as it is."""
    lines = list(page)
    cells = [_cells(line) for line in page]
    for first, last in _runs(page, cells):
        if _has_columns(cells[first:last], page[first].size):
            for place in range(first, last):
                text = " | ".join(words for words, _ in cells[place])
                lines[place] = replace(page[place], text=text, row=True)
    return lines


def _cells(line: Line) -> list[Cell]:
    """Cut a line at its wide gaps; [] for rows that are known already, and for items of lists."""
    words = line.text.split()
    if line.row or len(words) != len(line.words) or words[0] in _MARKS:
        return []
    cells: list[Cell] = []
    for word, (left, right) in zip(words, line.words, strict=True):
        if cells and left - cells[-1][1][1] <= _GAP * line.size:
            text, (start, _) = cells[-1]
            cells[-1] = f"{text} {word}", (start, right)
        else:
            cells.append((word, (left, right)))
    return cells


def _runs(page: Sequence[Line], cells: Sequence[Sequence[Cell]]) -> Iterator[tuple[int, int]]:
    """Yield from where to where lines below each other have as many cells, two or more."""
    first = 0
    for place in range(1, len(page) + 1):
        if (
            place < len(page)
            and len(cells[place]) == len(cells[first])
            and follows(page[place - 1], page[place])
        ):
            continue
        if len(cells[first]) >= 2:
            yield first, place
        first = place


def _has_columns(rows: Sequence[Sequence[Cell]], size: float) -> bool:
    """Whether cells stand in columns; the first row may be their names, which need not be flush."""
    body = rows[1:] if len(rows) > _LEAST_ROWS else rows
    if len(body) < _LEAST_ROWS:
        return False
    columns = list(zip(*body, strict=True))
    long = [mean(len(text.split()) for text, _ in column) > _SHORT_WORDS for column in columns]
    figures = all(_is_figure(text) for column in columns[1:] for text, _ in column)
    # The names of columns go on over several lines as well: "General", "and", "administrative".
    begun = mean(not row[0][0][0].islower() for row in body)
    named = all(_overlap(name, column) for (_, name), column in zip(rows[0], columns, strict=True))
    numbered = len(columns) == 2 and all(_ITEM.fullmatch(text) for text, _ in columns[0])
    are_rows = named and not figures and not numbered and begun >= _BEGUN and sum(long) <= 1
    return are_rows and all(_flush(one, size) for one in columns)


def _flush(column: Sequence[Cell], size: float) -> bool:
    """Whether the cells of a column begin, end, or have their middle at the same place."""
    edges = (
        [left for _, (left, _) in column],
        [right for _, (_, right) in column],
        [(left + right) / 2 for _, (left, right) in column],
    )
    return any(max(places) - min(places) <= _FLUSH * size for places in edges)


def _overlap(name: Extent, column: Sequence[Cell]) -> bool:
    left = min(extent[0] for _, extent in column)
    right = max(extent[1] for _, extent in column)
    return name[0] <= right and left <= name[1]


def _is_figure(text: str) -> bool:
    return all(FIGURE.fullmatch(word) for word in text.split())
