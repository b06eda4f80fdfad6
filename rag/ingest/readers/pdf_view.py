"""A page of a PDF as a picture, and the boxes of a stretch of its text."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers import ocr
from rag.ingest.readers.pdf_forms import open_page
from rag.ingest.readers.pdf_lines import seen_lines, tidied
from rag.ingest.readers.pdf_page import hidden_characters, is_scan, picture_of
from rag.ingest.readers.placing import find_letters, share_found
from rag.ingest.readers.views import (
    MAX_BOXES,
    MAX_PICTURE_BYTES,
    MAX_PICTURE_PIXELS,
    Box,
    PageRequest,
    PageView,
)

_WIDTH_PIXELS = 1240
_ENOUGH = 0.9  # of the letters must be found, or they are not those that were read
_DEVICE_SCALE = 100  # PDFium gives whole numbers: hundredths of a point
_SAME_LINE = 0.3  # of the lower height is shared by letters of one line


@dataclass(frozen=True, slots=True)
class _Word:
    """A word on the page: `at` says for each of its letters what `_Places.box` is asked for."""

    text: str
    line: int
    at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Places:
    """The words of a page in the order in which they are read, and where a letter stands.

    `box` gives the place of what is printed; `room` that of its line, as high as the type is large.
    """

    words: list[_Word]
    box: Callable[[int], Box]
    room: Callable[[int], Box]


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
                boxes = _boxes(_places(page, text_page, request), request)
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


def _places(page: Any, text_page: Any, request: PageRequest) -> _Places:
    hidden = hidden_characters(page, text_page)
    lines, _ = seen_lines(page, text_page, hidden)
    if is_scan(page, sum(len(line.text) for line in lines)) and ocr.setup.find() is not None:
        return _recognised(page, request)
    raw = text_page.get_text_range()
    units = list(_units(raw))
    positions = {unit: place for place, unit in enumerate(units)}
    words: list[_Word] = []
    for number, line in enumerate(lines):
        first = positions[line.span[0]]
        last = positions.get(line.span[1], len(raw))
        shown = [place for place in range(first, last) if units[place] not in hidden]
        for is_space, group in groupby(shown, key=lambda place: raw[place].isspace()):
            letters = [(letter, units[p]) for p in group for letter in tidied(raw[p])]
            if letters and not is_space:
                words.append(
                    _Word("".join(a for a, _ in letters), number, tuple(b for _, b in letters))
                )
    drawn = _Drawn(page, text_page)
    return _Places(words, drawn.box, drawn.room)


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


def _recognised(page: Any, request: PageRequest) -> _Places:
    """Recognise the words of a scan again; a box is a word's, since letters have none."""
    scale, picture = picture_of(page)
    pages = ocr.recognise(picture, f"{request.source}, page {request.page}")
    words: list[_Word] = []
    places: list[Box] = []
    rooms: list[Box] = []
    for number, line in enumerate(pages[0].lines if pages else ()):
        for word, (left, top, right, bottom) in zip(line.words, line.places, strict=True):
            letters = tidied(word)
            words.append(_Word(letters, number, (len(places),) * len(letters)))
            places.append(Box(left / scale, top / scale, right / scale, bottom / scale))
            rooms.append(Box(left / scale, line.top / scale, right / scale, line.bottom / scale))
    return _Places(words, places.__getitem__, rooms.__getitem__)


def _boxes(places: _Places, request: PageRequest) -> tuple[Box, ...]:
    """Give the boxes of the stretch: one for what stands together on a line."""
    words = [word.text for word in places.words]
    found = find_letters(request.text, request.start, request.end, words)
    if share_found(request.text, request.start, request.end, found) < _ENOUGH:
        raise DocumentError(
            f"{request.source}: the words are not on page {request.page} as they were read.",
            "Run footnote ingest again.",
            reason="unplaced",
        )
    boxes = [_around(run, places) for run in _runs(sorted(set(found)), places)]
    return tuple(box for box in boxes if box.left < box.right and box.top < box.bottom)[:MAX_BOXES]


def _runs(letters: Sequence[tuple[int, int]], places: _Places) -> Iterator[list[int]]:
    """Yield what follows each other on one line, as what `_Places.box` is asked for.

    PDFium has a word that is hyphenated at a line's end in one line, and it stands in two.
    """
    run: list[int] = []
    previous = (-1, -1)
    for number, place in letters:
        word = places.words[number]
        follows = (number, place) == (previous[0], previous[1] + 1) or (
            number == previous[0] + 1
            and place == 0
            and previous[1] + 1 == len(places.words[previous[0]].text)
            and word.line == places.words[previous[0]].line
        )
        if run and not (follows and _level(places.room(run[-1]), places.room(word.at[place]))):
            yield run
            run = []
        run.append(word.at[place])
        previous = (number, place)
    if run:
        yield run


def _level(one: Box, other: Box) -> bool:
    """Whether two letters stand side by side, or above each other on a page that is turned."""
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    across = min(one.right, other.right) - max(one.left, other.left)
    return down > _SAME_LINE * min(one.bottom - one.top, other.bottom - other.top) or (
        across > _SAME_LINE * min(one.right - one.left, other.right - other.left)
    )


def _around(run: Sequence[int], places: _Places) -> Box:
    boxes = [places.box(at) for at in run]
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def _no_page(request: PageRequest) -> DocumentError:
    return DocumentError(
        f"{request.source}: page {request.page} cannot be drawn.",
        "Open the file in a PDF viewer to see whether it is sound.",
        reason="no-page",
    )
