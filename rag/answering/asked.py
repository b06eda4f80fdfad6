"""A question, and what was said before it, as a program gives them."""

from __future__ import annotations

from typing import Any

from rag.errors import InputError
from rag.types import Question, Turn


def as_question(given: Any) -> Question:
    """Read a question: one as it is, a string, or `{"question": ..., "history": [...]}`.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(given, Question):
        return given
    if isinstance(given, str):
        return Question(given)
    if isinstance(given, dict) and isinstance(given.get("question"), str):
        return Question(given["question"], parse_history(given.get("history") or ()))
    raise InputError(
        f"Expected a question, found {type(given).__name__}.",
        'Give a string or {"question": "...", "history": [["question", "answer"], ...]}.',
    )


def parse_history(pairs: Any) -> tuple[Turn, ...]:
    """Read a history of `[question, answer]` pairs, oldest first.

    Raises:
        InputError: it is not a list of pairs of strings.
    """
    try:
        turns = tuple(Turn(question, answer) for question, answer in pairs)
    except (TypeError, ValueError):
        turns = (Turn(question=None, answer=None),)  # type: ignore[arg-type]
    if not all(isinstance(t.question, str) and isinstance(t.answer, str) for t in turns):
        raise InputError(
            "The history is not a list of pairs of strings.",
            'Write it as [["first question", "its answer"], ...], oldest first.',
        )
    return turns
