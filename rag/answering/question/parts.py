"""Several questions in one: "When was it built, and who was the architect?"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.answering.question.salience import content_stems, left_out
from rag.types import Turn

MAX_PARTS = 3
_ASKING = r"(?:who|whom|whose|what|when|where|why|how|which)"
_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must)"
_NEXT = re.compile(
    rf"(?:[,;]? (?:and|but)(?: also)?|\?) (?={_ASKING} (?:\w+ ){{0,3}}?{_AUXILIARY}\b)",
    re.IGNORECASE,
)
_BEGINS = re.compile(rf"\W*(?:\w+ )?(?:{_ASKING}|{_AUXILIARY})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One of several questions, as it was said, and as it stands alone."""

    said: str
    query: str


def parts_of(query: str) -> tuple[Part, ...]:
    """Return the questions that a question consists of, itself alone when it is but one.

    Each has words of its own to be answered by, and is given those of the first one that it
    leaves out.
    """
    parts = [part.strip(" ?,;") for part in _NEXT.split(query)]
    if not 1 < len(parts) <= MAX_PARTS or not _BEGINS.match(parts[0]):
        return (Part(query, query),)
    if not all(content_stems(part) for part in parts):
        return (Part(query, query),)
    first = Turn(parts[0], "")
    alone = [[], *(left_out(part, (first,)) for part in parts[1:])]
    return tuple(
        Part(f"{part}?", " ".join([f"{part}?", *words]))
        for part, words in zip(parts, alone, strict=True)
    )
