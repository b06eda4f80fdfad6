"""Turn a follow-up ("and when did it begin?") into a query that can be searched for on its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from rag.answering.question.salience import left_out
from rag.answering.question.unclear import unclear
from rag.types import Question, Turn

_ASKS = re.compile(
    r"\?\s*$|^\W*(?:who|what|which|when|where|why|how|is|are|was|were|do|does|did|can|could|has|have"
    r"|will|tell|show|list|compare|describe|explain)\b|^(?:\S+\s+){8}",
    re.IGNORECASE,
)
"""A reply that is a question of its own, or long, rather than a word or two of explanation."""


class Condenser(Protocol):
    """Anything that makes a standalone query of a question and its history."""

    def query(self, question: Question) -> str:
        """Return what to search for; the question's own text when it has no history."""
        ...


class RuleCondenser:
    """Adds what the question leaves out, by the rules of `rag.answering.question.salience`.

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
