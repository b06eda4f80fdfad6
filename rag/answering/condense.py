"""Turn a follow-up ("and when did it begin?") into a query that can be searched for on its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from langchain_core.prompts import ChatPromptTemplate

from rag.answering.chat_models import provider_errors
from rag.answering.context import conversation
from rag.answering.prompts import load_prompt
from rag.answering.salience import left_out
from rag.errors import ModelError
from rag.types import Question

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

_MAX_QUERY_CHARS = 500
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
    """Adds what the question leaves out, by the rules of `rag.answering.salience`."""

    def query(self, question: Question) -> str:
        if not question.history:
            return question.text
        return " ".join([question.text.strip(), *left_out(question.text, question.history)])


class ModelCondenser:
    """Lets a chat model rewrite the question; `fallback` (the rules) does it when it cannot.

    Raises:
        ConfigurationError: the prompt cannot be used.
    """

    def __init__(self, model: BaseChatModel, *, fallback: Condenser | None = None) -> None:
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
            reply = str(self._chain.invoke(variables).text)
        lines = _THINKING.sub("", reply).strip().splitlines()
        line = _LABEL.sub("", lines[0]).strip().strip("\"“”'*`").strip() if lines else ""
        readable = any(character.isalnum() for character in line)
        return line if readable and len(line) <= _MAX_QUERY_CHARS else ""
