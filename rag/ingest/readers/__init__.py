"""From files to documents: one reader per family of formats, chosen by the file's suffix.

A new format is a module with a class that fits `Reader`, added to `_READERS`. Heavy libraries
are imported where a reader uses them, so importing this package costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Protocol

from rag.errors import DocumentError
from rag.ingest.readers.archive import ZipReader
from rag.ingest.readers.csv_rows import CsvReader
from rag.ingest.readers.docx import DocxReader
from rag.ingest.readers.epub import EpubReader
from rag.ingest.readers.html import HtmlReader
from rag.ingest.readers.jsonl import JsonlReader
from rag.ingest.readers.mail import MailReader
from rag.ingest.readers.markdown import MarkdownReader
from rag.ingest.readers.original import Original
from rag.ingest.readers.pdf import PdfReader
from rag.ingest.readers.picture import PictureReader
from rag.ingest.readers.raw import document_id
from rag.ingest.readers.sheets import SheetsReader
from rag.ingest.readers.slides import SlidesReader
from rag.ingest.readers.text import TextReader
from rag.types import Document

__all__ = ["Reader", "document_id", "known_suffixes", "read_file", "reader_for"]


class Reader(Protocol):
    """What turns one file into documents.

    `suffixes` are lower-case and start with a dot. `version` is raised when the extracted text
    would change, so that files read by an earlier version are read again.
    """

    @property
    def suffixes(self) -> frozenset[str]: ...

    @property
    def version(self) -> int: ...

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        """Yield the file's documents, and an error in place of each record that is defective.

        Reading begins with the first `next()`.

        Raises:
            DocumentError: the file as a whole cannot be read; `reason` says why.
        """
        ...


def _read(original: Original) -> Iterator[Document | DocumentError]:
    """Read what lies inside another file."""
    return reader_for(Path(original.name)).read(original)


def _knows(name: PurePath) -> bool:
    return name.suffix.lower() in _BY_SUFFIX


_READERS: tuple[Reader, ...] = (
    TextReader(),
    MarkdownReader(),
    HtmlReader(),
    PdfReader(),
    DocxReader(),
    JsonlReader(),
    SlidesReader(),
    SheetsReader(),
    CsvReader(),
    EpubReader(),
    MailReader(_read, _knows),
    ZipReader(_read, _knows),
    PictureReader(),
)
_BY_SUFFIX = {suffix: reader for reader in _READERS for suffix in reader.suffixes}


def reader_for(path: Path) -> Reader:
    """Choose the reader by the file's suffix; upper and lower case are the same.

    Raises:
        DocumentError: no reader knows the suffix (reason "unknown-format").
    """
    reader = _BY_SUFFIX.get(path.suffix.lower())
    if reader is None:
        found = repr(path.suffix) if path.suffix else "no suffix"
        raise DocumentError(
            f"{path}: unknown format ({found}).",
            f"Known formats: {' '.join(sorted(_BY_SUFFIX))}",
            reason="unknown-format",
        )
    return reader


def read_file(path: Path, source: str) -> Iterator[Document | DocumentError]:
    """Read a file with the reader of its format, in this process; see `Reader.read`.

    `source` is the path as the person gave it.
    """
    return reader_for(path).read(Original.file(path, source))


def known_suffixes() -> frozenset[str]:
    """Name every suffix that some reader knows."""
    return frozenset(_BY_SUFFIX)
