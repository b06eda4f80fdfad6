"""Turn a follow-up ("and when did it begin?") into a query that can be searched for on its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from langchain_core.prompts import ChatPromptTemplate

from rag.answering.chat_models import CONDENSE_SECONDS, messages, provider_errors
from rag.answering.context import conversation
from rag.answering.prompts import load_prompt
from rag.answering.salience import left_out
from rag.answering.unclear import unclear
from rag.answering.waiting import Waits
from rag.errors import ModelError
from rag.types import Question, Turn

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

_MAX_QUERY_CHARS = 500
_ASKS = re.compile(
    r"\?\s*$|^\W*(?:who|what|which|when|where|why|how|is|are|was|were|do|does|did|can|could|has|have"
    r"|will|tell|show|list|compare|describe|explain)\b|^(?:\S+\s+){8}",
    re.IGNORECASE,
)
"""A reply that is a question of its own, or long, rather than a word or two of explanation."""
_THINKING = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_LABEL = re.compile(
    r"\A\W*(?:standalone|rewritten|last|search)?\s*(?:question|query)\W*:\s*", re.IGNORECASE
)


class Condenser(Protocol):
    """Anything that makes a standalone query of a question and its history."""

    def query(self, question: Question) -> str:
        """Return what to search for; the question's own text when it has no history."""
        ...


class RuleCondenser:
    """Adds what the question leaves out, by the rules of `rag.answering.salience`.

    A few words in reply to a question back are added to the question that was open.
    """

    def query(self, question: Question) -> str:
        text = question.text.strip()
        if not question.history:
            return question.text
        if (asked := self._asked_back_about(question.history)) and not _ASKS.search(text):
            return f"{asked} {text}"
        return " ".join([text, *left_out(question.text, question.history)])

    def _asked_back_about(self, history: Sequence[Turn]) -> str:
        """Return the last question when it was open and Footnote asked back, "" otherwise."""
        *before, last = history
        asked = last.question.strip()
        replied = last.answer.strip()
        if (replied and not replied.endswith("?")) or unclear(asked) is None:
            return ""
        return asked if self.query(Question(asked, tuple(before))) == asked else ""


class ModelCondenser:
    """Lets a chat model rewrite the question; `fallback` (the rules) does it when it cannot.

    It has `seconds` for that, and no more: the person waits for the answer that comes after.

    Raises:
        ConfigurationError: the prompt cannot be used.
    """

    def __init__(
        self,
        model: BaseChatModel,
        *,
        fallback: Condenser | None = None,
        seconds: float = CONDENSE_SECONDS,
    ) -> None:
        self._model = model
        self._waits = Waits(seconds, seconds, whole=True)
        self._fallback = fallback or RuleCondenser()
        self._chain: Runnable[dict[str, str], AIMessage] = (
            ChatPromptTemplate.from_messages(load_prompt("condense").messages) | model
        )

    def query(self, question: Question) -> str:
        if not question.history:
            return question.text
        try:
            rewritten = self._rewrite(question)
        except ModelError:
            rewritten = ""
        return rewritten or self._fallback.query(question)

    def _rewrite(self, question: Question) -> str:
        """Return the first line of the reply, "" when it cannot be a question."""
        variables = {"history": conversation(question.history), "question": question.text}
        with provider_errors("condenser"):
            parts = messages(self._chain, variables, self._waits, self._model)
            reply = "".join(str(part.text) for part in parts if part is not None)
        lines = _THINKING.sub("", reply).strip().splitlines()
        line = _LABEL.sub("", lines[0]).strip().strip("\"“”'*`").strip() if lines else ""
        readable = any(character.isalnum() for character in line)
        return line if readable and len(line) <= _MAX_QUERY_CHARS else ""
