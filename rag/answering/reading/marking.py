"""From what the reading model says of passages to sentences, each with what speaks for it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.answering.question.kinds import OF_QUESTIONS
from rag.answering.text.candidates import is_fragment, is_title, slice_of
from rag.answering.text.features import content_stems, expected_kind
from rag.answering.text.respectively import of_the_year
from rag.answering.text.spans import tidy
from rag.answering.text.statements import answer_after, statement_spans
from rag.answering.text.tables import answering_cell, names_columns
from rag.types import Hit

if TYPE_CHECKING:
    from rag.answering.reading.model import Reading, Span

NAMES = (
    "log-odds that the passage answers",
    "logarithm of the belief in the sentence, if it does",
    "share of the question's rare words in the passage or its title",
    "share of the question's names and numbers missing there",
    "share of the question's rare words in the sentence",
    "the expected kind of answer is in the span",
    "the expected kind of answer is missing from it",
    "logarithm of the hit's rank",
    "cosine of question and sentence",
)
"""What speaks for a sentence; `Mark.features` holds all but the last."""

MAX_LOG_ODDS = 8.0
LEAST_BELIEF = 1e-3
MAX_CROSSING_CHARS = 600
"""A span over several sentences of a line quotes as many as fit into this."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A sentence that holds a span; offsets are in the document."""

    hit: Hit
    start: int
    end: int
    span: tuple[int, int]
    features: tuple[float, ...]

    @property
    def text(self) -> str:
        return slice_of(self.hit, self.start, self.end)


def marks(query: str, hits: Sequence[Hit], readings: Sequence[Reading]) -> list[Mark]:
    """List the sentences that hold the spans of the readings, each once, with its best span.

    Those that the model prefers come first: by the log of the belief in the sentence and the
    log-odds of its passage together; ties in the order of hits. Where passages overlap, the
    sentence belongs to the one that answers more probably. The readings are those of the first
    hits; the others, unread, only tell which words are rare.
    """
    wanted = Wanted.of(query, hits)
    found: dict[tuple[str, int, int], Mark] = {}
    for hit, reading in zip(hits, readings, strict=False):
        words = content_stems(surroundings(hit))
        passage = (_log_odds(reading.answerable), wanted.share(words), wanted.missing(words))
        for sentence, placed in _by_sentence(query, wanted, hit, reading.spans).items():
            mark = _mark(query, wanted, hit, sentence, placed, passage)
            key = (hit.passage.doc_id, mark.start, mark.end)
            if key not in found or found[key].features[:2] < mark.features[:2]:
                found[key] = mark
    return sorted(found.values(), key=lambda mark: -(mark.features[0] + mark.features[1]))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The words of a question, weighed by how few of the hits hold them, and its names."""

    weight: Mapping[str, float]
    names: frozenset[str]

    @classmethod
    def of(cls, query: str, hits: Sequence[Hit]) -> Wanted:
        stems = [content_stems(surroundings(hit)) for hit in hits]
        wanted = content_stems(query)
        seen = Counter(word for words in stems for word in words & wanted)
        weight = {word: math.log(1 + (1 + len(hits)) / (1 + seen[word])) for word in wanted}
        return cls(weight, content_stems(" ".join(_names(query))))

    def share(self, words: frozenset[str]) -> float:
        """Return the share of the question's weight that the words have; 1 without any weight."""
        total = sum(self.weight.values())
        return sum(self.weight[w] for w in words & self.weight.keys()) / total if total else 1.0

    def missing(self, words: frozenset[str]) -> float:
        """Return the share of the question's names and numbers that the words lack."""
        return len(self.names - words) / len(self.names) if self.names else 0.0


def surroundings(hit: Hit) -> str:
    """Return a passage with what stands above it."""
    return f"{hit.passage.context} {hit.passage.date} {hit.passage.text}"


@dataclass(frozen=True, slots=True)
class _Placed:
    """A span of a reading where it is quoted; no `span` when the whole sentence answers."""

    score: float
    sentence: tuple[int, int]
    span: tuple[int, int] | None


def _mark(
    query: str,
    wanted: Wanted,
    hit: Hit,
    sentence: tuple[int, int],
    placed: Sequence[_Placed],
    passage: tuple[float, float, float],
) -> Mark:
    text, offset, (start, end) = hit.passage.text, hit.passage.start, sentence
    best = next((one.span for one in placed if one.span), sentence)
    first, last = of_the_year(query, text, tidy(text, best, sentence), sentence)
    odds, share, missing = passage
    kind = expected_kind(query, text[first:last], begins=False)
    features = (
        odds,
        math.log(max(LEAST_BELIEF, sum(one.score for one in placed))),
        share,
        missing,
        wanted.share(content_stems(text[start:end])),
        float(kind is True),
        float(kind is False),
        math.log(hit.rank),
    )
    return Mark(hit, offset + start, offset + end, (offset + first, offset + last), features)


def _by_sentence(
    query: str, wanted: Wanted, hit: Hit, spans: Sequence[Span]
) -> dict[tuple[int, int], list[_Placed]]:
    """Group spans, best first, by the sentence of the passage that holds them."""
    grouped: dict[tuple[int, int], list[_Placed]] = {}
    for span in spans:
        placed = _in_table(wanted, hit, span) or _in_prose(query, hit, span)
        if placed and not _is_leftover(hit, *placed.sentence):
            grouped.setdefault(placed.sentence, []).append(placed)
    return grouped


def _in_table(wanted: Wanted, hit: Hit, span: Span) -> _Placed | None:
    """Place a span in the row and the column that the question speaks of, where they are named."""
    found = answering_cell(hit.passage.text, (span.start, span.end), wanted.share)
    if found is None or found[0].end - found[0].start > MAX_CROSSING_CHARS:
        return None
    row, cell = found
    return _Placed(span.score, row.span, cell)


def _in_prose(query: str, hit: Hit, span: Span) -> _Placed | None:
    """Place a span in its sentence; one in a question of the text, in what answers that."""
    text = hit.passage.text
    statements = statement_spans(text)
    held = _holding(text, statements, span)
    if held is None:
        return None
    answer = None if OF_QUESTIONS.search(query) else answer_after(text, statements, held)
    if answer:
        return _Placed(span.score, answer, None)
    return _Placed(span.score, held, (span.start, span.end))


def _holding(text: str, sentences: Sequence[tuple[int, int]], span: Span) -> tuple[int, int] | None:
    """Return the stretch of sentences that a span touches, as far as one line and length allow."""
    touched = [one for one in sentences if one[0] < span.end and span.start < one[1]]
    if not touched:
        return None
    start, end = touched[0]
    for first, last in touched[1:]:
        if "\n" in text[end:first] or last - start > MAX_CROSSING_CHARS:
            break
        end = last
    return start, end


def _is_leftover(hit: Hit, start: int, end: int) -> bool:
    """Whether a line is a heading or too short; a name alone, as in "By Ann Lee", is not."""
    text = hit.passage.text[start:end]
    if names_columns(hit.passage.text, start):
        return True
    return is_title(hit.passage, text) or (is_fragment(text) and len(text.split()) < 3)


def _names(query: str) -> list[str]:
    """Return the words with a capital, but for the first, and those with a digit."""
    words = re.findall(r"[\w.’'-]+", query)
    return [
        word
        for i, word in enumerate(words)
        if (i and word[0].isupper()) or any(character.isdigit() for character in word)
    ]


def _log_odds(probability: float) -> float:
    bound = 1 / (1 + math.exp(MAX_LOG_ODDS))
    clipped = min(max(probability, bound), 1 - bound)
    return math.log(clipped / (1 - clipped))
