"""A line of a page of a PDF."""

from __future__ import annotations

from dataclasses import dataclass

Extent = tuple[float, float]
"""Where something begins and ends on a line, in points from the left."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page in points, the origin at the bottom left.

    `base` is where its first character stands, `last_base` where its last one does: PDFium
    joins lines that a hyphen connects. `words` is where each word begins and ends, () when that is
    not known.
    `row` says that it is known to be a table's row. `span` is where PDFium has its characters, in
    UTF-16 units of the page's text.
    """

    text: str
    left: float
    right: float
    base: float
    last_base: float
    size: float
    bold: bool = False
    words: tuple[Extent, ...] = ()
    row: bool = False
    span: tuple[int, int] = (0, 0)
