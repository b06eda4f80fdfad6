"""An assistant and a catalogue in memory, small enough to know every answer beforehand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from rag.errors import InputError, ModelError
from rag.store.filters import Filter
from rag.types import (
    Answer,
    Citation,
    Delta,
    Document,
    Event,
    Found,
    Hit,
    Passage,
    Question,
    Section,
    Sentence,
)

TALKS_TEXT = """The talks in Washington

Two governments met in Washington in May 2011. Both said the meeting had been useful.

What China wants

China would like the United States to look at human rights in more general terms. The US should \
"not devote too much energy to individual cases or cases that involve violations of Chinese laws." \
So said the vice minister.

""" + "\n\n".join(
    f"Paragraph {n} of the report speaks of other things at length." for n in range(40)
)

QUOTE = (
    'The US should "not devote too much energy to individual cases or cases that involve '
    'violations of Chinese laws."'
)
SECOND_QUOTE = "Both said the meeting had been useful."
EXACT = "individual cases"

TALKS = Document(
    doc_id="talks/2011?a#b.md",
    title="The talks in Washington",
    source="corpus/talks.md",
    text=TALKS_TEXT,
    metadata={"publisher": "China Daily", "author": "Jo Reporter", "date": "2011-05-09"},
    sections=(
        Section("The talks in Washington", 1, 0),
        Section("What China wants", 2, TALKS_TEXT.index("What China wants")),
    ),
    page_starts=(0, TALKS_TEXT.index("What China wants")),
)
OTHER = Document(
    doc_id="other",
    title="A week in Beijing",
    source="corpus/other.md",
    text="Posner kept a diary in Beijing. He walked a great deal.",
    metadata={"date": "2010-05-26"},
)


@dataclass(frozen=True)
class MemoryCatalog:
    """A catalogue of the documents given."""

    held: tuple[Document, ...] = (TALKS, OTHER)

    def documents(self) -> list[Document]:
        return list(self.held)

    def document(self, doc_id: str) -> Document | None:
        return next((document for document in self.held if document.doc_id == doc_id), None)

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """Each document is one passage, named after it."""
        held = {f"{d.doc_id}:0": passage_of(d, 0, len(d.text)) for d in self.held}
        return [held[wanted] for wanted in passage_ids if wanted in held]

    def collection_names(self) -> frozenset[str]:
        return frozenset({"default"} if self.held else ())

    def collections_of(self, doc_ids: Iterable[str]) -> dict[str, str]:
        held = {document.doc_id for document in self.held}
        return {doc_id: "default" for doc_id in doc_ids if doc_id in held}


def passage_of(document: Document, start: int, end: int) -> Passage:
    return Passage(
        passage_id=f"{document.doc_id}:{start}",
        doc_id=document.doc_id,
        text=document.text[start:end],
        start=start,
        end=end,
        title=document.title,
        source=document.source,
        date=document.metadata.get("date", ""),
    )


def cite(marker: int, document: Document, quote: str) -> Citation:
    start = document.text.index(quote)
    passage = passage_of(
        document, max(0, start - 20), min(len(document.text), start + len(quote) + 20)
    )
    return Citation(marker, passage, start, start + len(quote))


def answered(question: Question) -> Answer:
    citations = (cite(1, TALKS, QUOTE), cite(2, TALKS, SECOND_QUOTE))
    return Answer(
        question=question,
        query=question.query or question.text.replace("Who said so?", "Who said so? Washington"),
        sentences=(Sentence(QUOTE, (1,)), Sentence(SECOND_QUOTE, (2,))),
        citations=citations,
        hits=tuple(Hit(c.passage, 1.0 / c.marker, c.marker) for c in citations),
        abstained=False,
        confidence=0.92,
        answer_span=EXACT,
    )


def abstained(question: Question) -> Answer:
    passage = passage_of(OTHER, 0, len(OTHER.text))
    return Answer(question, question.text, (), (), (Hit(passage, 0.1, 1),), True, 0.08)


@dataclass
class ScriptedAssistant:
    """Answers by the words of the question; keeps the questions it was asked."""

    mode: str = "reader"
    asked: list[Question] = field(default_factory=list)
    was_cancelled: bool = False
    filters: tuple[Filter, ...] = ()
    answers: dict[str, Callable[[Question], Answer]] = field(default_factory=dict)

    def stream(
        self,
        question: Question,
        filters: Sequence[Filter] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        self.asked.append(question)
        self.filters = tuple(filters)
        if len(question.text) > 2000:
            raise InputError("The question has too many characters.", "Ask in 2,000 or fewer.")
        if "unreachable" in question.text:
            raise ModelError("The chat model cannot be reached.", "Start it, then try again.")
        if "broken" in question.text:
            raise ZeroDivisionError("secret detail")
        make = self.answers.get(question.text) or (
            abstained if "moon" in question.text else answered
        )
        answer = make(question)
        yield Found(question.text, answer.hits)
        if "slowly" in question.text:
            yield from self._forever(cancelled)
            return
        for sentence in answer.sentences:
            yield Delta(sentence.text + "".join(f" [{m}]" for m in sentence.markers) + " ")
        yield answer

    def search(self, query: str, k: int, filters: Sequence[Filter] = ()) -> tuple[Hit, ...]:
        self.filters = tuple(filters)
        if "broken" in query:
            raise ZeroDivisionError("secret detail")
        return answered(Question(query)).hits[:k]

    def _forever(self, cancelled: Callable[[], bool]) -> Iterator[Event]:
        for number in range(600):
            if cancelled():
                self.was_cancelled = True
                return
            try:
                yield Delta(f"Word{number} ")
            except GeneratorExit:  # left, between one word and the next
                self.was_cancelled = True
                raise
            time.sleep(0.05)


def run(scenario: Coroutine[Any, Any, Any]) -> Any:
    """Run a scenario in a thread of its own: a browser's test leaves its loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, scenario).result()
