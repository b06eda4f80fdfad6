"""How much of a passage is quoted for what answers: never less than can be understood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.answering.citations import Quote, quoted_text
from rag.answering.reading.evidence import Evidence
from rag.answering.text.candidates import is_fragment, is_title, slice_of
from rag.answering.text.statements import statement_spans
from rag.answering.text.tables import rows_around

LEAD_CHARS = 300
"""A sentence before that is longer is not taken along."""
LIST_CHARS = 800
"""A list that is longer is not quoted whole ..."""
ITEM_CHARS = 160
"""... nor one with a longer item: those are clauses that stand alone."""

LEANING = re.compile(
    r"[\"'“‘(\[]*(?:(?:He|She|It|They|His|Her|Its|Their)\b"
    r"|(?:This|These|Those|Such|That) (?!week|month|year|morning|evening|who\b))"
)
"""Sentences that begin so cannot be understood without the one before."""
_ITEM = re.compile(r"[ \t]*(?:[-*•·‣▪–+][ \t]|\(?(?:\d{1,3}|[a-z])[.)][ \t])")
_REFERENCES = re.compile(r"(?<=\S)(?:\[\d{1,3}(?:[,–-]\d{1,3})*\])+")


def quote_of(one: Evidence, shown: Sequence[Quote], *, whole_list: bool) -> Quote:
    """Quote evidence with what belongs to it.

    That is: the rest of its list, when a list is asked for; what follows a colon at its end; or
    the sentence before, where it leans on that.
    """
    passage = one.hit.passage
    start, end = one.start - passage.start, one.end - passage.start
    listed = _items_around(passage.text, start) if whole_list else None
    if listed is None and passage.text[start:end].endswith(":"):
        listed = start, _end_of_what_follows(passage.text, end)
    if listed and listed[1] - listed[0] <= LIST_CHARS:
        return Quote(passage, passage.start + listed[0], passage.start + max(end, listed[1]))
    return with_lead(one, shown)


def with_lead(one: Evidence, shown: Sequence[Quote]) -> Quote:
    """Quote evidence, together with the sentence before where it cannot stand alone.

    That sentence has to lie in the same passage, and not to be shown already.
    """
    passage = one.hit.passage
    alone = Quote(passage, one.start, one.end)
    if not LEANING.match(alone.text):
        return alone
    spans = statement_spans(passage.text)
    before = [span for span in spans if passage.start + span[1] <= one.start]
    if not before:
        return alone
    start, end = passage.start + before[-1][0], passage.start + before[-1][1]
    text = slice_of(one.hit, start, end)
    told = any(
        quote.passage.doc_id == passage.doc_id and quote.start < end and start < quote.end
        for quote in shown
    )
    if told or is_title(passage, text) or is_fragment(text) or len(text) > LEAD_CHARS:
        return alone
    return Quote(passage, start, one.end)


def header_of(one: Evidence) -> Quote | None:
    """Return the line that names the columns of the row that evidence is, None for other text."""
    passage = one.hit.passage
    start, end = one.start - passage.start, one.end - passage.start
    row = next((r for r in rows_around(passage.text, start) if r.span == (start, end)), None)
    if row is None or row.header is None:
        return None
    return Quote(passage, passage.start + row.header[0], passage.start + row.header[1])


def lines_of(quote: Quote) -> Iterator[str]:
    """Yield a quote as it is said: in one line, but each item of a list in its own.

    References of the text itself ("[3]") are left out, for they would read as footnotes.
    """
    lines = quote.text.split("\n")
    if not any(_ITEM.match(line) for line in lines[1:]):
        yield _said(quote.text)
        return
    for line in lines:
        if line.strip():
            yield _said(re.sub(r"^[ \t]*[-*•·‣▪–+][ \t]+", "", line))


def _said(text: str) -> str:
    return quoted_text(_REFERENCES.sub("", text))


def _items_around(text: str, at: int) -> tuple[int, int] | None:
    """Return the list whose item an offset lies in, with the line right above; None outside."""
    first = text.rfind("\n", 0, at) + 1
    if not _ITEM.match(text, first):
        return None
    start = first
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        line = text[above : start - 1]
        if not line.strip():
            break
        start = above
        if not _ITEM.match(line):
            break
    end = _end_of_items(text, at)
    return (start, end) if _are_short(text[start:end]) else None


def _end_of_items(text: str, at: int) -> int:
    end = _line_end(text, at)
    while end < len(text) and _ITEM.match(text, end + 1):
        end = _line_end(text, end + 1)
    return len(text[:end].rstrip())


def _end_of_what_follows(text: str, end: int) -> int:
    """Return the end of the list, or of the one statement, after a colon."""
    following = next((span for span in statement_spans(text) if span[0] >= end), None)
    if following is None:
        return end
    line = text.rfind("\n", 0, following[0]) + 1
    return _end_of_items(text, following[0]) if _ITEM.match(text, line) else following[1]


def _are_short(items: str) -> bool:
    return max(map(len, items.split("\n"))) <= ITEM_CHARS


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
