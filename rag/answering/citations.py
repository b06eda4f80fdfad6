"""Number the citations of an answer: each distinct quote once, in the order it is first used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.types import Citation, Passage, Sentence, Support


@dataclass(frozen=True, slots=True)
class Quote:
    """A stretch of a passage; `start` and `end` are offsets in the document."""

    passage: Passage
    start: int
    end: int

    @property
    def text(self) -> str:
        offset = self.passage.start
        return self.passage.text[self.start - offset : self.end - offset]


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence of an answer before its citations have numbers; the best quote comes first.

    `support` and `moved` are those of `Sentence`.
    """

    text: str
    quotes: tuple[Quote, ...]
    break_before: bool = False
    support: Support | None = None
    moved: bool = False


def number(drafts: Sequence[Draft]) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
    """Turn drafts into sentences with markers, and their citations.

    Quotes of one passage that overlap or touch become one citation that spans them. Markers count
    from 1 in the order in which the sentences use them, and are ascending within a sentence.
    """
    merged: list[Quote] = []
    for quote in (quote for draft in drafts for quote in draft.quotes):
        merged = _absorb(merged, quote)
    sentences = []
    for draft in drafts:
        markers = sorted({_marker(merged, quote) for quote in draft.quotes})
        sentences.append(
            Sentence(draft.text, tuple(markers), draft.break_before, draft.support, draft.moved)
        )
    citations = tuple(
        Citation(marker, quote.passage, quote.start, quote.end)
        for marker, quote in enumerate(merged, start=1)
    )
    return tuple(sentences), citations


def quoted_text(text: str) -> str:
    """Return document text with each run of white space as one space, as a sentence shows it."""
    return " ".join(text.split())


def _absorb(merged: list[Quote], quote: Quote) -> list[Quote]:
    """Add a quote to those before it, in the place of the first one that it touches."""
    touching = [other for other in merged if _touch(other, quote)]
    if not touching:
        return [*merged, quote]
    union = _span([*touching, quote])
    return [
        union if other is touching[0] else other
        for other in merged
        if other is touching[0] or other not in touching
    ]


def _touch(one: Quote, other: Quote) -> bool:
    """Whether two quotes of one passage overlap, or only white space lies between them."""
    if one.passage.passage_id != other.passage.passage_id:
        return False
    first, second = sorted((one, other), key=lambda quote: quote.start)
    if first.end >= second.start:
        return True
    return not Quote(first.passage, first.end, second.start).text.strip()


def _span(quotes: Iterable[Quote]) -> Quote:
    ordered = sorted(quotes, key=lambda quote: quote.start)
    return Quote(ordered[0].passage, ordered[0].start, max(quote.end for quote in ordered))


def _marker(merged: Sequence[Quote], quote: Quote) -> int:
    for marker, other in enumerate(merged, start=1):
        same = other.passage.passage_id == quote.passage.passage_id
        if same and other.start <= quote.start and quote.end <= other.end:
            return marker
    raise AssertionError("every quote lies inside one of the merged quotes")
