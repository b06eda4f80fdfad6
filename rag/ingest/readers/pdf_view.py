"""A page of a PDF as a picture, and the boxes of a stretch of its text."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers import ocr
from rag.ingest.readers.page_words import PlacedWord, PlacedWords, boxes_of, recognised
from rag.ingest.readers.pdf_forms import open_page
from rag.ingest.readers.pdf_lines import seen_lines, tidied
from rag.ingest.readers.pdf_page import hidden_characters, is_scan, picture_of
from rag.ingest.readers.views import (
    MAX_PICTURE_BYTES,
    MAX_PICTURE_PIXELS,
    Box,
    PageRequest,
    PageView,
)

_WIDTH_PIXELS = 1240
_DEVICE_SCALE = 100  # PDFium gives whole numbers: hundredths of a point


def view_page(data: bytes, request: PageRequest) -> PageView:
    """Draw a page of a PDF and find the stretch of text on it; raises as `views.view`."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise _no_page(request) from error
    try:
        if not 1 <= request.page <= len(document):
            raise _no_page(request)
        page = open_page(document, request.page - 1)
        text_page = page.get_textpage()
        try:
            width, height = page.get_size()
            boxes: tuple[Box, ...] = ()
            if request.start < request.end:
                boxes = boxes_of(_places(page, text_page, request), request)
            picture = _picture(page) if request.draw else b""
            return PageView(request.page, width, height, boxes, picture)
        finally:
            text_page.close()
            page.close()
    except pypdfium2.PdfiumError as error:
        raise _no_page(request) from error
    finally:
        document.close()


def _picture(page: Any) -> bytes:
    """Draw the page as a PNG file, smaller when it would be too large."""
    width, height = page.get_size()
    scale = min(_WIDTH_PIXELS / max(width, 1.0), (MAX_PICTURE_PIXELS / (width * height)) ** 0.5)
    while True:
        bitmap = page.render(scale=scale)
        try:
            image = bitmap.to_pil()
            red, green, blue = image.convert("RGB").split()
            if red.tobytes() == green.tobytes() == blue.tobytes():
                image = red
            file = io.BytesIO()
            image.save(file, "PNG", compress_level=3)
        finally:
            bitmap.close()
        if file.tell() <= MAX_PICTURE_BYTES:
            return file.getvalue()
        scale *= 0.7


def _places(page: Any, text_page: Any, request: PageRequest) -> PlacedWords:
    hidden = hidden_characters(page, text_page)
    lines, _ = seen_lines(page, text_page, hidden)
    if is_scan(page, sum(len(line.text) for line in lines)) and ocr.setup.find() is not None:
        return _recognised(page, request)
    raw = text_page.get_text_range()
    units = list(_units(raw))
    positions = {unit: place for place, unit in enumerate(units)}
    words: list[PlacedWord] = []
    for number, line in enumerate(lines):
        first = positions[line.span[0]]
        last = positions.get(line.span[1], len(raw))
        shown = [place for place in range(first, last) if units[place] not in hidden]
        for is_space, group in groupby(shown, key=lambda place: raw[place].isspace()):
            letters = [(letter, units[p]) for p in group for letter in tidied(raw[p])]
            if letters and not is_space:
                words.append(
                    PlacedWord("".join(a for a, _ in letters), number, tuple(b for _, b in letters))
                )
    drawn = _Drawn(page, text_page)
    return PlacedWords(words, drawn.box, drawn.room)


def _units(text: str) -> Iterator[int]:
    """Yield where each character begins in UTF-16 units, as PDFium counts."""
    position = 0
    for character in text:
        yield position
        position += 2 if character > "\uffff" else 1


class _Drawn:
    """Where PDFium has its characters on the page as it is drawn: turned, and cut to its box."""

    def __init__(self, page: Any, text_page: Any) -> None:
        self._page = page
        self._text_page = text_page
        self._size = [round(side * _DEVICE_SCALE) for side in page.get_size()]

    def box(self, index: int) -> Box:
        return self._on_page(self._text_page.get_charbox(index))

    def room(self, index: int) -> Box:
        return self._on_page(self._text_page.get_charbox(index, loose=True))

    def _on_page(self, edges: tuple[float, float, float, float]) -> Box:
        left, bottom, right, top = edges
        (x1, y1), (x2, y2) = self._point(left, top), self._point(right, bottom)
        return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))

    def _point(self, x: float, y: float) -> tuple[float, float]:
        import pypdfium2.raw as pdfium

        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(self._page, 0, 0, *self._size, 0, x, y, across, down)
        return across.value / _DEVICE_SCALE, down.value / _DEVICE_SCALE


def _recognised(page: Any, request: PageRequest) -> PlacedWords:
    """Recognise the words of a scan again."""
    scale, picture = picture_of(page)
    pages = ocr.recognise(picture, f"{request.source}, page {request.page}")
    return recognised(pages[0].lines if pages else (), scale)


def _no_page(request: PageRequest) -> DocumentError:
    return DocumentError(
        f"{request.source}: page {request.page} cannot be drawn.",
        "Open the file in a PDF viewer to see whether it is sound.",
        reason="no-page",
    )
