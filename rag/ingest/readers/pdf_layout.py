"""Puts the lines of pages back together: paragraphs, headings, no running headers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.pdf_line import Line
from rag.ingest.readers.pdf_tables import ends_in_figure, is_row, with_tables
from rag.types import Section

HYPHEN = "\x02"
"""Stands where PDFium found a hyphen at a line's end."""

_EDGE_LINES = 3  # how many lines at the top and bottom may be running headers and footers
_FULL_PAGE_LINES = 10
_ALWAYS_RUNNING = 6  # pages
_RUNNING_SHARE = 0.2
_HEADING_SCALE = 1.15
_MAX_HEADING_CHARS = 160
_MAX_LEVELS = 4
_MAX_BOLD_CHARS = 100
_MAX_BOLD_SHARE = 0.25  # where more lines are bold, it is no mark of headings
_PARAGRAPH_PITCH = 1.3  # times the usual distance between lines
_SHORT_LINE = 0.88  # of the widest line: a sentence that ends before this ends its paragraph
_ENDS = (".", "!", "?", ":", ".”", '."', ".)", "!”", "?”", '?"', '!"')
_BULLET = re.compile(r"[•·▪‣◦●○■□–*-]\s+\S|\(?\d{1,2}[.)]\s+\S|\(?[a-z][.)]\s+\S")
_PAGE_NUMBER = re.compile(r"(?:page|p\.)\s*\d+(?:\s*(?:of|/)\s*\d+)?|[-–—]\s*\d+\s*[-–—]", re.I)
_LINE_HYPHEN = re.compile(rf"(\w+){HYPHEN}(\w+)")
# The first parts of compounds that keep their hyphen: "well-known", "self-made".
_COMPOUNDS = "well self half all ex non anti cross long short high low two three"
_COMPOUND = frozenset(_COMPOUNDS.split())


@dataclass(slots=True)
class _Block:
    """A paragraph, heading (level > 0) or table in the making; `pages` are (offset, page index)."""

    level: int
    is_row: bool
    text: str = ""
    pages: list[tuple[int, int]] = field(default_factory=list)

    def append(self, line: str, new_page: int | None) -> None:
        """Add a line; a hyphen that ends the last one is marked, and decided later."""
        if self.is_row and self.text:
            self.text += "\n"
        elif re.search(r"\w-$", self.text) and line[0].islower():
            self.text = self.text[:-1] + HYPHEN
        elif self.text:
            self.text += " "
        if new_page is not None:
            self.pages.append((len(self.text), new_page))
        self.text += line


@dataclass(frozen=True, slots=True)
class _Measures:
    """What is usual in this document: the distance and width of lines, the level of each size."""

    pitch: float
    width: float
    levels: dict[float, int]
    bold_stands_out: bool = False


def assemble(
    pages: Sequence[Sequence[Line]],
) -> tuple[str, tuple[Section, ...], tuple[int, ...]]:
    """Turn pages of lines into the text, its sections, and where each page begins in it."""
    kept = [with_tables(page) for page in without_running_lines(pages)]
    blocks = _blocks(kept, _measure(kept))
    words = Counter(
        word.lower() for block in blocks for word in re.findall(r"\w+(?:-\w+)*", block.text)
    )
    builder = TextBuilder()
    starts: dict[int, int] = {}
    for block in blocks:
        text, pages_at = _dehyphenated(block, words)
        start = builder.heading(text, block.level) if block.level else builder.paragraph(text)
        for offset, page in pages_at:
            starts.setdefault(page, start + offset)
    text, sections = builder.finish()
    return text, sections, _page_starts(starts, len(pages), len(text))


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Drop the lines at the edges that more than half of three or more pages share.

    In long documents a fifth is enough: left and right pages differ, and chapters do.

    Figures count as equal, so that page numbers do not hide a footer; not in larger type, where
    "Chapter 1" and "Chapter 2" are headings. Bare numbers go where they count the pages.
    """
    body = _body_size(line for page in pages for line in page)
    counts: Counter[str] = Counter()
    shifts: Counter[int] = Counter()
    for number, page in enumerate(pages):
        outermost = {line for edge in _edges(page) for line in edge}
        counts.update({_key(line, body) for line in outermost})
        shifts.update({int(line.text) - number for line in outermost if _is_number(line)})
    enough = min(len(pages) / 2, max(_ALWAYS_RUNNING, _RUNNING_SHARE * len(pages)))
    shared = {key for key, count in counts.items() if len(pages) >= 3 and count > enough}
    kept: list[list[Line]] = []
    for number, page in enumerate(pages):
        running: set[Line] = set()
        for edge in _edges(page):
            # From the edge inwards: what lies behind a line of text is text.
            for line in edge:
                counted = _is_number(line) and shifts[int(line.text) - number] >= 3
                named = _PAGE_NUMBER.fullmatch(line.text)
                if not (counted or named or _key(line, body) in shared):
                    break
                running.add(line)
        kept.append([line for line in page if line not in running])
    return kept


def _edges(page: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Give the top lines, downwards, and the bottom lines, upwards."""
    by_height = sorted(page, key=lambda line: -line.base)
    return by_height[:_EDGE_LINES], by_height[::-1][:_EDGE_LINES]


def _is_number(line: Line) -> bool:
    return line.text.isdecimal() and len(line.text) <= 4


def _key(line: Line, body: float) -> str:
    if line.size >= _HEADING_SCALE * body or _is_number(line):
        return line.text
    return re.sub(r"\d+", "#", line.text)


def _body_size(lines: Iterable[Line]) -> float:
    """Find the size that most characters have."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _measure(pages: Sequence[Sequence[Line]]) -> _Measures:
    body = _body_size(line for page in pages for line in page)
    pitches = [
        above.last_base - line.base
        for page in pages
        for above, line in pairwise(page)
        if above.size == line.size
    ]
    sizes = {line.size for page in pages for line in page}
    bold = [line.bold for page in pages for line in page]
    larger = sorted((size for size in sizes if size >= _HEADING_SCALE * body), reverse=True)
    return _Measures(
        pitch=median([pitch for pitch in pitches if pitch > 0] or [body]),
        width=max((line.right - line.left for page in pages for line in page), default=0.0),
        levels={size: min(level, _MAX_LEVELS) for level, size in enumerate(larger, start=1)},
        bold_stands_out=sum(bold) < _MAX_BOLD_SHARE * len(bold),
    )


def _blocks(pages: Sequence[Sequence[Line]], usual: _Measures) -> list[_Block]:
    blocks: list[_Block] = []
    above: Line | None = None
    for number, page in enumerate(pages):
        # An appendix in larger type is no run of headings.
        body = _body_size(page) if len(page) >= _FULL_PAGE_LINES else 0.0
        rows = _rows(page)
        for index, line in enumerate(page):
            row = rows[index]
            near_row = any(rows[max(index - 1, 0) : index + 2])
            level = _heading_level(line, body, usual, blocks[-1].level if blocks else 0)
            if not level and line.bold and not near_row and not _has_company(page, index):
                level = _bold_level(line, usual)
            fresh = (
                above is None
                or level != blocks[-1].level
                or row != blocks[-1].is_row
                or not (row or _continues(above, line, index == 0, usual))
                or (level > 0 and len(blocks[-1].text) + len(line.text) > _MAX_HEADING_CHARS)
            )
            if fresh:
                blocks.append(_Block(level, row))
            blocks[-1].append(line.text, number if index == 0 else None)
            above = line
    return blocks


def _heading_level(line: Line, body: float, usual: _Measures, level_above: int) -> int:
    """Give a heading's level from its size, 0 for text; only its first line begins upper-case."""
    level = usual.levels.get(line.size, 0)
    is_heading = (
        len(line.text) <= _MAX_HEADING_CHARS
        and line.size >= _HEADING_SCALE * body
        and not line.text.endswith((",", ";"))
        and (level == level_above or not line.text[0].islower())
        and not _BULLET.match(line.text)
    )
    return level if is_heading else 0


def _bold_level(line: Line, usual: _Measures) -> int:
    """Give a bold line of the usual size a level below the larger ones, 0 if it is no heading."""
    is_heading = (
        usual.bold_stands_out
        and len(line.text) <= _MAX_BOLD_CHARS
        and line.text[0].isalnum()
        and not line.text[0].islower()
        and sum(map(str.isalpha, line.text)) > 0.5 * len(line.text)
        and not line.text.endswith((",", ";", ".", ":"))
    )
    return min(len(usual.levels) + 1, _MAX_LEVELS) if is_heading else 0


def _has_company(page: Sequence[Line], index: int) -> bool:
    """Whether another line nearby stands at the same height: the heads of columns do."""
    line = page[index]
    nearby = [*page[max(index - 4, 0) : index], *page[index + 1 : index + 5]]
    return any(abs(other.base - line.base) < 0.8 * line.size for other in nearby)


def _rows(page: Sequence[Line]) -> list[bool]:
    """Tell which lines are rows of tables; one with a single figure is if it touches another."""
    rows = [line.row or is_row(line.text) for line in page]
    single = [not row and ends_in_figure(line.text) for row, line in zip(rows, page, strict=True)]
    for index, candidate in enumerate(single):
        rows[index] |= candidate and any(rows[max(index - 1, 0) : index + 2])
    return rows


def _continues(above: Line, line: Line, new_page: bool, usual: _Measures) -> bool:
    """Decide whether a line goes on with the paragraph of the line above it."""
    if abs(above.size - line.size) > 0.08 * max(above.size, 1.0) or _BULLET.match(line.text):
        return False
    ended = above.text.endswith(_ENDS)
    pitch = above.last_base - line.base
    if new_page or pitch < -0.5 * usual.pitch:  # the next page or column
        return not ended and (line.text[0].islower() or above.text.endswith(("-", ",")))
    if pitch > _PARAGRAPH_PITCH * usual.pitch:
        # Some lists are set wider than the text; nothing new begins in the middle of a sentence.
        return pitch <= 2 * usual.pitch and not ended and line.text[0].islower()
    if ended and above.right - above.left < _SHORT_LINE * usual.width:
        return False
    return not (ended and line.left > above.left + 0.8 * line.size)


def _dehyphenated(block: _Block, words: Counter[str]) -> tuple[str, list[tuple[int, int]]]:
    """Undo the hyphens at line ends; shift the page marks with the characters that go."""
    removed: list[int] = []

    def joined(match: re.Match[str]) -> str:
        left, right = match.groups()
        hyphenated = words[f"{left}-{right}".lower()]
        keep = hyphenated > words[f"{left}{right}".lower()] or (
            not words[f"{left}{right}".lower()] and left.lower() in _COMPOUND
        )
        if keep or not right[0].islower():
            return f"{left}-{right}"
        removed.append(match.end(1))
        return left + right

    # One word may hold several hyphens, and matches do not overlap: repeat until none is left.
    text, pages = block.text, block.pages
    while True:
        removed.clear()
        text = _LINE_HYPHEN.sub(joined, text)
        pages = [(at - sum(gone < at for gone in removed), page) for at, page in pages]
        if not _LINE_HYPHEN.search(text):
            break
    return text.replace(HYPHEN, "-"), pages


def _page_starts(starts: dict[int, int], count: int, length: int) -> tuple[int, ...]:
    """Give each page its offset; one without text begins where the next one does."""
    offsets = [length] * count
    following = length
    for page in reversed(range(count)):
        following = starts.get(page, following)
        offsets[page] = following
    if offsets:
        offsets[0] = 0
    return tuple(offsets)
