"""A question's whole walk: condense, retrieve, answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda

from rag.answering.asked import as_question
from rag.answering.question.condense import Condenser
from rag.answering.question.unclear import asks_nothing, is_small_talk
from rag.answering.roles import (
    AskBack,
    Generator,
    Reader,
    all_clear,
    as_spelled,
    nothing_to_remark,
)
from rag.errors import InputError, ModelError, NoDocumentsError
from rag.notes import NOTHING_ASKED, UNCITED, reader_instead
from rag.retrieval.retriever import HybridRetriever, Ranking
from rag.store.filters import Condition
from rag.types import (
    Answer,
    Clarification,
    Delta,
    Event,
    Found,
    Hit,
    Question,
    Timings,
)

MAX_QUESTION_CHARS = 2000
_REMARKED_HITS = 3


def _never() -> bool:
    return False


_NOTHING_FOUND = Ranking((), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Ask:
    """A question on its way through the chain, and what was found for it."""

    question: Question
    filters: tuple[Condition, ...]
    cancelled: Callable[[], bool]
    started: float
    query: str = ""
    ranking: Ranking = _NOTHING_FOUND


class Assistant:
    """Answers questions over one store. Safe to share between threads.

    `respell` may put the words of a query right by what was found for it; then that is searched
    for. `remark` may add a note to what the reader answers, given the query and the best passages.
    `ask_back` is asked before anything is answered, and again when the documents do not say.
    """

    def __init__(
        self,
        *,
        retriever: HybridRetriever,
        reader: Reader,
        condenser: Condenser,
        generator: Generator | None = None,
        has_documents: Callable[[], bool],
        respell: Callable[[str, Sequence[Hit]], str] = as_spelled,
        remark: Callable[[str, Sequence[str]], str] = nothing_to_remark,
        ask_back: AskBack = all_clear,
        read_k: int,
    ) -> None:
        self._retriever = retriever
        self._reader = reader
        self._condenser = condenser
        self._generator = generator
        self._has_documents = has_documents
        self._respell = respell
        self._remark = remark
        self._ask_back = ask_back
        self._read_k = read_k
        self._chain: Runnable[_Ask, Event] = (
            RunnableLambda(self._condense)
            | RunnableLambda(self._retrieve)
            | RunnableGenerator(self._respond)
        )

    @property
    def mode(self) -> str:
        """What answers: "reader", or the chat model's name."""
        return self._generator.name if self._generator is not None else "reader"

    def answer(self, question: Question, filters: Sequence[Condition] = ()) -> Answer:
        """Answer a question.

        Raises:
            InputError: the question is empty or longer than MAX_QUESTION_CHARS.
            NoDocumentsError: the store holds nothing.
        """
        for event in self.stream(question, filters):
            last = event
        assert isinstance(last, Answer), "the walk ends with an answer"
        return last

    def stream(
        self,
        question: Question,
        filters: Sequence[Condition] = (),
        *,
        cancelled: Callable[[], bool] = _never,
    ) -> Iterator[Event]:
        """Answer a question step by step: Found, then Deltas, then the Answer.

        `cancelled` is asked between steps; once true, what was said so far is the answer.
        Raises as `answer` does.
        """
        self._check(question.text)
        if question.query:
            self._check(question.query)
        yield from self._chain.stream(
            _Ask(question, tuple(filters), cancelled, started=time.perf_counter())
        )

    def search(self, query: str, k: int, filters: Sequence[Condition] = ()) -> tuple[Hit, ...]:
        """Return the k best hits; raises as `answer` does."""
        self._check(query)
        return self._retriever.search(query, k, filters).hits

    def as_runnable(self) -> Runnable[Any, Answer]:
        """Return the assistant as a LangChain runnable.

        It takes a string or `{"question": str, "history": [(question, answer), ...]}`.
        """
        return RunnableLambda(lambda given: self.answer(as_question(given)), name="footnote")

    def _check(self, text: str) -> None:
        if not text.strip():
            raise InputError("The question is empty.", "Type a question, or some keywords.")
        if len(text) > MAX_QUESTION_CHARS:
            raise InputError(
                f"The question has {len(text):,} characters; at most {MAX_QUESTION_CHARS:,} "
                "can be asked at once.",
                "Ask a shorter question. To search a long text, ingest it as a document.",
            )
        if not self._has_documents():
            raise NoDocumentsError(
                "There are no documents to ask yet.", "Add some: footnote ingest FOLDER"
            )

    def _condense(self, ask: _Ask) -> _Ask:
        wanted = ask.question.query.strip()
        return replace(ask, query=wanted or self._condenser.query(ask.question))

    def _retrieve(self, ask: _Ask) -> _Ask:
        if _asks_nothing(ask):
            return ask
        ranking = self._retriever.search(ask.query, self._read_k, ask.filters)
        meant = ask.query if ask.question.query else self._respell(ask.query, ranking.hits)
        if meant == ask.query:
            return replace(ask, ranking=ranking)
        again = self._retriever.search(meant, self._read_k, ask.filters)
        embed_ms = ranking.embed_ms + again.embed_ms
        search_ms = ranking.search_ms + again.search_ms
        return replace(ask, query=meant, ranking=Ranking(again.hits, embed_ms, search_ms))

    def _respond(self, asks: Iterator[_Ask]) -> Iterator[Event]:
        for ask in asks:
            yield Found(ask.query, ask.ranking.hits)
            if _asks_nothing(ask):
                yield _silence(ask, self.mode, note=NOTHING_ASKED)
                continue
            if clarification := self._unclear(ask, weakly=False):
                yield replace(_silence(ask, self.mode), clarification=clarification)
                continue
            note = ""
            if self._generator is not None:
                try:
                    yield from self._generate(ask, self._generator)
                    continue
                except ModelError as error:
                    note = reader_instead(error.message)
            yield from self._read(ask, note)

    def _generate(self, ask: _Ask, generator: Generator) -> Iterator[Event]:
        began = time.perf_counter()
        for event in generator.stream(
            ask.question, ask.query, ask.ranking.hits, cancelled=ask.cancelled
        ):
            if isinstance(event, Answer):
                note = event.note
                if not event.abstained and not event.citations:
                    note = note or UNCITED
                timings = _timings(ask, generate=_ms_since(began))
                event = self._or_ask_back(ask, replace(event, note=note, timings=timings))
            yield event

    def _read(self, ask: _Ask, note: str) -> Iterator[Event]:
        began = time.perf_counter()
        answer = self._reader.read(ask.question, ask.query, ask.ranking.hits)
        timings = _timings(ask, read=_ms_since(began))
        for sentence in answer.sentences:
            marks = "".join(f" [{marker}]" for marker in sentence.markers)
            yield Delta(f"{sentence.text}{marks} ")
        best = [hit.passage.text for hit in ask.ranking.hits[:_REMARKED_HITS]]
        note = note or answer.note or self._remark(ask.query, best)
        yield self._or_ask_back(ask, replace(answer, note=note, timings=timings))

    def _or_ask_back(self, ask: _Ask, answer: Answer) -> Answer:
        """Ask back instead of abstaining, where the question gives reason to."""
        if not answer.abstained:
            return answer
        return replace(answer, clarification=self._unclear(ask, weakly=True))

    def _unclear(self, ask: _Ask, *, weakly: bool) -> Clarification | None:
        """Return what to ask back; nothing when the query says more than the question."""
        question = ask.question
        if question.query.strip() or ask.query.strip() != question.text.strip():
            return None
        followed_on = bool(question.history)
        return self._ask_back(
            question.text, ask.ranking.hits, followed_on=followed_on, weakly=weakly
        )


def _asks_nothing(ask: _Ask) -> bool:
    return asks_nothing(ask.query) or (not ask.question.query and is_small_talk(ask.question.text))


def _silence(ask: _Ask, mode: str, note: str = "") -> Answer:
    return Answer(
        ask.question,
        ask.query,
        (),
        (),
        ask.ranking.hits,
        abstained=True,
        confidence=0.0,
        mode=mode,
        note=note,
        timings=_timings(ask),
    )


def _timings(ask: _Ask, *, read: float = 0.0, generate: float = 0.0) -> Timings:
    return Timings(
        embed=ask.ranking.embed_ms,
        search=ask.ranking.search_ms,
        read=read,
        generate=generate,
        total=_ms_since(ask.started),
    )


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
