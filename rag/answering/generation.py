"""Answers written by a chat model from numbered passages, streamed, with footnotes resolved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, cast

from langchain_core.prompts import ChatPromptTemplate

from rag.answering.chat_models import load_chat_model, provider_errors
from rag.answering.citations import Draft, number
from rag.answering.context import build_context, conversation
from rag.answering.markers import NO_ANSWER, MarkerReader
from rag.answering.prompts import load_prompt
from rag.answering.words import coverage
from rag.errors import ModelError
from rag.types import Answer, Delta, Hit, Question, Timings

if TYPE_CHECKING:
    from collections.abc import Generator as PythonGenerator

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

__all__ = ["MAX_REPLY_CHARS", "STOPPED", "Generator", "confidence", "load_chat_model"]

STOPPED = "stopped"
"""The note of an answer that a person stopped."""

MAX_REPLY_CHARS = 16_000
"""Longer replies are cut off: a model that repeats itself would go on for ever."""

_SUPPORTED = 0.3


class Generator:
    """Answers with a chat model; `name` is what the person calls it ("ollama:qwen3").

    Raises:
        ConfigurationError: the prompt cannot be used.
    """

    def __init__(self, model: BaseChatModel, name: str, *, context_chars: int) -> None:
        prompt = load_prompt("answer")
        self.name = name
        self.prompt_version = prompt.version
        self._model = model
        self._context_chars = context_chars
        # Without StrOutputParser at the end: closing its stream reads the model's to the end first.
        self._chain: Runnable[dict[str, str], AIMessage] = (
            ChatPromptTemplate.from_messages(prompt.messages) | model
        )

    def stream(
        self,
        question: Question,
        query: str,
        hits: Sequence[Hit],
        *,
        cancelled: Callable[[], bool],
    ) -> Iterator[Delta | Answer]:
        """Yield the answer as it is written, then whole.

        Between tokens `cancelled` is asked; on a stop the request is closed, and what was said so
        far is the answer, with the note "stopped".

        Raises:
            ModelError: the model cannot be reached, fails, or says nothing.
        """
        started = time.perf_counter()
        context = build_context(hits, max_chars=self._context_chars)
        reader = MarkerReader(context.hits)
        note = ""
        if context.hits:
            variables = {
                "context": context.text,
                "history": conversation(question.history),
                "question": question.text,
                "no_answer": NO_ANSWER,
            }
            note = yield from self._read(variables, reader, cancelled)
        drafts = [] if reader.no_answer else reader.drafts()
        if context.hits and not (drafts or reader.no_answer or note == STOPPED):
            raise ModelError(
                f"The chat model {self.name} returned an empty reply.",
                "Try again, or choose another model with FOOTNOTE_MODEL.",
            )
        sentences, citations = number(drafts)
        yield Answer(
            question=question,
            query=query,
            sentences=sentences,
            citations=citations,
            hits=tuple(hits),
            abstained=not sentences and note != STOPPED,
            confidence=confidence(drafts),
            mode=self.name,
            note=note,
            unresolved=tuple(reader.unresolved),
            timings=Timings(generate=(time.perf_counter() - started) * 1000),
        )

    def _read(
        self, variables: dict[str, str], reader: MarkerReader, cancelled: Callable[[], bool]
    ) -> PythonGenerator[Delta, None, str]:
        """Yield what can be shown as it arrives; return the note that the answer needs."""
        if cancelled():
            return STOPPED
        length = 0
        with closing(self._tokens(variables)) as tokens:
            for token in tokens:
                if shown := reader.feed(token):
                    yield Delta(shown)
                length += max(len(token), 1)
                if cancelled():
                    reader.finish()
                    return STOPPED
                if reader.no_answer:
                    return ""
                if length > MAX_REPLY_CHARS:
                    reader.finish()
                    return f"The reply was cut off after {MAX_REPLY_CHARS:,} characters."
        if shown := reader.finish():
            yield Delta(shown)
        return ""

    def _tokens(self, variables: dict[str, str]) -> PythonGenerator[str, None, None]:
        """Stream the model's own words, without its thinking."""
        stream = cast("PythonGenerator[AIMessage, None, None]", self._chain.stream(variables))
        with provider_errors(self.name, self._model), closing(stream):
            yield from without_thinking(str(message.text) for message in stream)


def without_thinking(tokens: Iterable[str]) -> Iterator[str]:
    """Empty the tokens of a leading `<think>...</think>`, which some servers leave in the reply.

    Empty tokens are passed on, so that a person can stop a model that thinks for too long.
    """
    opening, closing_tag = "<think>", "</think>"
    held = ""
    answering = False
    for token in tokens:
        if answering:
            yield token
            continue
        held = (held + token).lstrip()
        if held.startswith(opening):
            _, ended, said = held.partition(closing_tag)
            answering = bool(ended)
        else:
            answering = not opening.startswith(held)
            said = held if answering else ""
        yield said
    if not answering and not held.startswith(opening):
        yield held


def confidence(drafts: Sequence[Draft]) -> float:
    """Return the share of sentences that have a quote which shares their words, in [0, 1].

    Provisional: a quote counts from three tenths of the sentence's content words on. It is no
    probability until sentences are checked against what they cite.
    """
    backed = [
        any(coverage(draft.text, quote.text) >= _SUPPORTED for quote in draft.quotes)
        for draft in drafts
    ]
    return sum(backed) / len(backed) if backed else 0.0
