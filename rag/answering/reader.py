"""Answer with the documents' own sentences, and say plainly when there are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from rag.answering.candidates import is_fragment, is_title, slice_of
from rag.answering.citations import Draft, Quote, number, quoted_text
from rag.answering.evidence import Evidence, EvidenceFinder, least_share
from rag.ingest.sentences import sentence_spans
from rag.types import Answer, Hit, Question, Timings

SAME = 0.8
"""Sentences say the same when they share this much of the shorter one's words."""
MAX_ALSO = 2
"""At most so many further citations of a sentence, for others that say the same."""
LEAD_CHARS = 300
"""A sentence before that is longer is not taken along."""

LEANING = re.compile(
    r"[\"'“‘(\[]*(?:(?:He|She|It|They|His|Her|Its|Their)\b"
    r"|(?:This|These|Those|Such|That) (?!week|month|year|morning|evening|who\b))"
)
"""Sentences that begin so cannot be understood without the one before."""


@dataclass(slots=True)
class Line:
    """A sentence to show, with the stretch to quote, and who else says the same."""

    evidence: Evidence
    quote: Quote
    also: list[Quote] = field(default_factory=list)


class Reader:
    """Picks, orders and quotes the sentences that answer."""

    def __init__(self, finder: EvidenceFinder, *, abstain_below: float, max_sentences: int) -> None:
        self._finder = finder
        self._abstain_below = abstain_below
        self._max_sentences = max_sentences

    def read(self, question: Question, query: str, hits: Sequence[Hit]) -> Answer:
        """Answer from hits; the confidence is the best evidence's score.

        Abstains when that is below `abstain_below`, or when no hit holds a sentence worth quoting.
        Of the timings, only `read` is set.
        """
        begun = perf_counter()
        evidence = self._finder.find(query, hits)
        confidence = evidence[0].score if evidence else 0.0
        abstained = not evidence or confidence < self._abstain_below
        lines = [] if abstained else self._choose(query, evidence)
        sentences, citations = number(list(_drafts(lines)))
        span = evidence[0].span_text if lines else None
        return Answer(
            question=question,
            query=query,
            sentences=sentences,
            citations=citations,
            hits=tuple(hits),
            abstained=abstained,
            confidence=confidence,
            answer_span=quoted_text(span) if span else None,
            timings=Timings(read=1000 * (perf_counter() - begun)),
        )

    def _choose(self, query: str, evidence: Sequence[Evidence]) -> list[Line]:
        """Keep the evidence that adds something, best first."""
        share = least_share(query)
        lines: list[Line] = []
        for one in evidence:
            if one.score < share * evidence[0].score:
                break
            same = next((line for line in lines if adds_nothing(line, one)), None)
            if same:
                _cite_also(same, one)
            elif len(lines) < self._max_sentences:
                lines.append(Line(one, with_lead(one, [line.quote for line in lines])))
        return lines


def adds_nothing(line: Line, one: Evidence) -> bool:
    """Whether a line already says what the evidence would: the same words, or the same answer."""
    quote = line.quote
    same_document = quote.passage.doc_id == one.hit.passage.doc_id
    if same_document and quote.start <= one.start and one.end <= quote.end:
        return True
    return same_answer(line, one) or say_the_same(quote.text, one.text)


def same_answer(line: Line, one: Evidence) -> bool:
    """Whether both mark the same exact answer."""
    return _answer(one) != "" and _answer(line.evidence) == _answer(one)


def say_the_same(one: str, other: str) -> bool:
    """Whether two sentences are nearly the same words, with the same numbers and negations."""
    first, second = _words(one), _words(other)
    shorter = min(len(first), len(second))
    if not shorter or _decisive(first) != _decisive(second):
        return False
    return len(first & second) >= SAME * shorter


def with_lead(one: Evidence, shown: Sequence[Quote]) -> Quote:
    """Quote evidence, together with the sentence before where it cannot stand alone.

    That sentence has to lie in the same passage, and not to be shown already.
    """
    passage = one.hit.passage
    alone = Quote(passage, one.start, one.end)
    if not LEANING.match(alone.text):
        return alone
    before = [span for span in sentence_spans(passage.text) if passage.start + span[1] <= one.start]
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


def _cite_also(line: Line, one: Evidence) -> None:
    """Cite another sentence for the same, but not the same words of the same document twice."""
    passage = one.hit.passage
    fresh = Quote(passage, one.start, one.end)
    repeated = any(
        quote.passage.doc_id == passage.doc_id and say_the_same(quote.text, fresh.text)
        for quote in (line.quote, *line.also)
    )
    if not repeated and len(line.also) < MAX_ALSO:
        line.also.append(fresh)


def _drafts(lines: Sequence[Line]) -> Iterator[Draft]:
    """Begin a new line with each sentence that comes from another document than the last."""
    last = ""
    for line in lines:
        doc_id = line.quote.passage.doc_id
        text = quoted_text(line.quote.text)
        new_line = last not in ("", doc_id)
        # A quote says what it says: it needs no check.
        yield Draft(text, (line.quote, *line.also), new_line, support="supported")
        last = doc_id


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _decisive(words: frozenset[str]) -> frozenset[str]:
    """Return the words of which one turns a sentence into another: numbers and negations."""
    negations = {"no", "not", "never", "none", "nor", "without", "cannot", "neither"}
    return frozenset(word for word in words if word in negations or word[0].isdigit())


def _answer(one: Evidence) -> str:
    """Return the exact answer as it is compared: words in lower case, without articles."""
    words = re.findall(r"\w+", (one.span_text or "").lower())
    return " ".join(word for word in words if word not in {"a", "an", "the"})
