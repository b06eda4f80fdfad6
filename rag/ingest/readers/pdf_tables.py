"""Rows of tables on a page: put on one line, and told apart by the names of their columns.

A PDF knows no tables. What is sure enough to act on: figures at the end of a line, pieces at the
same height, a line of years or dates above rows with as many figures, and lines of words whose gaps
leave one over each column of such rows (`pdf_heads`). All else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from rag.ingest.readers.pdf_cells import with_cells
from rag.ingest.readers.pdf_heads import FIGURE, LEADING, TRAILING, Columns, word_heads
from rag.ingest.readers.pdf_line import Line

_YEAR = r"(?:19|20)\d\d"
_DAY = rf"[A-Z][a-z]{{2,8}}\.? \d{{1,2}}, {_YEAR}"
_YEARS = re.compile(rf"(?:.*?[^\d ] )?(?P<names>{_YEAR}(?: {_YEAR})+)")
_DAYS = re.compile(rf"(?:.*?\W)??(?P<names>{_DAY}(?: {_DAY})+)")
_GROUP = re.compile(
    r"(?:Three|Six|Nine|Twelve) Months Ended|(?:First|Second|Third|Fourth) Quarter"
    r"|(?:Fiscal|Full) Year(?: Ended)?|Years? Ended|Quarter Ended",
    re.IGNORECASE,
)
_NOTE = re.compile(r"\(\w{1,2}\)")
_BULLETS = ("•", "·", "▪", "‣", "◦", "●", "○", "■", "□", "–")
_PROSE_WORDS = 14
_MOST_WORDS = 20  # of a row of words
_MAX_NAMES_CHARS = 60  # longer ones would drown the figures if every row repeated them
_ROW_ENDS = "0123456789)%-–—"


def is_row(text: str) -> bool:
    """Tell a table's row: two figures or more, at its end or more than the words around them."""
    words = text.split()
    figures = [bool(FIGURE.fullmatch(word)) for word in words]
    numbers = sum((figure and any(map(str.isdigit, word))) or word in "-–—" for figure, word in
                  zip(figures, words, strict=True))  # fmt: skip
    return numbers >= 2 and (sum(figures) >= 0.4 * len(words) or _trailing_figures(words) >= 2)


def could_be_of_table(text: str) -> bool:
    """Whether a line is worth measuring: it ends as rows do, or is short enough for cells."""
    return text[-1] in _ROW_ENDS or text.count(" ") < _MOST_WORDS


def ends_in_figure(text: str) -> bool:
    """Whether a line could be a row with one figure; only its neighbours can tell."""
    words = text.split()
    return len(words) <= _PROSE_WORDS and _trailing_figures(words) >= 1


def with_tables(page: Sequence[Line]) -> list[Line]:
    """Join the pieces of rows, and name the columns in rows where that is sure."""
    return with_cells(list(_named(_joined(page))))


def _trailing_figures(words: Sequence[str]) -> int:
    """Count the figures that end a line; one with a comma behind it belongs to a sentence."""
    count = 0
    for word in reversed(words):
        if word in LEADING or word in TRAILING:
            continue
        if not FIGURE.fullmatch(word) or word.endswith(",") or (word.endswith(".") and not count):
            break
        count += 1
    return count


def _joined(page: Sequence[Line]) -> list[Line]:
    """Join what stands at the height of the line before it.

    That is: notes raised above it, figures, and what follows a bullet.
    """
    lines: list[Line] = []
    for line in page:
        above = lines[-1] if lines else None
        if above is None or not _belongs_to(above, line):
            lines.append(line)
            continue
        raised = _NOTE.fullmatch(line.text) is not None
        lines[-1] = replace(
            above,
            text=f"{above.text} {line.text}",
            right=line.right,
            last_base=above.last_base if raised else line.last_base,
            bold=above.bold and line.bold,
            words=(*above.words, *line.words) if above.words and line.words else (),
        )
    return lines


def _belongs_to(above: Line, line: Line) -> bool:
    level = abs(above.last_base - line.base) <= 0.5 * max(above.size, line.size)
    words = [word for word in line.text.split() if not _NOTE.fullmatch(word)]
    return (
        level
        and line.left >= above.right - 1.0
        and (above.text in _BULLETS or all(FIGURE.fullmatch(word) for word in words))
    )


def _named(page: Sequence[Line]) -> Iterator[Line]:
    heads, changes = word_heads(page)
    columns: Columns | None = None
    above = ""
    for place, line in enumerate(page):
        if place in heads:
            columns = None
            yield replace(line, row=True)
            continue
        columns = changes.get(place, columns)
        head = _columns(line, above)
        above = line.text
        if head is not None:
            columns = head
            yield replace(line, row=True)
            continue
        figures = _trailing_figures(line.text.split())
        if figures == 0 and len(line.text.split()) > _PROSE_WORDS:
            columns = None  # a sentence ends the table
        named = _with_names(line, columns) if columns and figures else ""
        yield replace(line, text=named, row=True) if named else line


def _columns(line: Line, above: str) -> Columns | None:
    """Read a line of years or dates as names of columns; None when it is none, or not sure."""
    match = _DAYS.fullmatch(line.text) or _YEARS.fullmatch(line.text)
    if match is None or not line.words:
        return None
    names = re.findall(_DAY if "," in match["names"] else _YEAR, match["names"])
    each = len(names[0].split())
    ends = tuple(end for _, end in line.words[-each * len(names) :][each - 1 :: each])
    groups = _GROUP.findall(above)
    if len(groups) > 1 and len(names) % len(groups) == 0:
        width = len(names) // len(groups)
        names = [f"{groups[place // width]} {name}" for place, name in enumerate(names)]
    clear = (
        len(set(names)) == len(names) == len(ends)
        and sum(map(len, names)) <= _MAX_NAMES_CHARS
        and all(left < right for left, right in pairwise(ends))
    )
    return Columns(tuple(names), ends) if clear else None


def _with_names(line: Line, columns: Columns) -> str:
    """Write "Sales 5 4" as "Sales | 2020: 5 | 2019: 4"; "" when a figure has no column.

    Figures of the label stand under no name, a cell that is empty leaves no figure.
    """
    words = line.text.split()
    if len(line.words) != len(words):
        return ""
    cells: dict[int, str] = {}
    place = len(words)
    after = ""
    while place:
        word, (_, end) = words[place - 1], line.words[place - 1]
        if word in TRAILING:
            after = word + after
        elif word in LEADING and cells and not after:
            leftmost = min(cells)
            cells[leftmost] = word + cells[leftmost]
        else:
            column = columns.at(end) if FIGURE.fullmatch(word) else None
            if column is None or (cells and column >= min(cells)):
                break
            cells[column] = word + after
            after = ""
        place -= 1
    label = " ".join(words[:place])
    if not cells or after or not any(map(str.isalpha, label)):
        return ""
    named = (f"{columns.names[column]}: {cells[column]}" for column in sorted(cells))
    return " | ".join([label, *named])
