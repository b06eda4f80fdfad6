"""How much of the wanted text retrieved passages hold, and how much else they hold.

Token-wise recall, precision and intersection over union after Smith and Troynikov, "Evaluating
Chunking Strategies for Retrieval" (Chroma 2024), counted in characters, which needs no tokeniser.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[int, int]
"""Half-open offsets in one document."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares in [0, 1] of characters.

    `recall`: wanted ones that were retrieved. `precision`: retrieved ones that were wanted.
    `iou`: both over either, where text retrieved twice counts twice, as it does for a reader.
    """

    recall: float
    precision: float
    iou: float


def coverage(wanted: Iterable[Span], retrieved: Iterable[Span]) -> Coverage:
    """Compare spans of one document.

    Raises:
        ValueError: nothing is wanted.
    """
    want, have = merge(wanted), merge(found := list(retrieved))
    if not want:
        raise ValueError("no wanted span: there is nothing to cover")
    shared = sum(max(0, min(b, d) - max(a, c)) for a, b in want for c, d in have)
    wanted_chars = _length(want)
    read_chars = _length(found)
    return Coverage(
        recall=shared / wanted_chars,
        precision=shared / read_chars if read_chars else 0.0,
        iou=shared / (read_chars + wanted_chars - shared),
    )


def merge(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap or touch, in order; empty ones vanish."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
