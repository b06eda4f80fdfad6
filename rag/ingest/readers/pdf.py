"""PDF files: PDFium's text and geometry, put back into paragraphs, headings and pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers import ocr
from rag.ingest.readers.clues import guess_title, with_file_name
from rag.ingest.readers.ocr import Recognised
from rag.ingest.readers.original import Original
from rag.ingest.readers.pdf_forms import open_page
from rag.ingest.readers.pdf_layout import assemble
from rag.ingest.readers.pdf_line import Line
from rag.ingest.readers.pdf_lines import recognised_lines, seen_lines
from rag.ingest.readers.pdf_page import hidden_characters, is_scan, picture_of
from rag.ingest.readers.raw import clean
from rag.types import Document

_LOCK = threading.Lock()  # PDFium is not thread-safe, not even across documents
_PASSWORD_NEEDED = 4  # FPDF_ERR_PASSWORD
_TAIL_BYTES = 65_536
_MAX_PAGES = 20_000
_MANY_SCANS = 0.2  # of the pages: then not reading them is a problem, and not a cover picture
_MAX_NAMED_PAGES = 20
_NO_TITLE = re.compile(
    r"untitled.*|microsoft (?:word|powerpoint|excel) ?-.*"
    r"|.*\.(?:docx?|indd|qxd|pdf|tex|dvi|rtf|pptx?)|"
    r"[\W\d_]*|\(?unspecified\)?|(?:document|slide|presentation) ?\d*",
    re.IGNORECASE,
)
_NO_AUTHOR = re.compile(
    r"\(?anonymous\)?|\(?unspecified\)?|unknown|user|admin(?:istrator)?|owner|\W*", re.IGNORECASE
)


class PdfReader:
    """Reads .pdf: words in order, page numbers kept, running headers and footers dropped.

    Pages that are pictures go through Tesseract, if it is installed. Text that nobody sees is left
    out, and its amount noted in the metadata.
    """

    suffixes = frozenset({".pdf"})
    version = 5

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        with _LOCK:
            content = _extract(data, source)
        pages = [page.lines for page in content.pages]
        text, sections, page_starts = assemble(pages)
        scans = [number for number, page in enumerate(content.pages, start=1) if page.scan]
        if not any(character.isalnum() for character in text):
            raise _no_text(source, len(pages), len(scans))
        metadata = _metadata(content.info) | _remarks(content.pages, scans)
        front = [section for section in sections if section.start < [*page_starts, len(text)][1]]
        heading = min(front, key=lambda section: section.level).title if front else ""
        title = with_file_name(heading or guess_title(text), original.stem)
        yield original.document(
            text, metadata, title=title, sections=sections, page_starts=page_starts
        )
        if scans and ocr.setup.find() is None and len(scans) > _MANY_SCANS * len(pages):
            yield ocr.no_ocr(source, f"{len(scans)} of {len(pages)} pages are pictures")


@dataclass(frozen=True, slots=True)
class _Page:
    """A page's lines, how many characters nobody sees, and what was recognised of a scan."""

    lines: list[Line]
    hidden: int
    scan: bool
    recognised: Recognised | None = None


@dataclass(frozen=True, slots=True)
class _Content:
    pages: list[_Page]
    info: dict[str, str]


def _extract(data: bytes, source: str) -> _Content:
    import pypdfium2

    truncated = b"%%EOF" not in data[-_TAIL_BYTES:]
    try:
        document = pypdfium2.PdfDocument(data)
        try:
            if truncated:  # PDFium would repair it and leave out pages without a word
                raise _damaged(source, truncated)
            if len(document) > _MAX_PAGES:
                raise _too_many_pages(source, len(document))
            pages = [_page(document, index, source) for index in range(len(document))]
            return _Content(pages, document.get_metadata_dict())
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


def _page(document: Any, index: int, source: str) -> _Page:
    page = open_page(document, index)
    try:
        text_page = page.get_textpage()
        try:
            lines, unseen = seen_lines(page, text_page, hidden_characters(page, text_page))
        finally:
            text_page.close()
        scan = is_scan(page, sum(len(line.text) for line in lines))
        if not scan or ocr.setup.find() is None:
            return _Page(lines, unseen, scan)
        scale, picture = picture_of(page)
        pictures = ocr.recognise(picture, f"{source}, page {index + 1}")
        recognised = pictures[0] if pictures else Recognised(())
        return _Page(recognised_lines(recognised, scale), unseen, scan, recognised)
    finally:
        page.close()


def _remarks(pages: Sequence[_Page], scans: Sequence[int]) -> dict[str, str]:
    """Say what was recognised in pictures, what could not be, and what nobody sees."""
    remarks: dict[str, str] = {}
    recognised = [page.recognised for page in pages if page.recognised is not None]
    if recognised:
        remarks["ocr"] = "tesseract"
        remarks["ocr_pages"] = _numbers(scans)
        remarks["ocr_confidence"] = f"{ocr.mean_confidence(recognised):.0f}"
    elif scans:
        remarks["pages_without_text"] = _numbers(scans)
    if hidden := sum(page.hidden for page in pages):
        remarks["hidden_text"] = f"{hidden} characters left out"
    return remarks


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_MAX_NAMED_PAGES]))
    return shown + (" ..." if len(numbers) > _MAX_NAMED_PAGES else "")


def _no_text(source: str, pages: int, scans: int) -> DocumentError:
    if scans and ocr.setup.find() is None:
        return ocr.no_ocr(source, f"{pages} page(s), but no text: it is a scan")
    return DocumentError(
        f"{source}: {pages} page(s), but no text.",
        "If there is text to be seen, run the file through text recognition (OCR) first.",
        reason="no-text",
    )


def _too_many_pages(source: str, pages: int) -> DocumentError:
    return DocumentError(
        f"{source}: {pages:,} pages; at most {_MAX_PAGES:,} are read.",
        "Split the file into smaller ones.",
        reason="too-large",
    )


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
