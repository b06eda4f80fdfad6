"""Filters: what documents say of themselves (`date>=2011-04`), and collections they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.errors import InputError

_FORM = re.compile(r"\s*(\w+)\s*(>=|<=|=)(?![=<>])\s*(.+?)\s*")


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one field: "title", "source", "doc_id", "collection" or any in the metadata.

    "=" takes the wildcards * and ?; ">=" and "<=" compare as text, which orders ISO dates.
    A document without the field passes only when "" would.
    """

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Within:
    """The condition that a document belongs to one of these collections."""

    collections: frozenset[str]


Condition = Filter | Within


def parse_filter(text: str) -> Filter:
    """Read a filter as a person writes it.

    Raises:
        InputError: it is not of the form FIELD=VALUE, FIELD>=VALUE or FIELD<=VALUE.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError(
            f"The filter {text!r} is not of the form FIELD=VALUE, FIELD>=VALUE or FIELD<=VALUE.",
            "For example: --filter 'date>=2011-04' --filter 'author=*Posner'",
        )
    return Filter(*match.groups())
