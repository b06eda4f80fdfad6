"""Pages whose text runs up or down, as wide tables do: read as if they lay the right way round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Edges = tuple[float, float, float, float]
"""Left, bottom, right, top."""

_CLEARLY = 3.0  # times as far up or down as to the side, all lines together
_FEWEST = 20  # characters; fewer tell nothing


class TurnedTextPage:
    """A text page whose characters are where they would be if its text ran to the right."""

    def __init__(self, text_page: Any, *, runs_up: bool) -> None:
        self._text_page = text_page
        self._runs_up = runs_up
        self._as_parameter_ = text_page.raw  # what PDFium's own functions are given

    def get_text_range(self) -> str:
        """Give the text, as the page itself does."""
        return str(self._text_page.get_text_range())

    def get_charbox(self, index: int, loose: bool = False) -> Edges:
        """Give the place of a character, turned."""
        return self.turned(self._text_page.get_charbox(index, loose=loose))

    def turned(self, edges: Edges) -> Edges:
        """Turn a rectangle of the page."""
        left, bottom, right, top = edges
        return (bottom, -right, top, -left) if self._runs_up else (-top, left, -bottom, right)


def upright(text_page: Any, lines: Iterable[tuple[int, int]]) -> Any:
    """Give the page, turned if its text runs up or down.

    `lines` say where the first and the last letter of each line are.
    """
    across = up = 0.0
    letters = 0
    for first, last in lines:
        start, end = text_page.get_charbox(first), text_page.get_charbox(last)
        across += abs(end[0] - start[0])
        up += end[1] - start[1]
        letters += last - first
    if letters < _FEWEST or abs(up) <= _CLEARLY * across:
        return text_page
    return TurnedTextPage(text_page, runs_up=up > 0)
