"""Plain text, often pasted from a web page."""

from __future__ import annotations

from collections.abc import Iterator

from rag.errors import DocumentError
from rag.ingest.readers.boilerplate import without_boilerplate
from rag.ingest.readers.clues import date_and_author
from rag.ingest.readers.original import Original
from rag.ingest.readers.raw import clean, decode
from rag.types import Document


class TextReader:
    """Reads .txt: the text as it stands, without the web page's furniture."""

    suffixes = frozenset({".txt", ".text"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        text = without_boilerplate(clean(decode(original.read(), original.source))).strip()
        yield original.document(text, date_and_author(text))
