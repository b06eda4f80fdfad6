"""Word documents, in reading order: headings, paragraphs, lists, tables."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata, guess_title
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.raw import document_id, empty, read_bytes
from rag.types import Document

MAX_UNPACKED_BYTES = 200_000_000
MAX_RATIO = 200
"""How many times larger than packed a part may be; Word's own stay below 30."""

_FREE_BYTES = 1_000_000  # small parts may pack as well as they like
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_MAX_TABLE_DEPTH = 5
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")
# What the zip and XML layers raise over damaged bytes; lxml's syntax error is a SyntaxError.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    KeyError,
    ValueError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
)


class DocxReader:
    """Reads .docx. Word files have no fixed pages, so there are no page numbers."""

    suffixes = frozenset({".docx"})
    version = 1

    def read(self, path: Path, source: str) -> Iterator[Document | DocumentError]:
        data = read_bytes(path, source)
        check_archive(data, source)
        try:
            builder, metadata = _extract(data)
        except _DAMAGE as error:
            raise DocumentError(
                f"{source}: is not a sound Word document ({type(error).__name__}).",
                "Open it in Word or LibreOffice and save it again as .docx.",
                reason="unreadable",
            ) from error
        text, sections = builder.finish()
        if not text:
            raise empty(source)
        heading = next((section.title for section in sections if section.level == 1), "")
        yield Document(
            doc_id=document_id(path),
            title=metadata.pop("title", "") or heading or guess_title(text) or path.stem,
            source=source,
            text=text,
            metadata=metadata,
            sections=sections,
        )


def check_archive(data: bytes, source: str) -> None:
    """Refuse, before anything is unpacked, what is no zip archive or unpacks to too much.

    Raises:
        DocumentError: "encrypted", "truncated", "unreadable" or "too-large".
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise _not_an_archive(data, source) from error
    if any(part.flag_bits & 1 for part in parts):
        raise _encrypted(source)
    total = sum(part.file_size for part in parts)
    swollen = any(
        part.file_size > max(_FREE_BYTES, MAX_RATIO * part.compress_size) for part in parts
    )
    if total > MAX_UNPACKED_BYTES or swollen:
        raise DocumentError(
            f"{source}: unpacks to {total:,} bytes; at most {MAX_UNPACKED_BYTES:,} and {MAX_RATIO}"
            " times the packed size are read.",
            "Remove large pictures, or split the document.",
            reason="too-large",
        )


def _not_an_archive(data: bytes, source: str) -> DocumentError:
    if data.startswith(_OLE) and _ENCRYPTED_PART in data:
        return _encrypted(source)
    if data.startswith(b"PK"):
        return DocumentError(
            f"{source}: the end of the file is missing.",
            "Copy or download it again.",
            reason="truncated",
        )
    found = "an old Word file (.doc)" if data.startswith(_OLE) else "no Word document"
    return DocumentError(
        f"{source}: is {found}, whatever its name says.",
        "Open it in Word or LibreOffice and save it as .docx.",
        reason="unreadable",
    )


def _encrypted(source: str) -> DocumentError:
    return DocumentError(
        f"{source}: is protected with a password.",
        "Save a copy without the password.",
        reason="encrypted",
    )


def _extract(data: bytes) -> tuple[TextBuilder, dict[str, str]]:
    import docx

    document = docx.Document(io.BytesIO(data))
    builder = TextBuilder()
    title = ""
    styles = _Styles()
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            builder.gap()
            _add_table(builder, block)
            builder.gap()
        elif styles.name(block).lower() == "title" and not title and block.text.strip():
            title = " ".join(block.text.split())
            builder.heading(title, 1)
        else:
            _add_paragraph(builder, block, styles)
    return builder, _metadata(document.core_properties, title)


class _Styles:
    """Remembers what python-docx looks up anew for each paragraph."""

    def __init__(self) -> None:
        self._names: dict[str | None, str] = {}

    def name(self, paragraph: Any) -> str:
        """Name the paragraph's style, or the built-in heading that it is derived from."""
        key = paragraph._p.style
        if key not in self._names:
            style = paragraph.style
            names: list[str] = []
            while style is not None and len(names) < 10:
                names.append(style.name or "")
                style = style.base_style
            known = (name for name in names if _HEADING.fullmatch(name) or name.startswith("List"))
            self._names[key] = next(known, names[0] if names else "")
        return self._names[key]


def _add_paragraph(builder: TextBuilder, paragraph: Any, styles: _Styles) -> None:
    text = "\n".join(" ".join(line.split()) for line in paragraph.text.split("\n")).strip()
    style = styles.name(paragraph)
    properties = paragraph._p.pPr
    numbering = None if properties is None else properties.numPr
    if not text:
        return
    if match := _HEADING.fullmatch(style):
        builder.heading(text, max(1, int(match[1])))
    elif numbering is not None or style.startswith(("List Bullet", "List Number")):
        level = 0 if numbering is None or numbering.ilvl is None else int(numbering.ilvl.val)
        builder.line("  " * min(level, 8) + "- " + text)
    else:
        builder.paragraph(text)


def _add_table(builder: TextBuilder, table: Any, depth: int = 0) -> None:
    """Add a row as "a | b | c"; a merged cell counts once; tables inside cells follow their row."""
    for row in table.rows:
        cells: dict[int, Any] = {id(cell._tc): cell for cell in row.cells}
        words = [" ".join(cell.text.split()) for cell in cells.values()]
        if any(words):
            builder.line(" | ".join(words))
        if depth < _MAX_TABLE_DEPTH:
            for cell in cells.values():
                for inner in cell.tables:
                    _add_table(builder, inner, depth + 1)


def _metadata(properties: Any, title: str) -> dict[str, str]:
    """Take what the author filled in; Word's own placeholders say nothing."""
    found = {
        "title": properties.title or title,
        "author": "" if properties.author == "python-docx" else properties.author,
        "subject": properties.subject,
        "keywords": properties.keywords,
    }
    when = properties.created or properties.modified
    if isinstance(when, datetime):
        found["date"] = when.date().isoformat()
    return flat_metadata(found)
