"""Plain text, often pasted from a web page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.errors import DocumentError
from rag.ingest.readers.boilerplate import without_boilerplate
from rag.ingest.readers.clues import date_and_author, guess_title
from rag.ingest.readers.raw import clean, decode, document_id, empty, read_bytes
from rag.types import Document


class TextReader:
    """Reads .txt: the text as it stands, without the web page's furniture."""

    suffixes = frozenset({".txt", ".text"})
    version = 1

    def read(self, path: Path, source: str) -> Iterator[Document | DocumentError]:
        text = without_boilerplate(clean(decode(read_bytes(path, source), source))).strip()
        if not text:
            raise empty(source)
        yield Document(
            doc_id=document_id(path),
            title=guess_title(text) or path.stem,
            source=source,
            text=text,
            metadata=date_and_author(text),
        )
