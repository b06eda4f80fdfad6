"""The sentences of the hits that are worth quoting."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rag.answering.text.statements import statement_spans
from rag.types import Hit, Passage

_VERBS = (
    "am is are was were be been being has have had do does did can could will would shall should "
    "may might must says said say gave made took got went came held led won began begins became "
    "wrote told knew saw found left put kept let set ran lost paid sent built spent grew"
)
VERBS = frozenset(_VERBS.split())
"""Enough of the verbs whose form does not end in -ed."""

_DATE_WORDS = (
    "jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun upd pub am pm"
)
DATE_WORDS = frozenset(_DATE_WORDS.split())
"""The first letters of what stands in a line that only dates a text."""

FULL_STOPS = (".", "?", "!", "…")
WIDE_FULL_STOPS = ("。", "？", "！")
"""Those of scripts that write without spaces."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit; offsets are in the document."""

    hit: Hit
    start: int
    end: int

    @property
    def text(self) -> str:
        return slice_of(self.hit, self.start, self.end)


def candidates(hits: Iterable[Hit]) -> list[Candidate]:
    """List the sentences worth quoting, once each, in the order of hits and of the document."""
    found: dict[tuple[str, int, int], Candidate] = {}
    for hit in hits:
        passage = hit.passage
        for first, last in statement_spans(passage.text):
            text = passage.text[first:last]
            if not is_fragment(text) and not is_title(passage, text):
                start, end = passage.start + first, passage.start + last
                found.setdefault((passage.doc_id, start, end), Candidate(hit, start, end))
    return list(found.values())


def is_fragment(text: str) -> bool:
    """Whether text is a leftover of a page rather than a statement: too short, or a heading.

    What ends like a sentence is one from four words on. Anything else needs a verb, or a number
    within three words or more, as in "28 April 2011" or "Net income 2,418".
    """
    words = text.split()
    bare = text.rstrip().rstrip("\"'”’」』)]»")
    if bare.endswith(WIDE_FULL_STOPS):
        return len(bare) < 8
    if len(words) >= 4 and bare.endswith(FULL_STOPS):
        return False
    if len(words) >= 3 and any(character.isdigit() for character in text):
        return False
    return len(words) < 4 or not any(_looks_like_verb(word) for word in words)


def is_title(passage: Passage, text: str) -> bool:
    """Whether text repeats the title of the passage's document or a heading above it."""
    headings = {_plain(part) for part in (passage.title, *passage.section.split(" › "))}
    return _plain(text) in headings


def is_date(text: str) -> bool:
    """Whether text is nothing but a date and perhaps a time, as at the top of an article."""
    words = re.findall(r"[^\W\d_]+", text)
    return any(c.isdigit() for c in text) and all(word[:3].lower() in DATE_WORDS for word in words)


def slice_of(hit: Hit, start: int, end: int) -> str:
    """Return the characters of a hit's passage between two offsets in the document."""
    offset = hit.passage.start
    return hit.passage.text[start - offset : end - offset]


def _looks_like_verb(word: str) -> bool:
    lowered = word.lower().strip(".,;:!?\"'“”‘’()[]")
    return lowered in VERBS or (len(lowered) > 4 and lowered.endswith("ed"))


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".:")
