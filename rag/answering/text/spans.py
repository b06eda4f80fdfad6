"""Exact answers as they are shown: without loose punctuation, brackets closed."""

from __future__ import annotations

import re

_LOOSE_BEFORE = " \t\n.,;:!?)]}»”’|/–—"
_LOOSE_AFTER = " \t\n,;:([{«“‘|/–—"
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"), ("„", "“"))
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[A-Za-z])[.)]?")
_NUMBER = re.compile(r"[$€£¥]? ?\d+(?:[.,]\d+)*(?: ?%)?")
_ABBREVIATED = re.compile(r"(?:^|\W)(?:[A-Za-z]\. ?)+[A-Za-z]$")


def tidy(text: str, span: tuple[int, int], inside: tuple[int, int]) -> tuple[int, int]:
    """Return a span as it can be shown; `inside` is the statement that it lies in.

    Numbers are whole, loose punctuation goes; the stop of "p.m." and the other half of a pair are
    added or dropped. What is only a list's number, or nothing, becomes the whole statement.
    """
    start, end = max(span[0], inside[0]), min(span[1], inside[1])
    start, end = _whole_numbers(text, start, end, inside)
    while start < end and text[start] in _LOOSE_BEFORE:
        start += 1
    while start < end and text[end - 1] in _LOOSE_AFTER:
        end -= 1
    if _ABBREVIATED.search(text[start:end]) and text[end : end + 1] == ".":
        end += 1
    for opening, closing in (*_PAIRS, ('"', '"')):
        start, end = _paired(text, start, end, inside, opening, closing)
    numbers_only = start == inside[0] and _ENUMERATOR.fullmatch(text, start, end)
    if start >= end or (numbers_only and text[end : end + 1] in (".", ")", " ", "")):
        return inside
    return start, end


def _whole_numbers(text: str, start: int, end: int, inside: tuple[int, int]) -> tuple[int, int]:
    """Let a span begin and end with whole numbers: "100" of "117,100" is another one."""
    for number in _NUMBER.finditer(text, *inside):
        if number.start() < start < number.end():
            start = number.start()
        if number.start() < end < number.end():
            end = number.end()
    return start, end


def _paired(
    text: str, start: int, end: int, inside: tuple[int, int], opening: str, closing: str
) -> tuple[int, int]:
    """Take the other half of a pair along when it stands right beside the span, or leave both."""
    said = text[start:end]
    same = opening == closing
    if same and said.count(opening) % 2 == 0:
        return start, end
    if same or said.count(opening) > said.count(closing):
        if end < inside[1] and text[end] == closing:
            return start, end + 1
        if said.startswith(opening):
            return start + 1, end
    if same or said.count(closing) > said.count(opening):
        if start > inside[0] and text[start - 1] == opening:
            return start - 1, end
        if said.endswith(closing):
            return start, end - 1
    return start, end
