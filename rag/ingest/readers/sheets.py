"""Excel workbooks: each sheet a section, each row a line with the names of its columns."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from datetime import datetime
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


class SheetsReader:
    """Reads .xlsx and .xlsm: values as last computed by Excel, never formulas."""

    suffixes = frozenset({".xlsx", ".xlsm"})
    version = 1

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        check_archive(data, source, "Excel workbook")
        try:
            builder, metadata = _extract(data)
        except DAMAGE as error:
            raise damaged(source, "Excel workbook", error) from error
        text, sections = builder.finish()
        if all(line.startswith("Sheet: ") for line in text.split("\n") if line):
            raise empty(source)
        yield original.document(text, metadata, title=original.stem, sections=sections)


def _extract(data: bytes) -> tuple[TextBuilder, dict[str, str]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions, which are not read
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        builder = TextBuilder()
        try:
            for sheet in book.worksheets:
                builder.heading(f"Sheet: {sheet.title}", 1)
                for line in lines_of_rows(_rows(sheet)):
                    builder.line(line)
        finally:
            book.close()
    return builder, _metadata(book.properties)


def _rows(sheet: Any) -> list[tuple[int, list[str]]]:
    sheet.reset_dimensions()  # what a file says of its size may be wrong, or a trap
    rows: list[tuple[int, list[str]]] = []
    empty = 0
    found = sheet.iter_rows(values_only=True, max_row=_MAX_ROWS, max_col=_MAX_COLUMNS)
    for number, values in enumerate(found, start=1):
        cells = [cell_text(value) for value in values]
        if any(cells):
            rows.append((number, cells))
            empty = 0
        else:
            empty += 1
            if empty > _MAX_EMPTY_ROWS:
                break
    return rows


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
