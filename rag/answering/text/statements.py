"""What of a passage can be quoted by itself: its sentences, cut and joined as a reader would.

Where passages end hangs on `rag.ingest.sentences`, so that splitting stays as it is; what is only
about quoting is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from rag.ingest.sentences import sentence_spans

# "... by calcium carbonate.[1] They occupy ..." and "... at a head of 32 m. The sister model ..."
_MISSED = re.compile(
    r"[.!?][\"'”’)]*(?:\[\d{1,3}(?:[,–-]\d{1,3})*\])+\s+(?=[\"'“‘(\[]?[^\W\d_a-z])"
    r"|\d\s?(?:m|km|cm|mm|ft|in|mi|g|kg|mg|t|l|ml|s|h|min|hrs?|V|W|kW|A|Hz|°[CF]|[mk]?m[²³])\.\s+"
    r"(?=[A-Z][a-z]+\s)"
)
_LABELLED = re.compile(r"^[ \t]*(?:Row \d+|[A-Z][^\W\d_]*(?: [\w’'-]+){0,3}):\s", re.MULTILINE)
_SHORT_ANSWER = re.compile(
    r"(?:[A-Z]: )?(?:yes|no|not yet|never|always|of course(?: not)?|sometimes|certainly|maybe|"
    r"perhaps|correct|right|wrong|exactly|partly|it depends)[.!]",
    re.IGNORECASE,
)
_BULLET = re.compile(r"(?:[-*•·‣▪–—>]+[ \t]+)+(?=\S)")
_REFERENCES = re.compile(r"(?<=[.!?\"'”’)])(?:\[\d{1,3}(?:[,–-]\d{1,3})*\])+$")
_ASKING_ENDS = ("?", "？", "؟")
_QUOTES = "\"'”’)*_ "


@lru_cache(maxsize=256)
def statement_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Find what can be quoted alone: half-open spans, in order.

    A bullet, the `>` of a reply and the text's own "[3]" at the end of a sentence belong to none.
    "No." belongs to the sentence after it, and lines that begin with a label each ("Present: ...",
    "Row 4: ...") stand alone.
    """
    pieces = [piece for span in sentence_spans(text) for piece in _cut(text, *span)]
    joined: list[tuple[int, int]] = []
    for start, end in pieces:
        if joined and _answers_before(text, joined[-1], start):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(_bare(text, start, end) for start, end in joined)


def answer_after(
    text: str, spans: Sequence[tuple[int, int]], span: tuple[int, int]
) -> tuple[int, int] | None:
    """Return the statement that answers a question of the text itself; None for anything else.

    A question that has its line for itself, as in a list of frequent ones or an interview, is
    answered on the next line, unless another question stands there.
    """
    start, end = span
    if not asks(text[start:end]) or text[:start].rpartition("\n")[2].strip(" \t-*>•"):
        return None
    following = next((one for one in spans if one[0] >= end), None)
    if following is None or "\n" not in text[end : following[0]] or asks(text[slice(*following)]):
        return None
    return following


def asks(text: str) -> bool:
    """Whether a statement is a question."""
    return text.rstrip(_QUOTES).endswith(_ASKING_ENDS)


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a sentence that are sentences of their own."""
    cuts = {match.end() for match in _MISSED.finditer(text, start, end)}
    if "\n" in text[start:end]:
        labelled = [start + match.start() for match in _LABELLED.finditer(text[start:end])]
        cuts.update(labelled if len(labelled) > 1 else ())
    edges = [start, *sorted(cuts - {start}), end]
    for first, last in pairwise(edges):
        kept = text[first:last]
        yield first + len(kept) - len(kept.lstrip()), first + len(kept.rstrip())


def _answers_before(text: str, before: tuple[int, int], start: int) -> bool:
    """Whether a statement is a bare "No." on the same line."""
    beside = "\n" not in text[before[1] : start]
    return beside and _SHORT_ANSWER.fullmatch(text[slice(*before)]) is not None


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    if bullet := _BULLET.match(text, start, end):
        start = bullet.end()
    if references := _REFERENCES.search(text[start:end]):
        end = start + references.start()
    return start, end
