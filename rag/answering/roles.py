"""What the assistant needs of its parts, and what stands in for the optional ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from rag.types import Answer, Clarification, Delta, Hit, Question


class Reader(Protocol):
    """Answers from hits by quoting them, or abstains."""

    def read(self, question: Question, query: str, hits: Sequence[Hit]) -> Answer: ...


class Generator(Protocol):
    """Answers from hits in the words of a chat model; the last thing it yields is the Answer."""

    name: str

    def stream(
        self,
        question: Question,
        query: str,
        hits: Sequence[Hit],
        *,
        cancelled: Callable[[], bool],
    ) -> Iterator[Delta | Answer]: ...


class AskBack(Protocol):
    """Finds what to ask the person when the question is unclear; see `question.clarify`."""

    def __call__(
        self, question: str, hits: Sequence[Hit], *, followed_on: bool, weakly: bool
    ) -> Clarification | None: ...


def all_clear(
    question: str, hits: Sequence[Hit], *, followed_on: bool, weakly: bool
) -> Clarification | None:
    """Ask nothing back."""
    return None


def nothing_to_remark(query: str, passages: Sequence[str]) -> str:
    """Add no note to an answer."""
    return ""


def as_spelled(query: str, hits: Sequence[Hit]) -> str:
    """Leave a query as it is."""
    return query
