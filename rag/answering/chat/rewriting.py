"""A chat model makes a query of a follow-up; the rules do when it does not in time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_core.prompts import ChatPromptTemplate

from rag.answering.chat.context import conversation
from rag.answering.chat.models import CONDENSE_SECONDS, messages, provider_errors
from rag.answering.chat.prompts import load_prompt
from rag.answering.chat.waiting import Waits
from rag.answering.question.condense import Condenser, RuleCondenser
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
