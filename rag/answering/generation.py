"""Answers written by a chat model from numbered passages, streamed, with footnotes resolved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from langchain_core.prompts import ChatPromptTemplate

from rag.answering.chat.context import build_context, conversation
from rag.answering.chat.markers import NO_ANSWER, MarkerReader
from rag.answering.chat.models import load_chat_model, messages, provider_errors
from rag.answering.chat.prompts import load_prompt
from rag.answering.chat.waiting import Waits
from rag.answering.checking.support import Checked
from rag.answering.citations import Draft, number
from rag.answering.text.words import coverage
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


class Checker(Protocol):
    """Anything that checks sentences against what they cite; see `checking.support`."""

    def check(self, drafts: Sequence[Draft], hits: Sequence[Hit]) -> list[Checked]: ...


class Opinion(Protocol):
    """Anything that may doubt what was checked; see `rag.answering.chat.opinion`."""

    def on(self, checked: Sequence[Checked], *, cancelled: Callable[[], bool]) -> list[Checked]: ...


class Generator:
    """Answers with a chat model; `name` is what the person calls it ("ollama:qwen3").

    `checker` checks the sentences of an answer once it is written, and `opinion` may lower what it
    found; with `hide_unsupported` those
    that it finds unsupported are left out, and nothing is shown before they are known. The first
    word may take `seconds`, and so may each pause between words; after a follow-up was rewritten,
    the first has `condense_seconds` less.

    Raises:
        ConfigurationError: the prompt cannot be used.
    """

    def __init__(
        self,
        model: BaseChatModel,
        name: str,
        *,
        context_chars: int,
        checker: Checker | None = None,
        opinion: Opinion | None = None,
        hide_unsupported: bool = False,
        seconds: float = 60.0,
        condense_seconds: float = 0.0,
    ) -> None:
        prompt = load_prompt("answer")
        self.name = name
        self.prompt_version = prompt.version
        self._model = model
        self._context_chars = context_chars
        self._checker = checker
        self._opinion = opinion
        self._hide_unsupported = hide_unsupported
        self._seconds = seconds
        self._condense_seconds = condense_seconds
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
            condensed = question.history and not question.query
            first = self._seconds - (self._condense_seconds if condensed else 0.0)
            tokens = self._tokens(variables, Waits(first, self._seconds))
            note = yield from self._read(tokens, reader, cancelled)
        drafts = [] if reader.no_answer else reader.drafts()
        if context.hits and not (drafts or reader.no_answer or note == STOPPED):
            raise ModelError(
                f"The chat model {self.name} returned an empty reply.",
                "Try again, or choose another model with FOOTNOTE_MODEL.",
            )
        stopped = note == STOPPED
        drafts, trust, left_out = self._checked(drafts, context.hits, cancelled)
        sentences, citations = number(drafts)
        yield Answer(
            question=question,
            query=query,
            sentences=sentences,
            citations=citations,
            hits=tuple(hits),
            abstained=not sentences and not stopped,
            confidence=trust,
            mode=self.name,
            note=" ".join(part for part in (note, left_out) if part),
            unresolved=tuple(reader.unresolved),
            timings=Timings(generate=(time.perf_counter() - started) * 1000),
        )

    def _checked(
        self, drafts: list[Draft], hits: Sequence[Hit], cancelled: Callable[[], bool]
    ) -> tuple[list[Draft], float, str]:
        """Return the drafts as they were found to be, the confidence, and what to say of it."""
        if self._checker is None:
            return drafts, confidence(drafts), ""
        checked = self._checker.check(drafts, hits)
        if self._opinion is not None:
            checked = self._opinion.on(checked, cancelled=cancelled)
        kept, left_out = supported_ones(checked) if self._hide_unsupported else (checked, "")
        return [one.draft for one in kept], mean_support(checked), left_out

    def _read(
        self,
        stream: PythonGenerator[str | None, None, None],
        reader: MarkerReader,
        cancelled: Callable[[], bool],
    ) -> PythonGenerator[Delta, None, str]:
        """Yield what can be shown as it arrives; return the note that the answer needs."""
        if cancelled():
            return STOPPED
        length = 0
        with closing(stream) as tokens:
            for token in tokens:
                if token is not None:
                    if (shown := reader.feed(token)) and not self._holds_back:
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
        if (shown := reader.finish()) and not self._holds_back:
            yield Delta(shown)
        return ""

    @property
    def _holds_back(self) -> bool:
        """Whether nothing may be shown before it was checked."""
        return self._checker is not None and self._hide_unsupported

    def _tokens(
        self, variables: dict[str, str], waits: Waits
    ) -> PythonGenerator[str | None, None, None]:
        """Stream the model's own words, without its thinking; None while there are none."""
        stream = messages(self._chain, variables, waits, self._model)
        with provider_errors(self.name, self._model), closing(stream):
            yield from without_thinking(
                None if message is None else str(message.text) for message in stream
            )


def without_thinking(tokens: Iterable[str | None]) -> Iterator[str | None]:
    """Empty the tokens of a leading `<think>...</think>`, which some servers leave in the reply.

    Empty tokens are passed on, so that a person can stop a model that thinks for too long.
    """
    opening, closing_tag = "<think>", "</think>"
    held = ""
    answering = False
    for token in tokens:
        if answering or token is None:
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

    Provisional, for sentences that nobody checks: a quote counts from three tenths of the
    sentence's content words on.
    """
    backed = [
        any(coverage(draft.text, quote.text) >= _SUPPORTED for quote in draft.quotes)
        for draft in drafts
    ]
    return sum(backed) / len(backed) if backed else 0.0


def mean_support(checked: Sequence[Checked]) -> float:
    """Return the mean probability that what the sentences claim is supported, in [0, 1]."""
    claims = [one.probability for one in checked if one.support != "no_claim"]
    return sum(claims) / len(claims) if claims else 0.0


def supported_ones(checked: Sequence[Checked]) -> tuple[list[Checked], str]:
    """Leave out what is unsupported; return the rest and a note that says how many there were.

    What claims nothing goes too when no claim is left: it would introduce nothing.
    """
    kept = [one for one in checked if one.support != "unsupported"]
    count = len(checked) - len(kept)
    if all(one.support == "no_claim" for one in kept):
        kept = []
    if not count:
        return kept, ""
    what = "One sentence was" if count == 1 else f"{count} sentences were"
    return kept, f"{what} left out: the documents do not support what the model wrote."
