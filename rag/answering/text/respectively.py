"""Values told for several years at once: "5 and 4 percent for 2022 and 2021, respectively"."""

from __future__ import annotations

import re

_YEAR = r"(?:1[5-9]|20)\d\d"
_YEARS = re.compile(rf"\b{_YEAR}(?:, {_YEAR})*,? and {_YEAR}\b")
_VALUE = r"[$€£¥]? ?\d+(?:[.,]\d+)*(?: ?%| percent| (?:thousand|million|billion|trillion))?"
_VALUES = re.compile(rf"(?<![\w.,]){_VALUE}(?:, {_VALUE})*,? and {_VALUE}")
_ONE_YEAR = re.compile(rf"\b{_YEAR}\b")
_ONE_VALUE = re.compile(rf"(?<![\w.,]){_VALUE}")

Span = tuple[int, int]


def of_the_year(query: str, text: str, span: Span, sentence: Span) -> Span:
    """Return the value of the year that a question names, when a sentence tells several in order.

    `span` is what was marked in `sentence`, both offsets in `text`; it stays as it is when it is
    none of the values, or when it cannot be told which belongs to which year.
    """
    start, end = sentence
    if "respectively" not in text[start:end]:
        return span
    named = set(_ONE_YEAR.findall(query))
    years = [_ONE_YEAR.findall(found.group()) for found in _YEARS.finditer(text, start, end)]
    for found in _VALUES.finditer(text, start, end):
        if _YEARS.fullmatch(found.group()) or not _touch(found.span(), span):
            continue
        values = [value.span() for value in _ONE_VALUE.finditer(text, *found.span())]
        told = next((one for one in years if len(one) == len(values)), [])
        asked = [value for value, year in zip(values, told, strict=False) if year in named]
        if len(asked) == 1:
            first, last = asked[0]
            return first + (text[first] == " "), last
    return span


def _touch(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
