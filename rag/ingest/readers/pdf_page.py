"""What a person sees on a page of a PDF: text that cannot be seen is found, pictures are known.

Hidden text is how instructions for machines are smuggled into documents. Found are: text drawn
invisibly (unless it lies over a scan, as its recognised words do), transparent, tiny, off the page,
and white on white. Text that something else covers is not found.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_INVISIBLE = 3  # text render mode: neither filled nor stroked
_LEAST_POINTS = 1.5
_WHITE = 240  # of 255
_FEW_CHARACTERS = 20
_MAX_FORM_DEPTH = 8
_OCR_DPI = 200
_MAX_OCR_PIXELS = 25_000_000
_MAX_LOOK_PIXELS = 2_000_000


@dataclass(frozen=True, slots=True)
class _Text:
    """A run of text that one operator drew; `box` is left, bottom, right, top, or None."""

    address: int
    mode: int
    alpha: int
    is_white: bool
    points: float
    box: tuple[float, float, float, float] | None


def hidden_characters(page: Any, text_page: Any) -> set[int]:
    """Return the indexes of the characters that nobody sees."""
    import pypdfium2.raw as pdfium

    hidden = _hidden_runs(page)
    if not hidden:
        return set()
    found: set[int] = set()
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        run = ctypes.cast(pdfium.FPDFText_GetTextObject(text_page, index), ctypes.c_void_p).value
        if run in hidden:
            found.add(index)
    return found


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


def _hidden_runs(page: Any) -> set[int]:
    import pypdfium2.raw as pdfium

    runs = list(_runs(page))
    suspects = [run for run in runs if run.mode == _INVISIBLE]
    kinds = [pdfium.FPDF_PAGEOBJ_IMAGE]
    if suspects and next(iter(page.get_objects(filter=kinds, max_depth=4)), None) is not None:
        suspects = []  # the words that somebody recognised in a scan lie under it
    hidden = {run.address for run in suspects}
    width, height = page.get_size()
    left, bottom = page.get_bbox()[:2]
    for run in runs:
        if (
            run.alpha == 0
            or run.points < _LEAST_POINTS
            or (
                run.box is not None
                and not _meets(run.box, (left, bottom, left + width, bottom + height))
            )
        ):
            hidden.add(run.address)
    white = [run for run in runs if run.is_white and run.address not in hidden]
    return hidden | (_white_on_white(page, white) if white else set())


def _runs(page: Any) -> Iterator[_Text]:
    """Yield the page's runs of text; some programs write one for every character."""
    import pypdfium2.raw as pdfium

    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    left, bottom, right, top, points = (ctypes.c_float() for _ in range(5))
    matrix = pdfium.FS_MATRIX()
    for run, is_inner in _text_objects(page):
        pdfium.FPDFPageObj_GetFillColor(run, red, green, blue, alpha)
        pdfium.FPDFPageObj_GetBounds(run, left, bottom, right, top)
        pdfium.FPDFTextObj_GetFontSize(run, points)
        mode = pdfium.FPDFTextObj_GetTextRenderMode(run)
        size = points.value
        if size < _LEAST_POINTS or top.value - bottom.value < _LEAST_POINTS:
            # Only here could the type be tiny: it may be scaled, up as well as down.
            pdfium.FPDFPageObj_GetMatrix(run, matrix)
            size *= max(abs(matrix.a), abs(matrix.b), abs(matrix.c), abs(matrix.d))
        yield _Text(
            address=ctypes.cast(run, ctypes.c_void_p).value or 0,
            mode=mode,
            alpha=alpha.value if mode in (0, 2) else 255,
            is_white=mode == 0 and min(red.value, green.value, blue.value) >= _WHITE,
            points=size,
            box=None if is_inner else (left.value, bottom.value, right.value, top.value),
        )


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


def _meets(box: tuple[float, ...], page: tuple[float, ...]) -> bool:
    return box[0] < page[2] and page[0] < box[2] and box[1] < page[3] and page[1] < box[3]


def _white_on_white(page: Any, runs: list[_Text]) -> set[int]:
    """Look at the drawn page: white text is seen only where something dark lies behind it."""
    width, height = page.get_size()
    scale = min(1.0, (_MAX_LOOK_PIXELS / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        rows = list(_rows(bitmap))
        to_bitmap = bitmap.get_posconv(page)
        hidden: set[int] = set()
        for run in runs:
            if run.box is None:
                continue
            corners = [to_bitmap.to_bitmap(x, y) for x, y in (run.box[:2], run.box[2:])]
            (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(*corners, strict=True))
            area = b"".join(row[max(x1, 0) : x2 + 1] for row in rows[max(y1, 0) : y2 + 1])
            if area and min(area) >= _WHITE:
                hidden.add(run.address)
        return hidden
    finally:
        bitmap.close()


def _rows(bitmap: Any) -> Iterator[bytes]:
    data = bytes(bitmap.buffer)
    for start in range(0, bitmap.height * bitmap.stride, bitmap.stride):
        yield data[start : start + bitmap.width]
