"""What is kept, as records, and what a history can do; nothing here knows of SQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from rag.history.sign_ins import SignedIn

MAX_TITLE_CHARS = 120
FIRST_TITLE_CHARS = 80
MAX_LISTED = 200

AnswerJson = Mapping[str, Any]
"""An answer as `rag.answer_json.answer_to_dict` writes it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list; `turns` counts its questions. Times are in UTC."""

    conversation_id: str
    title: str
    created: datetime
    updated: datetime
    turns: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A stretch of a list, the latest first, and how many there are."""

    conversations: tuple[Listed, ...]
    total: int


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A question and its answer; `rating` is "up", "down" or "", the latest that was given.

    `answer` is None when it is withheld from the one who looks.
    """

    turn_id: str
    question: str
    answer: AnswerJson | None
    time: datetime
    rating: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with its turns, the first one first."""

    listed: Listed
    turns: tuple[KeptTurn, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said of an answer.

    `person` is "" where nobody is known, `turn_id` and `conversation_id` where nothing is kept.
    """

    time: datetime
    question: str
    history: tuple[tuple[str, str], ...]
    answer: AnswerJson | None
    rating: str
    comment: str = ""
    person: str = ""
    turn_id: str = ""
    conversation_id: str = ""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what, from where, and how it ended; `details` are what the handler adds."""

    time: datetime
    request: str
    who: str
    address: str
    what: str
    status: int
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of each kind there is, or was removed."""

    conversations: int = 0
    feedback: int = 0
    audit_lines: int = 0
    sign_ins: int = 0

    def __bool__(self) -> bool:
        return bool(self.conversations or self.feedback or self.audit_lines or self.sign_ins)


class History(Protocol):
    """Keeps and forgets, from any thread. Each person reaches their own conversations only.

    Every method raises StoreError when the database cannot be used.
    """

    def keep_turn(
        self, person: str, conversation_id: str, turn: KeptTurn, *, replaces: str = ""
    ) -> None:
        """Add a turn at the end, or in place of another; a new conversation begins with its first.

        Keeping the same turn again changes nothing.
        """

    def conversations(
        self, person: str, search: str = "", *, limit: int = MAX_LISTED, offset: int = 0
    ) -> Listing:
        """List those whose title, questions or answers hold every word, in any case."""

    def conversation(self, person: str, conversation_id: str) -> Conversation | None: ...

    def rename(self, person: str, conversation_id: str, title: str) -> bool:
        """Give another title; False when that person has no such conversation.

        Raises:
            InputError: the title is empty or exceeds MAX_TITLE_CHARS.
        """

    def delete(self, person: str, conversation_id: str) -> bool:
        """Delete a conversation and what was said of its answers; False as in `rename`."""

    def say(self, said: Said) -> None:
        """Keep feedback; a changed mind is one more record, and the last one counts."""

    def feedback(self, person: str | None = None) -> Sequence[Said]:
        """Return all feedback, or a person's, oldest first."""

    def note(self, line: AuditLine) -> None: ...

    def audit(self, person: str | None = None) -> Iterator[AuditLine]:
        """Return all audit lines, or a person's, oldest first."""

    def signed_in(self, person: str) -> Sequence[SignedIn]:
        """Return where a person is signed in, oldest first."""

    def people(self) -> Mapping[str, Counts]:
        """Return everybody of whom something is kept, by name."""

    def erase(self, person: str, *, with_audit: bool) -> Counts:
        """Delete a person's conversations and feedback; with the audit, nothing names them after.

        The lines of one person then carry one made-up name, and no address and details; and they
        are signed out everywhere.
        """

    def forget(self, *, before: datetime | None, audit_before: datetime | None) -> Counts:
        """Delete what is older: conversations by their last question; None deletes nothing.

        Sign-ins that are over go in any case.
        """

    def close(self) -> None: ...


def new_id() -> str:
    """Return 128 random bits that name a conversation or turn."""
    return secrets.token_urlsafe(16)


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def first_title(question: str) -> str:
    """Return what a conversation is called until somebody names it: its first question, cut."""
    line = " ".join(question.split())
    if len(line) <= FIRST_TITLE_CHARS:
        return line or "…"
    return line[: FIRST_TITLE_CHARS - 1].rstrip() + "…"


def folded(text: str) -> str:
    """Return the text as it is searched: in one case, blanks made one."""
    return " ".join(text.casefold().split())
