"""The rows of a document's tables, as tables: in its text they are lines with ` | ` in them."""

from __future__ import annotations

from collections.abc import Iterator

from rag.answering.text.tables import names_columns
from rag.web.markup import esc

CELLS = " | "

Span = tuple[int, int]


def with_tables(text: str, start: int, end: int, quote: Span, anchor: str) -> str | None:
    """Render a block that holds tables, what is around them as paragraphs; None if it holds none.

    `quote` is the stretch to mark, empty for none; its first mark gets the attribute `anchor`.
    """
    if CELLS not in text[start:end]:
        return None
    runs = list(_runs(text, start, end))
    if not any(_is_table(run, columns) for run, columns in runs):
        return None
    marks = _Marks(text, quote, anchor)
    return "".join(
        _table(text, run, marks)
        if _is_table(run, columns)
        else f"<p>{marks.render(run[0][0], run[-1][1])}</p>"
        for run, columns in runs
    )


def _is_table(run: list[Span], columns: int) -> bool:
    return columns > 1 and len(run) > 1


class _Marks:
    """Renders stretches of a text, what lies in the quote marked."""

    def __init__(self, text: str, quote: Span, anchor: str) -> None:
        self._text = text
        self._quote = quote
        self._anchor = anchor

    def render(self, start: int, end: int) -> str:
        low, high = max(start, self._quote[0]), min(end, self._quote[1])
        if low >= high:
            return esc(self._text[start:end])
        anchor, self._anchor = self._anchor, ""
        marked = f"<mark{anchor}>{esc(self._text[low:high])}</mark>"
        return esc(self._text[start:low]) + marked + esc(self._text[high:end])


def _runs(text: str, start: int, end: int) -> Iterator[tuple[list[Span], int]]:
    """Part lines into runs with the same number of cells; prose is a run of lines with one."""
    run: list[Span] = []
    held = 0
    for line in _lines(text, start, end):
        columns = text.count(CELLS, *line) + 1
        if run and columns != held:
            yield run, held
            run = []
        run.append(line)
        held = columns
    if run:
        yield run, held


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        if text[start:stop].strip():
            yield start, stop
        start = stop + 1


def _table(text: str, rows: list[Span], marks: _Marks) -> str:
    # Asked once for all rows that follow each other: it looks at each of them.
    first = rows[0][0]
    above = text[text.rfind("\n", 0, max(0, first - 1)) + 1 : first]
    head = CELLS not in above and names_columns(text, first)
    shown = "".join(
        _row(text, row, marks, "th" if head and i == 0 else "td") for i, row in enumerate(rows)
    )
    return f'<div class="table"><table>{shown}</table></div>'


def _row(text: str, row: Span, marks: _Marks, tag: str) -> str:
    cells = []
    at = row[0]
    for cell in text[slice(*row)].split(CELLS):
        cells.append(f"<{tag}>{marks.render(at, at + len(cell))}</{tag}>")
        at += len(cell) + len(CELLS)
    return f"<tr>{''.join(cells)}</tr>"
