"""A page of an original as a picture, and where on it a stretch of its document's text stands.

This runs where files are parsed: in the child process. Nothing of it is kept by an ingest; it is
looked up in the original when somebody wants to see it, if that is still the file that was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from rag.errors import DocumentError
from rag.ingest.readers.archive import ZipReader
from rag.ingest.readers.mail import MailReader
from rag.ingest.readers.original import Original
from rag.ingest.readers.picture import PictureReader
from rag.ingest.readers.raw import os_error
from rag.types import Document

MAX_PICTURE_BYTES = 4_000_000
MAX_PICTURE_PIXELS = 2_500_000
MAX_BOXES = 1_000
PICTURE_SUFFIXES = PictureReader.suffixes
VIEWED_SUFFIXES = frozenset({".pdf"}) | PICTURE_SUFFIXES
_CONTAINERS = frozenset({".zip", ".eml"})


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page or picture, in points from its top left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What to look up: a page, or picture, from 1, of the document `doc_id` in the file at `path`.

    The file's bytes must have `sha256`. `text` is what was read from the page, and `start` and
    `end` the stretch of it that is wanted; nothing is looked for when they are equal. `draw` asks
    for the picture.
    """

    path: str
    source: str
    doc_id: str
    sha256: str
    page: int
    text: str = ""
    start: int = 0
    end: int = 0
    draw: bool = True


@dataclass(frozen=True, slots=True)
class PageView:
    """A page as it is drawn: its size in points, the boxes of what was wanted, and a PNG file.

    `picture` is empty when none was asked for.
    """

    page: int
    width: float
    height: float
    boxes: tuple[Box, ...]
    picture: bytes


def view(request: PageRequest) -> PageView:
    """Draw a page, and find the stretch of text on it.

    Raises:
        DocumentError: "missing" or "changed", the file; "no-page"; "unplaced", the text is not on
            the page in the words that were read; or as reading the file raises.
    """
    original = _find(request)
    if PurePath(original.name).suffix.lower() in PICTURE_SUFFIXES:
        from rag.ingest.readers.picture_view import view_picture

        return view_picture(original.read(), request)
    from rag.ingest.readers.pdf_view import view_page

    return view_page(original.read(), request)


def _find(request: PageRequest) -> Original:
    path = Path(request.path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise os_error(error, request.source) from error
    if hashlib.sha256(data).hexdigest() != request.sha256:
        raise changed(request.source)
    # What is drawn are the bytes that were looked at: the file may be another one by now.
    outer = replace(Original.file(path, request.source), data=data)
    found = outer if outer.doc_id == request.doc_id else _inside(outer, request.doc_id)
    if found is None:
        raise changed(request.source)
    return found


def _inside(outer: Original, doc_id: str) -> Original | None:
    """Look for a document's original in archives and e-mails, and in those inside them."""
    found: list[Original] = []

    def look(original: Original) -> Iterator[Document | DocumentError]:
        if original.doc_id == doc_id:
            found.append(original)
            yield DocumentError("This is it.")  # lets `_inside` stop before the next is unpacked
        elif reader := readers.get(PurePath(original.name).suffix.lower()):
            yield from reader.read(original)

    def is_looked_at(name: PurePath) -> bool:
        return name.suffix.lower() in VIEWED_SUFFIXES | _CONTAINERS

    readers: dict[str, ZipReader | MailReader] = {
        ".zip": ZipReader(look, is_looked_at),
        ".eml": MailReader(look, is_looked_at),
    }
    for _ in look(outer):
        if found:
            return found[0]
    return None


def changed(source: str) -> DocumentError:
    """Report a file that is not the one that was read."""
    return DocumentError(
        f"{source}: the file has changed since it was read.",
        "Run footnote ingest again.",
        reason="changed",
    )
