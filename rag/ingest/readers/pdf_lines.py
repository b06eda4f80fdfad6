"""The lines of a page of a PDF, as PDFium finds them or Tesseract recognises them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import median
from typing import Any

from rag.ingest.readers.ocr import Recognised
from rag.ingest.readers.pdf_page import is_bold, is_seen
from rag.ingest.readers.pdf_tables import Line
from rag.ingest.readers.raw import clean

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " "}
    | dict.fromkeys("\uf0b7\uf0a7\uf076\uf0d8\uf0fc\uf02d", "•")  # what Symbol fonts call bullets
)
_INNER_BULLET = re.compile(r"(?<=[ \u00a0])[•●▪■◦\uf0b7\uf0a7\uf076\uf0d8\uf0fc](?=[ \u00a0])")
_ROW_ENDS = "0123456789)%-–—"
_LARGE_TYPE = 1.6  # times the usual height of a recognised line


def seen_lines(page: Any, text_page: Any, hidden: set[int]) -> tuple[list[Line], int]:
    """Return the lines that a person sees on a page, and how many characters nobody sees."""
    found = list(shown_lines(text_page, hidden))
    box = page.get_bbox()
    lines = [line for line in found if is_seen(line, box)]
    unseen = len(hidden) + sum(len(line.text) for line in found if not is_seen(line, box))
    return lines, unseen


def shown_lines(text_page: Any, hidden: set[int]) -> Iterator[Line]:
    """Yield a page's lines with their places; PDFium counts characters in UTF-16 units."""
    position = 0
    for whole in text_page.get_text_range().split("\n"):
        for raw in _at_bullets(text_page, whole, position):
            shown = _without(raw, position, hidden) if hidden else raw
            words = _words(shown.rstrip("\r "))
            if words:
                first, last = _ends(raw, position, hidden)
                left, bottom, _, top = text_page.get_charbox(first, loose=True)
                _, last_bottom, right, _ = text_page.get_charbox(last, loose=True)
                yield Line(
                    text=words,
                    left=left,
                    right=right,
                    base=bottom,
                    last_base=last_bottom,
                    size=round(2 * (top - bottom)) / 2,
                    bold=is_bold(text_page, first) and is_bold(text_page, last),
                    ends=_word_ends(text_page, raw, position, words),
                    span=(position, position + _units(raw)),
                )
            position += _units(raw)
        position += 1


def _at_bullets(text_page: Any, line: str, position: int) -> list[str]:
    """Cut a line before the bullets in it that stand lower on the page: PDFium joins some items."""
    cuts = [match.start() for match in _INNER_BULLET.finditer(line)]
    if not cuts:
        return [line]
    start = len(line) - len(line.lstrip())
    _, bottom, _, top = text_page.get_charbox(position + _units(line[:start]))
    pieces: list[str] = []
    done = 0
    for cut in cuts:
        base = text_page.get_charbox(position + _units(line[:cut]))[1]
        if abs(base - bottom) > 0.5 * max(top - bottom, 4.0):
            pieces.append(line[done:cut])
            done, bottom = cut, base
    return [*pieces, line[done:]]


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _without(raw: str, position: int, hidden: set[int]) -> str:
    kept: list[str] = []
    for character in raw:
        if position not in hidden:
            kept.append(character)
        position += 2 if character > "\uffff" else 1
    return "".join(kept)


def _ends(raw: str, position: int, hidden: set[int]) -> tuple[int, int]:
    """Return where PDFium has the first and the last character that is seen and no space."""
    if not hidden:
        lead = len(raw) - len(raw.lstrip())
        return position + _units(raw[:lead]), position + _units(raw.rstrip()) - 1
    places: list[int] = []
    for character in raw:
        if position not in hidden and not character.isspace():
            places.append(position)
        position += 2 if character > "\uffff" else 1
    return places[0], places[-1]


def recognised_lines(recognised: Recognised, scale: float) -> list[Line]:
    """Give recognised lines their places in points; `scale` is pixels for each.

    The height of a line depends on its letters, so only much larger ones count as larger type.
    """
    heights = [line.bottom - line.top for line in recognised.lines]
    usual = median(heights) if heights else 1
    return [
        Line(
            text=words,
            left=line.left / scale,
            right=line.right / scale,
            base=-line.bottom / scale,
            last_base=-line.bottom / scale,
            size=round(2 * (height if height > _LARGE_TYPE * usual else usual) / scale) / 2,
        )
        for line, height in zip(recognised.lines, heights, strict=True)
        if (words := _words(line.text))
    ]


def _word_ends(text_page: Any, raw: str, position: int, words: str) -> tuple[float, ...]:
    """Measure where the words end of a line that ends as rows do; () for other lines."""
    if words[-1] not in _ROW_ENDS or max(raw) > "\uffff":
        return ()
    found = list(re.finditer(r"\S+", raw))
    if [match[0] for match in found] != words.split():
        return ()  # cleaning changed them
    return tuple(text_page.get_charbox(position + match.end() - 1)[2] for match in found)


def tidied(word: str) -> str:
    """Tidy a word as `_words` does a line, without the hyphens that PDFium found."""
    return clean(word.translate(_LIGATURES)).replace("\ufffe", "").replace("\x02", "").strip()


def _words(line: str) -> str:
    """Tidy a line; a hyphen that PDFium found at a line's end stays as U+0002 for `assemble`."""
    marked = line.replace("\ufffe", "\x02").translate(_LIGATURES)
    parts = (" ".join(clean(part).split()) for part in marked.split("\x02"))
    return "\x02".join(parts).strip()
