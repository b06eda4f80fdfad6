"""The turns of a conversation: each question, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rag.types import Answer, Question, Turn
from rag.web.history.feedback import Feedback

ABSTAINED = "The documents do not say."


class Status(Enum):
    """How far a turn has come."""

    SEARCHING = "searching"
    READING = "reading"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person that is not part of any answer."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TurnView:
    """A question of the conversation and what has become of it.

    `partial` is what was written of an answer that is not finished, or was stopped.
    """

    question: str
    status: Status = Status.SEARCHING
    partial: str = ""
    found: int = 0
    answer: Answer | None = None
    problem: Notice | None = None
    feedback: Feedback | None = None
    turn_id: str = ""

    @property
    def is_running(self) -> bool:
        return self.status in {Status.SEARCHING, Status.READING}


Turns = tuple[TurnView, ...]


def question_after(turns: Turns, text: str, query: str = "") -> Question:
    """Return the question with the answered turns before it as its history."""
    answered = ((turn.question, turn.answer) for turn in turns)
    history = tuple(Turn(q, _said(a)) for q, a in answered if a is not None)
    return Question(text, history, query)


def _said(answer: Answer) -> str:
    return answer.clarification.question if answer.clarification is not None else answer.text
