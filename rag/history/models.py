"""The tables. `migrations/` brings a database to them; a test sees that both say the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

ID_CHARS = 32
HASH_CHARS = 64


def storable(text: str) -> str:
    """Return the text without what PostgreSQL cannot hold: NUL and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


class Words(TypeDecorator[str]):
    """Text that people or documents wrote."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Time(TypeDecorator[datetime]):
    """A time in UTC, also where the database knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """JSON in ASCII: no database's own JSON takes every character that documents hold."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Base(DeclarativeBase):
    """What all tables share."""


class ConversationRow(Base):
    """A person's conversation; `words` is its title as it is searched."""

    __tablename__ = "conversations"
    __table_args__ = (Index("conversations_by_person", "person", "updated"),)

    conversation_id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    person: Mapped[str] = mapped_column(Words)
    title: Mapped[str] = mapped_column(Words)
    words: Mapped[str] = mapped_column(Words)
    created: Mapped[datetime] = mapped_column(Time)
    updated: Mapped[datetime] = mapped_column(Time, index=True)
    turns: Mapped[list[TurnRow]] = relationship(
        order_by="TurnRow.number", passive_deletes=True, cascade="all, delete-orphan"
    )


class TurnRow(Base):
    """A question and its answer; `words` is both as they are searched."""

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("conversation_id", "number", name="turns_in_order"),)

    turn_id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        String(ID_CHARS), ForeignKey("conversations.conversation_id", ondelete="CASCADE")
    )
    number: Mapped[int]
    question: Mapped[str] = mapped_column(Words)
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    words: Mapped[str] = mapped_column(Words)
    time: Mapped[datetime] = mapped_column(Time)


class FeedbackRow(Base):
    """What somebody said of an answer. It goes with its conversation, when it has one."""

    __tablename__ = "feedback"

    feedback_id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str | None] = mapped_column(
        String(ID_CHARS),
        ForeignKey("conversations.conversation_id", ondelete="CASCADE"),
        index=True,
    )
    turn_id: Mapped[str] = mapped_column(String(ID_CHARS))
    person: Mapped[str] = mapped_column(Words, index=True)
    time: Mapped[datetime] = mapped_column(Time, index=True)
    question: Mapped[str] = mapped_column(Words)
    history: Mapped[list[list[str]]] = mapped_column(Json)
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    rating: Mapped[str] = mapped_column(String(8))
    comment: Mapped[str] = mapped_column(Words)


class AuditRow(Base):
    """Who did what."""

    __tablename__ = "audit"

    audit_id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(Time, index=True)
    request: Mapped[str] = mapped_column(String(ID_CHARS))
    who: Mapped[str] = mapped_column(Words, index=True)
    address: Mapped[str] = mapped_column(Words)
    what: Mapped[str] = mapped_column(Words)
    status: Mapped[int]
    details: Mapped[dict[str, str]] = mapped_column(Json)


class ImportRow(Base):
    """How many lines of a file of before were taken over."""

    __tablename__ = "imports"

    source: Mapped[str] = mapped_column(String(120), primary_key=True)
    lines: Mapped[int]


class SessionRow(Base):
    """Somebody who is signed in, under the hash of what their browser holds."""

    __tablename__ = "sessions"

    session_id: Mapped[str] = mapped_column(String(HASH_CHARS), primary_key=True)
    person: Mapped[str] = mapped_column(Words, index=True)
    groups: Mapped[list[str]] = mapped_column(Json)
    known_as: Mapped[list[str]] = mapped_column(Json)
    began: Mapped[datetime] = mapped_column(Time, index=True)
    used: Mapped[datetime] = mapped_column(Time, index=True)


class AttemptRow(Base):
    """A sign-in that has begun, under the hash of its state."""

    __tablename__ = "attempts"

    attempt_id: Mapped[str] = mapped_column(String(HASH_CHARS), primary_key=True)
    browser: Mapped[str] = mapped_column(String(HASH_CHARS))
    goes_to: Mapped[str] = mapped_column(Words)
    nonce: Mapped[str] = mapped_column(String(HASH_CHARS))
    verifier: Mapped[str] = mapped_column(String(HASH_CHARS))
    began: Mapped[datetime] = mapped_column(Time, index=True)
