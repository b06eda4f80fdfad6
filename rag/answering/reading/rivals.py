"""Which of several sentences speaks of what the question names, and which of something like it."""

from __future__ import annotations

import re

_CODE = re.compile(r"\b[A-Za-z][A-Za-z-]*\d[\w-]*")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_FULL_NAME = re.compile(r"\b([A-Z][\w’'-]+) ([A-Z][\w’'-]+)\b")


def speaks_of_another(query: str, text: str) -> bool:
    """Whether a text names something like what the question names, and nothing that it names.

    Compared are numbered names (HX-200 and HX-250), years, and people of one surname.
    """
    years, said = set(_YEAR.findall(query)), set(_YEAR.findall(text))
    return (
        bool(years and said and not years & said)
        or _has_rival(_codes(query), _codes(text))
        or _has_rival(_people(query), _people(text), named=query)
    )


def _has_rival(asked: set[tuple[str, str]], said: set[tuple[str, str]], *, named: str = "") -> bool:
    """Whether one that is said differs from one that is asked about only in what it is called.

    Each is a kind and what tells it from others of the kind. What the question names somewhere
    else is no rival, nor is anything where the one asked about is said as well.
    """
    kinds = {kind for kind, _ in asked - said}
    words = set(re.findall(r"[\w’'-]+", named))
    return not asked & said and any(
        kind in kinds and (kind, own) not in asked and own not in words for kind, own in said
    )


def _codes(text: str) -> set[tuple[str, str]]:
    """Return the numbered names as (letters, whole)."""
    return {(re.sub(r"\d.*", "", code), code) for code in map(str.lower, _CODE.findall(text))}


def _people(text: str) -> set[tuple[str, str]]:
    """Return the full names as (last, first)."""
    return {(last, first) for first, last in _FULL_NAME.findall(text)}
