"""Excel workbooks: each sheet a section, each row a line with the names of its columns."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.packed import DAMAGE, check_archive, damaged
from rag.ingest.readers.raw import empty
from rag.ingest.readers.rows import cell_text, lines_of_rows
from rag.types import Document

_MAX_ROWS = 1_048_576
_MAX_COLUMNS = 1_000
_MAX_EMPTY_ROWS = 1000  # a cell far below the others is no table
_MAX_MERGED = 10_000
_UNCOMPUTED = re.compile(
    rb"<c\b(?![^>]{0,200}\bt=\"str\")[^>]{0,200}>\s{0,9}"
    rb"<f\b(?:[^>]{0,200}/>|[^>]{0,200}>[^<]{0,9000}</f>)\s{0,9}(?:<v\s?/>|<v></v>)?\s{0,9}</c>"
)
_MERGED = re.compile(rb"<mergeCell ref=\"([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})\"")


class SheetsReader:
    """Reads .xlsx and .xlsm: values as last computed by Excel, never formulas."""

    suffixes = frozenset({".xlsx", ".xlsm"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        check_archive(data, source, "Excel workbook")
        try:
            builder, metadata, uncomputed = _extract(data)
        except DAMAGE as error:
            raise damaged(source, "Excel workbook", error) from error
        text, sections = builder.finish()
        if all(line.startswith("Sheet: ") for line in text.split("\n") if line):
            raise _no_values(source, uncomputed) if uncomputed else empty(source)
        yield original.document(text, metadata, title=original.stem, sections=sections)
        if uncomputed:
            yield _no_values(source, uncomputed)


def _extract(data: bytes) -> tuple[TextBuilder, dict[str, str], int]:
    """Give the text, what the file says of itself, and how many formulas have no value."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions, which are not read
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        builder = TextBuilder()
        uncomputed = 0
        try:
            for sheet in book.worksheets:
                if sheet.sheet_state == "visible":
                    with sheet._get_source() as source:
                        markup = source.read()
                    uncomputed += len(_UNCOMPUTED.findall(markup))
                    builder.heading(f"Sheet: {sheet.title}", 1)
                    for line in lines_of_rows(_rows(sheet, markup)):
                        builder.line(line)
        finally:
            book.close()
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    said = {**_metadata(book.properties), **flat_metadata({"hidden_sheets": hidden})}
    return builder, said, uncomputed


def _rows(sheet: Any, markup: bytes) -> list[tuple[int, list[str]]]:
    sheet.reset_dimensions()  # what a file says of its size may be wrong, or a trap
    rows: dict[int, list[str]] = {}
    empty = 0
    # With a limit of columns, openpyxl would fill every row up to it.
    for number, row in enumerate(sheet.iter_rows(max_row=_MAX_ROWS), start=1):
        cells = [_shown(cell) for cell in row[:_MAX_COLUMNS]]
        if any(cells):
            rows[number] = cells
            empty = 0
        else:
            empty += 1
            if empty > _MAX_EMPTY_ROWS:
                break
    _fill_down(rows, markup)
    return list(rows.items())


def _shown(cell: Any) -> str:
    """Write a cell as the sheet shows it, as far as that says what it is: 0.25 as "25%"."""
    value = cell.value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and "%" in (cell.number_format or ""):
        return f"{value * 100:.10g}%"
    return cell_text(value)


def _fill_down(rows: dict[int, list[str]], markup: bytes) -> None:
    """Give every row the value of a cell that is merged over several."""
    from openpyxl.utils.cell import column_index_from_string

    merged = _MERGED.finditer(markup)
    for column, first, last in (match.groups() for match in islice(merged, _MAX_MERGED)):
        at = column_index_from_string(column.decode()) - 1
        above = rows.get(int(first), [])
        value = above[at] if at < len(above) else ""
        for number in range(int(first) + 1, min(int(last), int(first) + _MAX_MERGED) + 1):
            if value and at < len(cells := rows.get(number, [])) and not cells[at]:
                cells[at] = value


def _no_values(source: str, count: int) -> DocumentError:
    return DocumentError(
        f"{source}: {count:,} formula(s) have no value: the program that wrote them did not "
        "compute.",
        "Open the file in Excel or LibreOffice and save it.",
        reason="no-values",
    )


def _metadata(properties: Any) -> dict[str, str]:
    found = {
        "title": properties.title,
        "author": "" if properties.creator == "openpyxl" else properties.creator,
        "subject": properties.subject,
        "keywords": properties.keywords,
    }
    when = properties.created or properties.modified
    if isinstance(when, datetime):
        found["date"] = when.date().isoformat()
    return flat_metadata(found)
