"""The records that flow through Footnote. Each is immutable; no stage edits another's.

Offsets are half-open and in characters of `Document.text`; ranks, pages and markers start at 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Support = Literal["supported", "partial", "unsupported", "no_claim"]
"""Whether what a sentence cites says it; `no_claim` for one that says nothing to be checked."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading: `level` 1 is the outermost, `start` is where the heading begins in the text."""

    title: str
    level: int
    start: int


@dataclass(frozen=True, slots=True)
class Document:
    """One document as extracted. `text` never changes: every offset refers to it.

    `source` is what a person can open: the path as given, with `#record` for a record of a file.
    `page_starts[i]` is the offset at which page i + 1 begins; empty when there are no pages.
    `metadata` holds what the file says of itself ("author", "date", "publisher", ...).
    """

    doc_id: str
    title: str
    source: str
    text: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    page_starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document: `text == document.text[start:end]`.

    `section` is the path of headings above it ("Findings › Labour"), "" when there is none.
    `date` is the document's own date as it states it, "" when it states none.
    """

    passage_id: str
    doc_id: str
    text: str
    start: int
    end: int
    title: str
    source: str
    page: int | None = None
    section: str = ""
    date: str = ""

    @property
    def context(self) -> str:
        """What stands above the passage: "title › section"."""
        return " › ".join(part for part in (self.title, self.section) if part)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found. A higher score is better, always; `rank` starts at 1."""

    passage: Passage
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the person asked. The standalone string that is searched for is called the query.

    `query` is given when the person says what to search for; "" leaves that to Footnote.
    """

    text: str
    history: tuple[Turn, ...] = ()
    query: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact characters of a document that support a sentence.

    `quote_start` and `quote_end` are offsets in the document and lie inside the passage.
    """

    marker: int
    passage: Passage
    quote_start: int
    quote_end: int

    def __post_init__(self) -> None:
        if not self.passage.start <= self.quote_start < self.quote_end <= self.passage.end:
            raise ValueError(
                f"quote [{self.quote_start}, {self.quote_end}) lies outside its passage "
                f"[{self.passage.start}, {self.passage.end})"
            )

    @property
    def quote(self) -> str:
        offset = self.passage.start
        return self.passage.text[self.quote_start - offset : self.quote_end - offset]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, without markers, and the markers that belong to it.

    `break_before` says that a new line (a paragraph or list item) begins with it. `support` is
    None until the sentence was checked. `moved` says that the check found its citations, in
    another passage than the one that the sentence cited, or where it cited none.
    """

    text: str
    markers: tuple[int, ...] = ()
    break_before: bool = False
    support: Support | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One reading of an unclear question: what to show, and the question to ask instead."""

    label: str
    question: str


@dataclass(frozen=True, slots=True)
class Clarification:
    """A short question back, and the readings to choose from, at least two."""

    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds by stage; stages that did not run are 0."""

    embed: float = 0.0
    search: float = 0.0
    read: float = 0.0
    generate: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What Footnote says, and why.

    When `abstained`, there are no sentences and no citations: `hits` are the nearest passages.
    `confidence` is the estimated probability, in [0, 1], that the documents answer the question
    with what is cited. `answer_span` is the shortest exact answer when the reader marks one.
    `mode` names what answered ("reader", or the chat model); `note` tells the person of anything
    out of the ordinary (such as a chat model that could not be reached). `unresolved` are markers
    that a chat model wrote and that point nowhere; they are never shown as footnotes.
    """

    question: Question
    query: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    abstained: bool
    confidence: float
    answer_span: str | None = None
    mode: str = "reader"
    note: str = ""
    unresolved: tuple[str, ...] = ()
    timings: Timings = Timings()
    clarification: Clarification | None = None

    def __post_init__(self) -> None:
        markers = {citation.marker for citation in self.citations}
        used = {marker for sentence in self.sentences for marker in sentence.markers}
        if used != markers:
            raise ValueError(f"markers {sorted(used)} do not match citations {sorted(markers)}")
        if self.abstained and (self.sentences or self.citations):
            raise ValueError("an answer that abstains has no sentences and no citations")
        if self.clarification is not None and not self.abstained:
            raise ValueError("an answer that asks back says nothing else")

    @property
    def text(self) -> str:
        """The sentences with their markers, as in `It began in 1990. [1]`; "" when abstained."""
        parts: list[str] = []
        for sentence in self.sentences:
            if parts:
                parts.append("\n" if sentence.break_before else " ")
            parts.append(sentence.text)
            parts.extend(f" [{marker}]" for marker in sentence.markers)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Found:
    """Streamed first: what was searched for, and what was found."""

    query: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """Streamed while an answer is being written: text to append, markers already resolved.

    The final `Answer` follows and replaces what the deltas said.
    """

    text: str


Event = Found | Delta | Answer
"""What a question's walk yields, in this order: one Found, any number of Deltas, one Answer."""
