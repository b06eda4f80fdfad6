"""Tables as text files: CSV and TSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

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


class CsvReader:
    """Reads .csv and .tsv, whatever separates the columns: one line for each row."""

    suffixes = frozenset({".csv", ".tsv"})
    version = 1

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        text = clean(decode(original.read(), original.source))
        csv.field_size_limit(_MAX_CELL_CHARS)
        reader = csv.reader(io.StringIO(text), delimiter=delimiter(text), skipinitialspace=True)
        rows: list[tuple[int, list[str]]] = []
        try:
            rows.extend(
                (number, [cell_text(cell) for cell in cells])
                for number, cells in enumerate(reader, start=1)
            )
        except csv.Error as error:
            raise DocumentError(
                f"{original.source}: row {len(rows) + 1} cannot be read ({error}).",
                "Look for a quotation mark that is opened there and never closed.",
                reason="bad-record",
            ) from error
        builder = TextBuilder()
        for line in lines_of_rows(rows):
            builder.line(line)
        found, _ = builder.finish()
        yield original.document(found, {}, title=original.stem)


def delimiter(text: str) -> str:
    """Choose what separates the columns: what divides the first lines most evenly.

    Ties go to the one that makes more columns, then to the order comma, semicolon, tab, bar.
    """
    lines = [line[:_SAMPLE_CHARS] for line in text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]]
    best, best_score = ",", (0.0, 0)
    for candidate in _DELIMITERS:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=candidate) if cells]
        usual = max(set(widths), key=widths.count, default=1)
        if usual > 1:
            score = (widths.count(usual) / len(widths), usual)
            if score > best_score:
                best, best_score = candidate, score
    return best
