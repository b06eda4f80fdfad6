"""Columns whose lines were written row by row: found by their gutters, and read one by one.

Most programs write one column after the other, and PDFium keeps that order. Some write together
what stands at one height, and PDFium gives one line that runs through all columns. Such lines are
cut at the gutter, if what stands beside it is prose and no table. What runs over a gutter, such as
a heading or a note, parts what is above it from what is below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from rag.ingest.readers.pdf_line import Line

_LEAST_ROWS = 4
_MOST_GUTTERS = 4
_FULL_LINE = 0.75  # of a column's width: what most lines of prose reach
_FULL_SHARE = 0.5
_FLUSH_SHARE = 0.6  # of a column's lines begin where the column does
_LEAST_WORDS = 3.0  # on an average line of a column
_LEAST_LETTERS = 0.7  # of the characters; figures are tables
_WITHIN_SHARE = 0.4  # of a column's lines begin in the middle of a sentence, with a small letter
_NEXT_LINE = 3.0  # times the size: what still belongs to the column above it
_SAME_SIZE = 0.12
_BAND = 1.35  # times the usual distance of lines: what parts the rows of a table of words
_TABLE_SHARE = 0.8  # of a column's gaps stand beside a gap of the next: then it is a table


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line between wide gaps; `start` is where PDFium has its first character."""

    text: str
    left: float
    right: float
    start: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Where lines are to be cut, as PDFium counts, and the gutters, from left to right."""

    cuts: frozenset[int]
    gutters: tuple[float, ...]


def find_columns(lines: Sequence[Sequence[Piece]]) -> Columns | None:
    """Find columns that are read row by row; None where there are none, or it is not sure."""
    gutters: list[float] = []
    while len(gutters) < _MOST_GUTTERS and (place := _most_shared(lines, gutters)) is not None:
        gutters.append(place)
    gutters.sort()
    while gutters:
        columns = [_Column.of(pieces) for pieces in _in_columns(lines, gutters)]
        bad = next((n for n, column in enumerate(columns) if not column.is_prose), None)
        if bad is None:
            cuts = frozenset(
                right.start
                for line in lines
                for left, right in pairwise(line)
                if any(left.right <= gutter <= right.left for gutter in gutters)
            )
            return Columns(cuts, tuple(gutters))
        # What is no column belongs to the one on its right, the last to the one on its left.
        del gutters[min(bad, len(gutters) - 1)]
    return None


def by_column(lines: Sequence[Line], gutters: Sequence[float]) -> list[Line]:
    """Put the lines of a page, cut at its gutters, into the order in which they are read."""
    ordered: list[Line] = []
    region: list[Line] = []
    split = False
    for line, follows, is_split in _marked(lines, gutters):
        if not follows:
            ordered += _read(region, gutters) if split else region
            region, split = [], False
        region.append(line)
        split |= is_split
    return ordered + (_read(region, gutters) if split else region)


def _most_shared(lines: Sequence[Sequence[Piece]], taken: Sequence[float]) -> float | None:
    """Find the place that the most gaps share, of those without a gutter; None if too few do."""
    gaps = [
        (left.right, right.left)
        for line in lines
        for left, right in pairwise(line)
        if not any(left.right <= gutter <= right.left for gutter in taken)
    ]
    best, most = None, _LEAST_ROWS - 1
    for start, _ in gaps:
        sharing = [end for other, end in gaps if other <= start <= end]
        if len(sharing) > most:
            best, most = (start + min(sharing)) / 2, len(sharing)
    return best


def _in_columns(lines: Sequence[Sequence[Piece]], gutters: Sequence[float]) -> list[list[Piece]]:
    """Give the pieces of each column, of the lines that have a gap at a gutter."""
    columns: list[list[Piece]] = [[] for _ in range(len(gutters) + 1)]
    for line in lines:
        cells: dict[int, list[Piece]] = {}
        for piece in line:
            cells.setdefault(_column(piece, gutters), []).append(piece)
        for column, cell in cells.items() if len(cells) > 1 else ():
            text = " ".join(piece.text for piece in cell)
            columns[column].append(Piece(text, cell[0].left, cell[-1].right, cell[0].start))
    return columns


def _column(item: Piece | Line, gutters: Sequence[float]) -> int:
    middle = (item.left + item.right) / 2
    return sum(gutter < middle for gutter in gutters)


@dataclass(frozen=True, slots=True)
class _Column:
    """What tells a column of prose from one of a table.

    Its lines are full, begin at one place, and most of them in the middle of a sentence.
    """

    rows: int
    full: float
    flush: float
    words: float
    letters: float
    within: float

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> _Column:
        if not pieces:
            return cls(0, 0.0, 0.0, 0.0, 0.0, 0.0)
        start = median(piece.left for piece in pieces)
        width = max(piece.right for piece in pieces) - start
        text = "".join("".join(piece.text.split()) for piece in pieces)
        return cls(
            len(pieces),
            mean(piece.right - piece.left >= _FULL_LINE * width for piece in pieces),
            mean(abs(piece.left - start) < 0.05 * width for piece in pieces),
            mean(len(piece.text.split()) for piece in pieces),
            sum(map(str.isalpha, text)) / max(len(text), 1),
            mean(piece.text[0].isalpha() and not piece.text[0].isupper() for piece in pieces),
        )

    @property
    def is_prose(self) -> bool:
        return (
            self.rows >= _LEAST_ROWS
            and self.full >= _FULL_SHARE
            and self.flush >= _FLUSH_SHARE
            and self.words >= _LEAST_WORDS
            and self.letters >= _LEAST_LETTERS
            and self.within >= _WITHIN_SHARE
        )


def _marked(lines: Sequence[Line], gutters: Sequence[float]) -> Iterator[tuple[Line, bool, bool]]:
    """Tell of each line whether it goes on with the columns above it, and is beside the last."""
    above: Line | None = None
    for line in lines:
        crosses = any(line.left < gutter < line.right for gutter in gutters)
        if above is None or crosses:
            yield line, False, False
        else:
            level = abs(above.base - line.base) < 0.5 * line.size
            beside = level and _column(above, gutters) != _column(line, gutters)
            below = (
                abs(above.base - line.base) <= _NEXT_LINE * line.size
                and abs(above.size - line.size) <= _SAME_SIZE * line.size
            )
            yield line, beside or below, beside
        above = None if crosses else line


def _read(region: Sequence[Line], gutters: Sequence[float]) -> list[Line]:
    """Read columns from left to right; a table of words row by row."""
    columns: list[list[Line]] = [[] for _ in range(len(gutters) + 1)]
    for line in region:
        columns[_column(line, gutters)].append(line)
    for column in columns:
        column.sort(key=lambda line: (-line.base, line.left))
    breaks = _table_breaks([column for column in columns if column])
    if not breaks:
        return [line for column in columns for line in column]
    bands: list[list[Line]] = [[] for _ in range(len(breaks) + 1)]
    for column in columns:
        for line in column:
            bands[sum(line.base < place for place in breaks)].append(line)
    return [line for band in bands for line in band]


def _table_breaks(columns: Sequence[Sequence[Line]]) -> list[float]:
    """Find the heights at which all columns leave a gap, if they leave hardly any elsewhere."""
    gaps = [_gaps(column) for column in columns]
    if len(gaps) < 2 or min(map(len, gaps)) < 2:
        return []
    shared = [
        [gap for gap in own if all(any(_meet(gap, other) for other in others) for others in gaps)]
        for own in gaps
    ]
    if any(len(some) < _TABLE_SHARE * len(own) for some, own in zip(shared, gaps, strict=True)):
        return []
    return [(top + bottom) / 2 for top, bottom in shared[0]]


def _gaps(column: Sequence[Line]) -> list[tuple[float, float]]:
    """Give the wider distances between the lines of a column: the bases above and below."""
    steps = [above.base - line.base for above, line in pairwise(column)]
    usual = median(steps) if steps else 0.0
    return [
        (above.base, line.base)
        for above, line in pairwise(column)
        if above.base - line.base > _BAND * usual
    ]


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two gaps end at the same height: a row begins there in both columns."""
    return abs(one[1] - other[1]) < 0.3 * (one[0] - one[1])
