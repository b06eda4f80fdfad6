"""Tables as text files: CSV and TSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from rag.errors import DocumentError
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.raw import clean, decode
from rag.ingest.readers.rows import cell_text, lines_of_rows
from rag.types import Document

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50
_SAMPLE_CHARS = 10_000
_MAX_CELL_CHARS = 1_000_000
_SEPARATOR = re.compile(r"sep=(.)\n")
_DECIMAL = re.compile(r"(?<![\d,])\d+,\d+(?![\d,])")


class CsvReader:
    """Reads .csv and .tsv, whatever separates the columns: one line for each row."""

    suffixes = frozenset({".csv", ".tsv"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        text = clean(decode(original.read(), original.source))
        separator = ""
        if match := _SEPARATOR.match(text):  # a line for Excel, which does not count it
            separator, text = match[1], text[match.end() :]
        builder = TextBuilder()
        rows = _rows(text, separator or delimiter(text), original.source)
        for line in lines_of_rows(list(enumerate(rows, start=1))):
            builder.line(line)
        found, _ = builder.finish()
        yield original.document(found, {}, title=original.stem)


def _rows(text: str, separator: str, source: str) -> list[list[str]]:
    csv.field_size_limit(_MAX_CELL_CHARS)
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    rows: list[list[str]] = []
    begun = 0
    try:
        while True:
            begun = reader.line_num
            cells = next(reader, None)
            if cells is None:
                return rows
            rows.append([cell_text(cell) for cell in cells])
            if reader.line_num == len(lines) > begun + 1 and _is_open(lines[begun:]):
                # A mark that never closes holds all rows below it in one cell.
                rows.pop()
                bare = csv.reader(lines[begun:], delimiter=separator, quoting=csv.QUOTE_NONE)
                rows.extend([cell_text(cell.strip('" ')) for cell in cells] for cells in bare)
                return rows
    except csv.Error as error:
        raise DocumentError(
            f"{source}: row {len(rows) + 1} cannot be read ({error}).",
            "Look for a quotation mark that is opened there and never closed.",
            reason="bad-record",
        ) from error


def _is_open(lines: Sequence[str]) -> bool:
    return sum(line.count('"') for line in lines) % 2 == 1


def delimiter(text: str) -> str:
    """Choose what separates the columns: what divides the first lines most evenly.

    Ties go to the one that makes more columns, then to the order comma, semicolon, tab, bar.
    """
    lines = [line[:_SAMPLE_CHARS] for line in text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]]
    best, best_score = ",", (0.0, 0)
    decimal = sum(len(_DECIMAL.findall(line)) for line in lines) >= sum(map(bool, lines))
    for candidate in _DELIMITERS:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=candidate) if cells]
        usual = max(set(widths), key=widths.count, default=1)
        if usual > 1:
            score = (widths.count(usual) / len(widths), usual)
            if decimal and candidate != "," and score[0] == 1.0:
                return candidate  # "1,5;2,5": commas are in the figures
            if score > best_score:
                best, best_score = candidate, score
    return best
