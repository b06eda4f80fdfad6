"""The lines of a page of a PDF, as PDFium finds them or Tesseract recognises them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from statistics import median
from typing import Any

from rag.ingest.readers.ocr import Recognised
from rag.ingest.readers.pdf_columns import Columns, Piece, by_column, find_columns
from rag.ingest.readers.pdf_line import Line
from rag.ingest.readers.pdf_page import is_bold, is_seen
from rag.ingest.readers.pdf_tables import could_be_of_table
from rag.ingest.readers.pdf_turned import TurnedTextPage, upright
from rag.ingest.readers.raw import clean

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " "}
    | dict.fromkeys("\uf0b7\uf0a7\uf076\uf0d8\uf0fc\uf02d", "•")  # what Symbol fonts call bullets
)
_INNER_BULLET = re.compile(r"(?<=[ \u00a0])[•●▪■◦\uf0b7\uf0a7\uf076\uf0d8\uf0fc](?=[ \u00a0])")
_LEAST_WORDS = 4
_GAP = 1.1  # times the height of its letters: what in a line may be a gutter
_NEIGHBOUR = 3.0  # times the size: how far up a line may stand that was exchanged with the next
_LARGE_TYPE = 1.6  # times the usual height of a recognised line


def seen_lines(page: Any, text_page: Any, hidden: set[int]) -> tuple[list[Line], int]:
    """Return the lines that a person sees on a page, and how many characters nobody sees."""
    box = page.get_bbox()
    text_page = upright(text_page, _line_ends(text_page))
    if isinstance(text_page, TurnedTextPage):
        box = text_page.turned(box)
    found = list(shown_lines(text_page, hidden))
    columns = _columns(text_page)
    if columns is not None:
        found = by_column(list(shown_lines(text_page, hidden, columns.cuts)), columns.gutters)
    elif isinstance(text_page, TurnedTextPage):
        found = _downwards(found)
    lines = [line for line in found if is_seen(line, box)]
    unseen = len(hidden) + sum(len(line.text) for line in found if not is_seen(line, box))
    return lines, unseen


def _downwards(lines: list[Line]) -> list[Line]:
    """Put lines in order of height where PDFium has exchanged neighbours, or gives all upwards.

    One long way up is the next column, and stays.
    """
    steps = [line.base - above.base for above, line in pairwise(lines)]
    rising = [step for step in steps if step > 1.0]
    near = _NEIGHBOUR * max((line.size for line in lines), default=0.0)
    if len(rising) > len(steps) / 2 or all(step <= near for step in rising):
        return sorted(lines, key=lambda line: (-line.base, line.left))
    return lines


def _line_ends(text_page: Any) -> Iterator[tuple[int, int]]:
    """Say where the first and the last letter of each line are."""
    for raw, position in _raw_lines(text_page):
        if words := raw.strip():
            first = position + _units(raw[: len(raw) - len(raw.lstrip())])
            yield first, first + _units(words) - 1


def _columns(text_page: Any) -> Columns | None:
    """Look for columns; every other line is enough to tell that there are none, as in most."""
    raws = list(_raw_lines(text_page))
    pieces = [_pieces(text_page, *raw) for raw in raws[::2]]
    if all(len(some) < 2 for some in pieces):
        return None
    return find_columns(pieces + [_pieces(text_page, *raw) for raw in raws[1::2]])


def shown_lines(
    text_page: Any, hidden: set[int], cuts: Collection[int] = frozenset()
) -> Iterator[Line]:
    """Yield a page's lines with their places; PDFium counts characters in UTF-16 units.

    `cuts` are places at which lines are cut.
    """
    for whole, position in _raw_lines(text_page):
        for raw in _cut(text_page, whole, position, cuts):
            shown = _without(raw, position, hidden) if hidden else raw
            words = _words(shown.rstrip("\r "))
            if words:
                first, last = _ends(raw, position, hidden)
                left, bottom, first_right, top = text_page.get_charbox(first, loose=True)
                last_left, last_bottom, right, _ = text_page.get_charbox(last, loose=True)
                if last_left < left:  # Hebrew, Arabic: the first letter stands at the right
                    left, right = last_left, max(first_right, right)
                yield Line(
                    text=words,
                    left=left,
                    right=right,
                    base=bottom,
                    last_base=last_bottom,
                    size=round(2 * (top - bottom)) / 2,
                    bold=is_bold(text_page, first) and is_bold(text_page, last),
                    words=_word_extents(text_page, raw, position, words),
                    span=(position, position + _units(raw)),
                )
            position += _units(raw)


def _raw_lines(text_page: Any) -> Iterator[tuple[str, int]]:
    """Yield PDFium's lines, and where they begin."""
    position = 0
    for raw in text_page.get_text_range().split("\n"):
        yield raw, position
        position += _units(raw) + 1


def _pieces(text_page: Any, raw: str, position: int) -> list[Piece]:
    """Cut a line at its wide gaps; lines with rare characters, and short ones, stay whole."""
    found = list(re.finditer(r"\S+", raw))
    if len(found) < _LEAST_WORDS or max(raw) > "\uffff":
        return []
    boxes = [
        (
            text_page.get_charbox(position + word.start()),
            text_page.get_charbox(position + word.end() - 1),
        )
        for word in found
    ]
    wide = _GAP * max(top - bottom for (_, bottom, _, top), _ in boxes)
    pieces: list[Piece] = []
    first = 0
    for place, (_, last) in enumerate(boxes, start=1):
        if place == len(found) or boxes[place][0][0] - last[2] > wide:
            text = raw[found[first].start() : found[place - 1].end()]
            start = position + found[first].start()
            pieces.append(Piece(text, boxes[first][0][0], last[2], start))
            first = place
    return pieces


def _cut(text_page: Any, line: str, position: int, cuts: Collection[int]) -> Iterator[str]:
    """Cut a line at the places given, and before bullets that stand lower."""
    inside = sorted(cut - position for cut in cuts if position < cut < position + len(line))
    for first, last in pairwise([0, *inside, len(line)]):
        yield from _at_bullets(text_page, line[first:last], position + first)


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


def _word_extents(
    text_page: Any, raw: str, position: int, words: str
) -> tuple[tuple[float, float], ...]:
    """Measure where the words of a line stand that could be of a table; () for other lines."""
    if not could_be_of_table(words) or max(raw) > "\uffff":
        return ()
    found = list(re.finditer(r"\S+", raw))
    if [match[0] for match in found] != words.split():
        return ()  # cleaning changed them
    return tuple(
        (
            text_page.get_charbox(position + match.start())[0],
            text_page.get_charbox(position + match.end() - 1)[2],
        )
        for match in found
    )


def tidied(word: str) -> str:
    """Tidy a word as `_words` does a line, without the hyphens that PDFium found."""
    return clean(word.translate(_LIGATURES)).replace("\ufffe", "").replace("\x02", "").strip()


def _words(line: str) -> str:
    """Tidy a line; a hyphen that PDFium found at a line's end stays as U+0002 for `assemble`."""
    marked = line.replace("\ufffe", "\x02").translate(_LIGATURES)
    parts = (" ".join(clean(part).split()) for part in marked.split("\x02"))
    return "\x02".join(parts).strip()
