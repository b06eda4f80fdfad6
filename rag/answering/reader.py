"""Answer with the documents' own sentences, and say plainly when there are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from rag.answering.citations import Draft, Quote, number, quoted_text
from rag.answering.question.kinds import asks_for_list, asks_for_several
from rag.answering.question.parts import Part, parts_of
from rag.answering.reading.evidence import Evidence, EvidenceFinder, least_share
from rag.answering.reading.quoting import header_of, lines_of, quote_of, with_lead
from rag.answering.reading.rivals import speaks_of_another
from rag.answering.text.features import content_stems
from rag.language import is_latin
from rag.notes import not_said
from rag.types import Answer, Hit, Question, Timings

SAME = 0.8
"""Sentences say the same when they share this much of the shorter one's words."""
MAX_ALSO = 2
"""At most so many further citations of a sentence, for others that say the same."""


@dataclass(slots=True)
class Line:
    """A sentence to show, with the stretch to quote, and who else says the same.

    `header` is the line above that names the columns, for the row of a table.
    """

    evidence: Evidence
    quote: Quote
    header: Quote | None = None
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
        Of several questions in one each is answered, the confidence is that of the least sure
        answer, and the note names what has none. Of the timings, only `read` is set.
        """
        begun = perf_counter()
        lines, confidence, note = self._answer(query, hits)
        sentences, citations = number(list(_drafts(lines)))
        span = lines[0].evidence.span_text if lines else None
        return Answer(
            question=question,
            query=query,
            sentences=sentences,
            citations=citations,
            hits=tuple(hits),
            abstained=not lines,
            confidence=confidence,
            answer_span=quoted_text(span) if span else None,
            note=note,
            timings=Timings(read=1000 * (perf_counter() - begun)),
        )

    def _answer(self, query: str, hits: Sequence[Hit]) -> tuple[list[Line], float, str]:
        """Return the lines of an answer, none when it abstains, the confidence, and a note."""
        parts = parts_of(query)
        found = [self._finder.find(part.query, hits) for part in parts]
        answered = [i for i, evidence in enumerate(found) if self._is_enough(evidence)]
        if len(parts) > 1 and not answered:
            parts, found = (Part(query, query),), [self._finder.find(query, hits)]
            answered = [0] if self._is_enough(found[0]) else []
        if not answered:
            return [], found[0][0].score if found[0] else 0.0, ""
        lines: list[Line] = []
        for i in answered:
            room = self._max_sentences - len(lines) - sum(other > i for other in answered)
            lines += self._choose(parts[i].query, found[i], lines, room)
        open_ = [parts[i].said for i in range(len(parts)) if i not in answered]
        note = not_said(open_) if open_ else ""
        return lines, min(found[i][0].score for i in answered), note

    def _is_enough(self, evidence: Sequence[Evidence]) -> bool:
        return bool(evidence) and evidence[0].score >= self._abstain_below

    def _choose(
        self, query: str, evidence: Sequence[Evidence], before: Sequence[Line], room: int
    ) -> list[Line]:
        """Keep the evidence that adds something to what was said before, best first.

        What names something else than the question does comes after what does not.
        """
        least = least_share(query) * evidence[0].score
        good = [one for one in evidence if one.score >= least]
        lines: list[Line] = []
        for one in sorted(good, key=lambda one: speaks_of_another(query, _about(one))):
            told = [*before, *lines]
            same = next((line for line in told if adds_nothing(line, one)), None)
            if same:
                _cite_also(same, one)
            elif len(lines) < room and (not lines or _is_of_use(query, one)):
                whole_list = not lines and asks_for_list(query)
                quote = quote_of(one, [line.quote for line in told], whole_list=whole_list)
                lines.append(Line(one, quote, header_of(one)))
        return lines


def adds_nothing(line: Line, one: Evidence) -> bool:
    """Whether a line already says what the evidence would, or part of it, or the same answer."""
    quote = line.quote
    same_document = quote.passage.doc_id == one.hit.passage.doc_id
    if same_document and quote.start < one.end and one.start < quote.end:
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


def _is_of_use(query: str, one: Evidence) -> bool:
    """Whether a further sentence has anything to do with the question, or nobody can tell.

    Where several things are asked for, each may have a name of its own.
    """
    text = with_lead(one, ()).text
    if asks_for_several(query) or not is_latin(query) or not is_latin(text):
        return True
    wanted = content_stems(query)
    return not wanted or bool(wanted & content_stems(text))


def _about(one: Evidence) -> str:
    """Return a sentence with what stands around it and tells what it is about."""
    passage = one.hit.passage
    return f"{passage.context} {passage.date}\n{with_lead(one, ()).text}"


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
    """Begin a new line with each sentence that comes from another document than the last.

    Rows of tables and items of lists begin one too; the names of columns are said once.
    """
    last, headers = "", set[Quote]()
    for line in lines:
        doc_id = line.quote.passage.doc_id
        new_line = last not in ("", doc_id)
        if line.header and line.header not in headers:
            headers.add(line.header)
            yield _draft(quoted_text(line.header.text), (line.header,), new_line or bool(last))
        in_table = line.header is not None
        for i, text in enumerate(lines_of(line.quote)):
            yield _draft(text, (line.quote, *line.also), new_line or in_table or i > 0)
        last = doc_id


def _draft(text: str, quotes: tuple[Quote, ...], break_before: bool) -> Draft:
    """Make a draft of what a document says: it needs no check."""
    return Draft(text, quotes, break_before, support="supported")


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
