"""What a person sees on a page of a PDF: text that cannot be seen is found, pictures are known.

Hidden text is how instructions for machines are smuggled into documents. Found are: text drawn
invisibly (unless it lies over a scan, as its recognised words do), transparent, tiny, off the page,
and white on white. Text that something else covers is not found.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from rag.ingest.readers.pdf_line import Line

_INVISIBLE = 3  # text render mode: neither filled nor stroked
_LEAST_POINTS = 1.5
_LEAST_WIDTH = 0.04  # of the size, for each character: narrower ones lie on each other
_WHITE = 240  # of 255
_FEW_CHARACTERS = 20
_MAX_FORM_DEPTH = 8
_OCR_DPI = 200
_MAX_OCR_PIXELS = 25_000_000
_MAX_LOOK_PIXELS = 2_000_000


def hidden_characters(page: Any, text_page: Any) -> set[int]:
    """Return the indexes of the characters that nobody sees."""
    import pypdfium2.raw as pdfium

    hidden = _hidden_runs(page, text_page)
    if not hidden:
        return set()
    found: set[int] = set()
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        run = ctypes.cast(pdfium.FPDFText_GetTextObject(text_page, index), ctypes.c_void_p).value
        if run in hidden:
            found.add(index)
    return found


def is_seen(line: Line, box: tuple[float, float, float, float]) -> bool:
    """Whether a line lies on the page and is large enough to be read; `box` is the page's."""
    left, bottom, right, top = box
    extent = max(line.right - line.left, abs(line.last_base - line.base))
    return (
        line.left < right
        and line.right > left
        and bottom - line.size < line.base < top
        and line.size >= _LEAST_POINTS
        and extent >= _LEAST_WIDTH * line.size * len(line.text)
    )


def is_scan(page: Any, characters: int) -> bool:
    """Tell a page that is a picture: next to no characters, and a picture on it."""
    import pypdfium2.raw as pdfium

    if characters >= _FEW_CHARACTERS:
        return False
    pictures = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4)
    return next(iter(pictures), None) is not None


def picture_of(page: Any) -> tuple[float, bytes]:
    """Draw the page in grey at 200 dots per inch, fewer where it is huge.

    Returns the pixels per point, and the bytes of a PGM file.
    """
    width, height = page.get_size()
    scale = min(_OCR_DPI / 72, (_MAX_OCR_PIXELS / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        head = b"P5 %d %d 255\n" % (bitmap.width, bitmap.height)
        return scale, head + b"".join(_rows(bitmap))
    finally:
        bitmap.close()


def is_bold(text_page: Any, index: int) -> bool:
    """Tell whether a character is bold, by its font's weight or name."""
    import pypdfium2.raw as pdfium

    if pdfium.FPDFText_GetFontWeight(text_page, index) >= 600:
        return True
    name = ctypes.create_string_buffer(120)
    size = pdfium.FPDFText_GetFontInfo(text_page, index, name, len(name), None)
    lowered = name.value.lower()
    return 0 < size <= len(name) and any(word in lowered for word in (b"bold", b"black", b"heavy"))


def _hidden_runs(page: Any, text_page: Any) -> set[int]:
    """Return the addresses of the text objects that nobody sees, but for what lies off the page."""
    import pypdfium2.raw as pdfium

    hidden, invisible, white, inner = _suspects(page)
    if inner:
        white |= _places_of(text_page, inner)
    if invisible:
        pictures = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4)
        if next(iter(pictures), None) is None:
            hidden |= invisible  # else: the words that somebody recognised in a scan, under it
    return hidden | (_white_on_white(page, white) if white else set())


def _suspects(page: Any) -> tuple[set[int], set[int], dict[int, tuple[float, ...]], set[int]]:
    """Find text that is transparent or tiny, drawn invisibly, or white (with its place).

    The last are white texts in forms, whose places are not the page's. Some programs write an
    object for every character, so little is asked of each.
    """
    import pypdfium2.raw as pdfium

    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    points = ctypes.c_float()
    hidden: set[int] = set()
    invisible: set[int] = set()
    white: dict[int, tuple[float, ...]] = {}
    inner: set[int] = set()
    for run, is_inner in _text_objects(page):
        mode = pdfium.FPDFTextObj_GetTextRenderMode(run)
        pdfium.FPDFPageObj_GetFillColor(run, red, green, blue, alpha)
        pdfium.FPDFTextObj_GetFontSize(run, points)
        if mode == _INVISIBLE:
            invisible.add(_address(run))
        elif (mode in (0, 2) and alpha.value == 0) or (
            points.value < _LEAST_POINTS and points.value * _scale(run) < _LEAST_POINTS
        ):
            hidden.add(_address(run))
        elif mode == 0 and min(red.value, green.value, blue.value) >= _WHITE:
            if is_inner:
                inner.add(_address(run))
            else:
                white[_address(run)] = _bounds(run)
    return hidden, invisible, white, inner


def _places_of(text_page: Any, runs: set[int]) -> dict[int, tuple[float, ...]]:
    """Find where text objects stand on the page, from the places of their characters."""
    import pypdfium2.raw as pdfium

    places: dict[int, tuple[float, ...]] = {}
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        run = ctypes.cast(pdfium.FPDFText_GetTextObject(text_page, index), ctypes.c_void_p).value
        if run in runs:
            left, bottom, right, top = text_page.get_charbox(index)
            found = places.get(run, (left, bottom, right, top))
            places[run] = (
                min(found[0], left), min(found[1], bottom), max(found[2], right), max(found[3], top)
            )  # fmt: skip
    return places


def _address(run: Any) -> int:
    return ctypes.cast(run, ctypes.c_void_p).value or 0


def _scale(run: Any) -> float:
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(run, matrix)
    return float(max(abs(matrix.a), abs(matrix.b), abs(matrix.c), abs(matrix.d)))


def _bounds(run: Any) -> tuple[float, ...]:
    import pypdfium2.raw as pdfium

    edges = tuple(ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(run, *edges)
    return tuple(edge.value for edge in edges)


def _text_objects(page: Any) -> Iterator[tuple[Any, bool]]:
    """Yield text objects, and whether they lie in a form, whose places are its own."""
    import pypdfium2.raw as pdfium

    forms: list[tuple[Any, int]] = []
    for index in range(max(pdfium.FPDFPage_CountObjects(page), 0)):
        item = pdfium.FPDFPage_GetObject(page, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            yield item, False
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            forms.append((item, 1))
    while forms:
        form, depth = forms.pop()
        for index in range(max(pdfium.FPDFFormObj_CountObjects(form), 0)):
            item = pdfium.FPDFFormObj_GetObject(form, index)
            kind = pdfium.FPDFPageObj_GetType(item)
            if kind == pdfium.FPDF_PAGEOBJ_TEXT:
                yield item, True
            elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _MAX_FORM_DEPTH:
                forms.append((item, depth + 1))


def _white_on_white(page: Any, runs: dict[int, tuple[float, ...]]) -> set[int]:
    """Look at the drawn page: white text is seen only where something dark lies behind it."""
    width, height = page.get_size()
    scale = min(1.0, (_MAX_LOOK_PIXELS / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        rows = list(_rows(bitmap))
        to_bitmap = bitmap.get_posconv(page)
        hidden: set[int] = set()
        for address, box in runs.items():
            corners = [to_bitmap.to_bitmap(x, y) for x, y in (box[:2], box[2:])]
            (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(*corners, strict=True))
            area = b"".join(row[max(x1, 0) : x2 + 1] for row in rows[max(y1, 0) : y2 + 1])
            if area and min(area) >= _WHITE:
                hidden.add(address)
        return hidden
    finally:
        bitmap.close()


def _rows(bitmap: Any) -> Iterator[bytes]:
    data = bytes(bitmap.buffer)
    for start in range(0, bitmap.height * bitmap.stride, bitmap.stride):
        yield data[start : start + bitmap.width]
