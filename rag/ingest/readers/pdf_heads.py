"""Words that stand over the columns of a table on a page, and so name them.

A head is believed only where nothing else could be meant: at least two rows below with the same
number of figures, over each column one cell of words, and no cell that stands over two columns or
over none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.ingest.readers.pdf_line import Extent, Line

FIGURE = re.compile(r"[($€£¥–—-]*\d[\d.,]*[)%]*|[-–—]%?|[$€£¥%]|\)%?")
LEADING = ("$", "€", "£", "¥", "(", "$(")
TRAILING = ("%", ")", ")%")
OFF_COLUMN = 0.5  # of the distance between columns: how far a figure may stand from its name
_YEAR = re.compile(r"(?:19|20)\d\d")
_A_NAME = re.compile(r"[^|:\n]{1,60}")  # as `placing` takes them off again

_LEAST_ROWS = 2
_MOST_HEAD_LINES = 24  # each cell of a head may be a line of its own
_PITCH = 2.2  # of the size of letters: what stands farther above the last line is no head
_SAME_LEVEL = 0.3  # of that size: cells of one level stand on one line
_SEVERAL = -1
_GAP = 0.6  # of the size of letters: a wider gap parts cells
_MAX_CHARS = 90  # longer names would drown the figures if every row repeated them


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a table's columns, and where each ends, from left to right."""

    names: tuple[str, ...]
    ends: tuple[float, ...]

    def at(self, end: float) -> int | None:
        """Find the column of a figure that ends here; None when it stands under no name."""
        gap = min(right - left for left, right in pairwise(self.ends))
        nearest = min(range(len(self.ends)), key=lambda column: abs(self.ends[column] - end))
        return nearest if abs(self.ends[nearest] - end) <= OFF_COLUMN * gap else None


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    extent: Extent


def word_heads(page: Sequence[Line]) -> tuple[set[int], dict[int, Columns | None]]:
    """Return which lines are heads of tables, and at which line which columns begin, or end."""
    heads: set[int] = set()
    changes: dict[int, Columns | None] = {}
    place = 0
    while place < len(page):
        rows = _rows_from(page, place)
        if len(rows) < _LEAST_ROWS:
            place += 1
            continue
        lines, names = _names(page, place, _extents(rows))
        if names:
            heads.update(lines)
            changes[place] = Columns(names, tuple(cell.extent[1] for cell in rows[0]))
            changes[_end(page, place + len(rows), len(names))] = None
        place += len(rows)
    return heads, changes


def _rows_from(page: Sequence[Line], place: int) -> list[list[_Cell]]:
    """Return the figures of the rows that follow each other from a line on, as many in each."""
    rows: list[list[_Cell]] = []
    for index in range(place, len(page)):
        figures = _figures(page[index])
        if len(figures) < 2 or (rows and len(figures) != len(rows[0])):
            break
        if rows and not follows(page[index - 1], page[index]):
            break
        rows.append(figures)
    return rows


def _end(page: Sequence[Line], place: int, columns: int) -> int:
    """Return where a table ends that goes on after its first rows: at a gap, a head, or a sentence.

    Rows with empty cells and labels without figures belong to it.
    """
    while place < len(page) and follows(page[place - 1], page[place]):
        figures = len(_figures(page[place]))
        is_label = page[place].words and not any(map(str.isdigit, page[place].text))
        if not 0 < figures <= columns and not is_label:
            break
        place += 1
    return place


def follows(above: Line, line: Line) -> bool:
    """Whether a line stands right below another one."""
    return 0 <= above.base - line.base <= _PITCH * above.size


def _figures(line: Line) -> list[_Cell]:
    """Return the figures that end a row, their signs included; none where no words precede them."""
    words = line.text.split()
    if len(words) != len(line.words):
        return []
    found: list[_Cell] = []
    end: float | None = None
    while words:
        word, (left, right) = words[-1], line.words[len(words) - 1]
        if word in TRAILING:
            end = end or right
        elif word in LEADING and found:
            found[0] = _Cell(word + found[0].text, (left, found[0].extent[1]))
        elif found and _YEAR.fullmatch(word):
            break  # "Fiscal 2024  31" tells one figure, of a year
        elif FIGURE.fullmatch(word) and word not in LEADING:
            found.insert(0, _Cell(word, (left, end or right)))
            end = None
        else:
            break
        words.pop()
    return found if any(character.isalpha() for character in " ".join(words)) else []


def _extents(rows: Sequence[Sequence[_Cell]]) -> list[Extent]:
    """Return from where to where each column's figures reach."""
    columns = zip(*rows, strict=True)
    return [
        (min(cell.extent[0] for cell in column), max(cell.extent[1] for cell in column))
        for column in columns
    ]


def _names(
    page: Sequence[Line], place: int, columns: Sequence[Extent]
) -> tuple[list[int], tuple[str, ...]]:
    """Read the names of columns from what stands right above; ([], ()) when that is not sure."""
    if any(right >= left for (_, right), (left, _) in pairwise(columns)):
        return [], ()
    over: list[str] = [""] * len(columns)
    used: list[int] = []
    for lines, cells in _levels(page, place):
        under = [_column_under(cell, columns) for cell in cells]
        held = [column for column in under if column is not None]
        if all(over) and len(held) < len(columns) and len(set(over)) < len(over):
            over, used = _grouped(over, cells, columns), [*used, *lines]
            break
        # One cell above many columns may stand in the middle because it means them all.
        alone = len(held) == 1 and len(columns) > 2
        if not held or alone or _SEVERAL in held or len(set(held)) < len(held):
            break
        for cell, column in zip(cells, under, strict=True):
            if column is not None:
                over[column] = f"{cell.text} {over[column]}".strip()
        used += lines
    sure = (
        len(set(over)) == len(over)
        and all(_A_NAME.fullmatch(name) for name in over)
        and sum(map(len, over)) <= _MAX_CHARS
    )
    return (used, tuple(over)) if sure else ([], ())


def _levels(page: Sequence[Line], place: int) -> Iterator[tuple[list[int], list[_Cell]]]:
    """Yield what stands above a row, level by level upwards, as cells from left to right."""
    row = page[place]
    above = [
        index
        for index in range(max(0, place - _MOST_HEAD_LINES), place)
        if page[index].base > row.base
    ]
    level: list[int] = []
    base = row.base
    for index in sorted(above, key=lambda index: page[index].base):
        line = page[index]
        if not line.words or _figures(line) or line.base - base > _PITCH * row.size:
            break
        if level and line.base - base > _SAME_LEVEL * line.size:
            yield level, _cells(page, level)
            level = []
        level.append(index)
        base = line.base
    if level:
        yield level, _cells(page, level)


def _cells(page: Sequence[Line], level: Sequence[int]) -> list[_Cell]:
    """Cut the lines of a level at their gaps."""
    cells: list[_Cell] = []
    for index in level:
        line = page[index]
        held: list[str] = []
        for word, (left, right) in zip(line.text.split(), line.words, strict=True):
            if held and left - cells[-1].extent[1] <= _GAP * line.size:
                held.append(word)
                cells[-1] = _Cell(" ".join(held), (cells[-1].extent[0], right))
            else:
                held = [word]
                cells.append(_Cell(word, (left, right)))
    return sorted(cells, key=lambda cell: cell.extent)


def _column_under(cell: _Cell, columns: Sequence[Extent]) -> int | None:
    """Return the column that a cell names: None when it stands left of all of them.

    `_SEVERAL` says that it stands over more or fewer than one, or is a figure itself.
    """
    left, right = cell.extent
    under = [i for i, (first, last) in enumerate(columns) if first < right and left < last]
    if not under and right <= columns[0][0]:
        return None
    is_name = len(under) == 1 and any(character.isalpha() for character in cell.text)
    return under[0] if is_name else _SEVERAL


def _grouped(names: Sequence[str], cells: Sequence[_Cell], columns: Sequence[Extent]) -> list[str]:
    """Put the groups above before names that repeat, as many columns under each group."""
    groups = [cell.text for cell in cells if cell.extent[1] > columns[0][0]]
    if len(groups) < 2 or len(names) % len(groups):
        return list(names)
    width = len(names) // len(groups)
    if list(names[:width]) * len(groups) != list(names):
        return list(names)
    return [f"{groups[place // width]} {name}" for place, name in enumerate(names)]
