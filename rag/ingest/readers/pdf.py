"""PDF files: PDFium's text and geometry, put back into paragraphs, headings and pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.original import Original
from rag.ingest.readers.pdf_layout import Line, assemble
from rag.ingest.readers.raw import clean
from rag.types import Document

_LOCK = threading.Lock()  # PDFium is not thread-safe, not even across documents
_PASSWORD_NEEDED = 4  # FPDF_ERR_PASSWORD
_TAIL_BYTES = 65_536
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " "}
)
_NO_TITLE = re.compile(
    r"untitled.*|microsoft (?:word|powerpoint|excel) ?-.*"
    r"|.*\.(?:docx?|indd|qxd|pdf|tex|dvi|rtf|pptx?)|"
    r"[\W\d_]*|\(?unspecified\)?|(?:document|slide|presentation) ?\d*",
    re.IGNORECASE,
)
_NO_AUTHOR = re.compile(
    r"anonymous|\(?unspecified\)?|unknown|user|admin(?:istrator)?|owner|\W*", re.IGNORECASE
)


class PdfReader:
    """Reads .pdf: words in order, page numbers kept, running headers and footers dropped."""

    suffixes = frozenset({".pdf"})
    version = 1

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        with _LOCK:
            pages, info = _extract(data, source)
        text, sections, page_starts = assemble(pages)
        if not any(character.isalnum() for character in text):
            raise DocumentError(
                f"{source}: {len(pages)} page(s), but no text: probably a scan.",
                "Run it through text recognition (OCR) first, then add the result.",
                reason="no-text",
            )
        metadata = _metadata(info)
        front = [section for section in sections if section.start < [*page_starts, len(text)][1]]
        heading = min(front, key=lambda section: section.level).title if front else ""
        yield original.document(
            text, metadata, title=heading, sections=sections, page_starts=page_starts
        )


def _extract(data: bytes, source: str) -> tuple[list[list[Line]], dict[str, str]]:
    import pypdfium2

    truncated = b"%%EOF" not in data[-_TAIL_BYTES:]
    try:
        document = pypdfium2.PdfDocument(data)
        try:
            if truncated:  # PDFium would repair it and leave out pages without a word
                raise _damaged(source, truncated)
            pages = [_page_lines(document, index) for index in range(len(document))]
            return pages, document.get_metadata_dict()
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_NEEDED:
            raise DocumentError(
                f"{source}: is protected with a password.",
                "Save a copy without the password.",
                reason="encrypted",
            ) from error
        raise _damaged(source, truncated and data.startswith(b"%PDF-")) from error


def _damaged(source: str, truncated: bool) -> DocumentError:
    if truncated:
        return DocumentError(
            f"{source}: the end of the file is missing.",
            "Copy or download it again.",
            reason="truncated",
        )
    return DocumentError(
        f"{source}: is not a sound PDF file.",
        "Open it in a PDF viewer and save it again, or print it to PDF.",
        reason="unreadable",
    )


def _page_lines(document: Any, index: int) -> list[Line]:
    page = document[index]
    try:
        text_page = page.get_textpage()
        try:
            return list(_lines(text_page))
        finally:
            text_page.close()
    finally:
        page.close()


def _lines(text_page: Any) -> Iterator[Line]:
    """Yield a page's lines with their places; PDFium counts characters in UTF-16 units."""
    position = 0
    for raw in text_page.get_text_range().split("\n"):
        units = len(raw.encode("utf-16-le", "surrogatepass")) // 2
        line = raw.rstrip("\r ")
        words = _words(line)
        if words:
            lead = len(line) - len(line.lstrip())
            tail = len(line.encode("utf-16-le", "surrogatepass")) // 2 - 1
            left, bottom, _, top = text_page.get_charbox(position + lead, loose=True)
            _, last_bottom, right, _ = text_page.get_charbox(position + tail, loose=True)
            yield Line(
                text=words,
                left=left,
                right=right,
                base=bottom,
                last_base=last_bottom,
                size=round(2 * (top - bottom)) / 2,
            )
        position += units + 1


def _words(line: str) -> str:
    """Tidy a line; a hyphen that PDFium found at a line's end stays as U+0002 for `assemble`."""
    marked = line.replace("\ufffe", "\x02").translate(_LIGATURES)
    parts = (" ".join(clean(part).split()) for part in marked.split("\x02"))
    return "\x02".join(parts).strip()


def _metadata(info: dict[str, str]) -> dict[str, str]:
    """Take what the author filled in; what programs fill in by themselves says nothing."""
    found = {key: " ".join(clean(value).split()) for key, value in info.items()}
    metadata: dict[str, str] = {}
    if not _NO_TITLE.fullmatch(found.get("Title", "")):
        metadata["title"] = found["Title"]
    if not _NO_AUTHOR.fullmatch(found.get("Author", "")):
        metadata["author"] = found["Author"]
    if match := re.match(r"D:(\d{4})(\d\d)(\d\d)", found.get("CreationDate", "")):
        year, month, day = (int(part) for part in match.groups())
        try:
            metadata["date"] = date(year, month, day).isoformat() if year > 1980 else ""
        except ValueError:
            metadata["date"] = ""
    return {name: value for name, value in metadata.items() if value}
