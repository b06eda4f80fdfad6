"""Which of several sentences speaks of what the question names, and which of something like it."""

from __future__ import annotations

import re

_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z][A-Za-z-]*\d[\w-]*")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_FULL_NAME = re.compile(r"\b([A-Z][\w’'-]+) ([A-Z][\w’'-]+)\b")


def speaks_of_another(query: str, text: str) -> bool:
    """Whether a text names something like what the question names, and not that itself.

    Compared are numbered names (HX-200 and HX-250), years, and people of one surname.
    """
    lowered = text.lower()
    for code in _CODE.findall(query):
        if code.lower() not in lowered and _base(code) in map(_base, _CODE.findall(text)):
            return True
    years = set(_YEAR.findall(query))
    if years and (said := set(_YEAR.findall(text))) and not years & said:
        return True
    return any(
        first.lower() not in lowered
        and any(last == other_last for _, other_last in _FULL_NAME.findall(text))
        for first, last in _FULL_NAME.findall(query)
    )


def _base(code: str) -> str:
    """Return a numbered name without its number."""
    return re.sub(r"\d.*", "", code).lower()
