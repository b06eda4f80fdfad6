"""Puts the lines of pages back together: paragraphs, headings, no running headers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from rag.ingest.readers.outline import TextBuilder
from rag.types import Section

HYPHEN = "\x02"
"""Stands where PDFium found a hyphen at a line's end."""

_EDGE_LINES = 3  # how many lines at the top and bottom may be running headers and footers
_HEADING_SCALE = 1.15
_MAX_HEADING_CHARS = 160
_MAX_LEVELS = 4
_PARAGRAPH_PITCH = 1.3  # times the usual distance between lines
_SHORT_LINE = 0.88  # of the widest line: a sentence that ends before this ends its paragraph
_ENDS = (".", "!", "?", ":", ".”", '."', ".)", "!”", "?”", '?"', '!"')
_BULLET = re.compile(r"[•·▪‣◦●○■□–*-]\s+\S|\(?\d{1,2}[.)]\s+\S|\(?[a-z][.)]\s+\S")
_PAGE_NUMBER = re.compile(r"(?:page|p\.)\s*\d+(?:\s*(?:of|/)\s*\d+)?|[-–—]\s*\d+\s*[-–—]", re.I)
_LINE_HYPHEN = re.compile(rf"(\w+){HYPHEN}(\w+)")
# The first parts of compounds that keep their hyphen: "well-known", "self-made".
_COMPOUNDS = "well self half all ex non anti cross long short high low two three"
_COMPOUND = frozenset(_COMPOUNDS.split())


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page in points, the origin at the bottom left.

    `base` is where its first character stands, `last_base` where its last one does: PDFium
    joins lines that a hyphen connects.
    """

    text: str
    left: float
    right: float
    base: float
    last_base: float
    size: float


@dataclass(slots=True)
class _Block:
    """A paragraph or heading (level > 0) in the making; `pages` are (offset, page index)."""

    level: int
    text: str = ""
    pages: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Measures:
    """What is usual in this document: the size of its type, and the distance of its lines."""

    body: float
    pitch: float
    width: float
    levels: dict[float, int]


def assemble(
    pages: Sequence[Sequence[Line]],
) -> tuple[str, tuple[Section, ...], tuple[int, ...]]:
    """Turn pages of lines into the text, its sections, and where each page begins in it."""
    kept = without_running_lines(pages)
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

    Figures count as equal, so that page numbers do not hide a footer; not in larger type, where
    "Chapter 1" and "Chapter 2" are headings.
    """
    body = _body_size(pages)
    counts: Counter[tuple[str, int]] = Counter()
    for page in pages:
        edges = {line for edge in _edges(page) for line in edge}
        counts.update({_key(line, body) for line in edges})
    shared = {key for key, count in counts.items() if len(pages) >= 3 and 2 * count > len(pages)}
    kept: list[list[Line]] = []
    for page in pages:
        running: set[Line] = set()
        for edge in _edges(page):
            # From the edge inwards: what lies behind a line of text is text.
            for line in edge:
                if _key(line, body) not in shared and not _PAGE_NUMBER.fullmatch(line.text):
                    break
                running.add(line)
        kept.append([line for line in page if line not in running])
    return kept


def _edges(page: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Give the top lines, downwards, and the bottom lines, upwards."""
    by_height = sorted(page, key=lambda line: -line.base)
    return by_height[:_EDGE_LINES], by_height[::-1][:_EDGE_LINES]


def _key(line: Line, body: float) -> tuple[str, int]:
    text = re.sub(r"\d+", "#", line.text) if line.size < _HEADING_SCALE * body else line.text
    return text, round(line.base / 20)


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _measure(pages: Sequence[Sequence[Line]]) -> _Measures:
    body = _body_size(pages)
    pitches = [
        above.last_base - line.base
        for page in pages
        for above, line in pairwise(page)
        if above.size == line.size
    ]
    sizes = {line.size for page in pages for line in page}
    larger = sorted((size for size in sizes if size >= _HEADING_SCALE * body), reverse=True)
    return _Measures(
        body=body,
        pitch=median([pitch for pitch in pitches if pitch > 0] or [body]),
        width=max((line.right - line.left for page in pages for line in page), default=0.0),
        levels={size: min(level, _MAX_LEVELS) for level, size in enumerate(larger, start=1)},
    )


def _blocks(pages: Sequence[Sequence[Line]], usual: _Measures) -> list[_Block]:
    blocks: list[_Block] = []
    above: Line | None = None
    for number, page in enumerate(pages):
        first = True
        for line in page:
            level = usual.levels.get(line.size, 0) if len(line.text) <= _MAX_HEADING_CHARS else 0
            joins = (
                above is not None
                and level == blocks[-1].level
                and _continues(above, line, first, usual)
                and len(blocks[-1].text) + len(line.text)
                <= (_MAX_HEADING_CHARS if level else 10**9)
            )
            if not joins:
                blocks.append(_Block(level))
            block = blocks[-1]
            if block.text:
                # A hyphen at the end of a line is marked, and decided when all words are known.
                if re.search(r"\w-$", block.text) and line.text[0].islower():
                    block.text = block.text[:-1] + HYPHEN
                else:
                    block.text += " "
            if first:
                block.pages.append((len(block.text), number))
            block.text += line.text
            above, first = line, False
    return blocks


def _continues(above: Line, line: Line, new_page: bool, usual: _Measures) -> bool:
    """Decide whether a line goes on with the paragraph of the line above it."""
    if abs(above.size - line.size) > 0.08 * max(above.size, 1.0) or _BULLET.match(line.text):
        return False
    ended = above.text.endswith(_ENDS)
    pitch = above.last_base - line.base
    if new_page or pitch < -0.5 * usual.pitch:  # the next page or column
        return not ended and (line.text[0].islower() or above.text.endswith(("-", ",")))
    if pitch > _PARAGRAPH_PITCH * usual.pitch:
        return False
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
