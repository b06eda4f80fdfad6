"""The history in a SQL database, SQLite or PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from rag.errors import InputError
from rag.history import rows
from rag.history.models import AuditRow, ConversationRow, FeedbackRow, SessionRow, TurnRow
from rag.history.records import (
    MAX_LISTED,
    MAX_TITLE_CHARS,
    AuditLine,
    Conversation,
    Counts,
    KeptTurn,
    Listing,
    Said,
    first_title,
    folded,
)
from rag.history.sign_ins import SignedIn
from rag.history.sql_sign_ins import SqlSignIns
from rag.history.transactions import Database, affected

BATCH = 500


class SqlHistory:
    """Implements `History`; `sign_ins` is asked for what is over when old things are forgotten."""

    def __init__(self, database: Database, sign_ins: SqlSignIns) -> None:
        self._database = database
        self._sign_ins = sign_ins

    def keep_turn(
        self, person: str, conversation_id: str, turn: KeptTurn, *, replaces: str = ""
    ) -> None:
        """Add a turn at the end, or in place of another; see `History`."""
        with self._database.transaction(writes=True) as session:
            if session.get(TurnRow, turn.turn_id) is not None:
                return
            held = _own(session, person, conversation_id, for_update=True)
            if held is None:
                title = first_title(turn.question)
                held = rows.conversation_row(person, conversation_id, title, turn.time)
                session.add(held)
                session.flush()
            number = _number_of(session, conversation_id, replaces)
            session.add(rows.turn_row(conversation_id, number, turn))
            held.updated = turn.time

    def conversations(
        self, person: str, search: str = "", *, limit: int = MAX_LISTED, offset: int = 0
    ) -> Listing:
        """List a person's conversations that hold every word; see `History`."""
        wanted = and_(ConversationRow.person == person, *map(_holds, folded(search).split()))
        count = (
            select(func.count())
            .where(TurnRow.conversation_id == ConversationRow.conversation_id)
            .scalar_subquery()
        )
        query = (
            select(ConversationRow, count)
            .where(wanted)
            .order_by(ConversationRow.updated.desc(), ConversationRow.conversation_id)
            .limit(limit)
            .offset(offset)
        )
        with self._database.transaction() as session:
            total = session.scalar(select(func.count()).select_from(ConversationRow).where(wanted))
            found = session.execute(query).all()
            return Listing(tuple(rows.listed(row, turns) for row, turns in found), total or 0)

    def conversation(self, person: str, conversation_id: str) -> Conversation | None:
        """Return a person's conversation; None when they have no such one."""
        with self._database.transaction() as session:
            held = _own(session, person, conversation_id)
            if held is None:
                return None
            said = session.scalars(
                select(FeedbackRow)
                .where(FeedbackRow.conversation_id == conversation_id)
                .order_by(FeedbackRow.feedback_id)
            )
            latest = {row.turn_id: row for row in said}
            turns = tuple(rows.kept_turn(row, latest.get(row.turn_id)) for row in held.turns)
            return Conversation(rows.listed(held, len(turns)), turns)

    def rename(self, person: str, conversation_id: str, title: str) -> bool:
        """Give a conversation another title; see `History`."""
        title = " ".join(title.split())
        if not 0 < len(title) <= MAX_TITLE_CHARS:
            raise InputError(
                f"The title has {len(title):,} characters.",
                f"Give one of 1 to {MAX_TITLE_CHARS} characters.",
            )
        with self._database.transaction(writes=True) as session:
            held = _own(session, person, conversation_id)
            if held is not None:
                held.title, held.words = title, folded(title)
            return held is not None

    def delete(self, person: str, conversation_id: str) -> bool:
        """Delete a person's conversation; see `History`."""
        chosen = delete(ConversationRow).where(
            ConversationRow.person == person, ConversationRow.conversation_id == conversation_id
        )
        with self._database.transaction(writes=True) as session:
            return affected(session, chosen) > 0

    def say(self, said: Said) -> None:
        """Keep feedback; it belongs to its conversation when that is kept, and is theirs."""
        with self._database.transaction(writes=True) as session:
            is_kept = said.conversation_id and _own(session, said.person, said.conversation_id)
            session.add(rows.feedback_row(said, said.conversation_id if is_kept else None))

    def feedback(self, person: str | None = None) -> Sequence[Said]:
        """Return all feedback, or a person's, oldest first."""
        query = select(FeedbackRow).order_by(FeedbackRow.time, FeedbackRow.feedback_id)
        if person is not None:
            query = query.where(FeedbackRow.person == person)
        with self._database.transaction() as session:
            return [rows.said(row) for row in session.scalars(query)]

    def note(self, line: AuditLine) -> None:
        """Keep an audit line."""
        with self._database.transaction(writes=True) as session:
            session.add(rows.audit_row(line))

    def audit(self, person: str | None = None) -> Iterator[AuditLine]:
        """Yield all audit lines, or a person's, oldest first; they are read in stretches."""
        query = select(AuditRow).order_by(AuditRow.audit_id).limit(BATCH)
        if person is not None:
            query = query.where(AuditRow.who == person)
        last = 0
        while found := self._stretch(query.where(AuditRow.audit_id > last)):
            last = found[-1][0]
            yield from (line for _, line in found)

    def signed_in(self, person: str) -> Sequence[SignedIn]:
        """Return where a person is signed in, oldest first."""
        return self._sign_ins.of_person(person)

    def people(self) -> Mapping[str, Counts]:
        """Return everybody of whom something is kept, by name."""
        with self._database.transaction() as session:
            columns = (ConversationRow.person, FeedbackRow.person, AuditRow.who, SessionRow.person)
            found = [_counted(session, column) for column in columns]
        names = sorted(set().union(*found) - {""})
        return {name: Counts(*(counted.get(name, 0) for counted in found)) for name in names}

    def erase(self, person: str, *, with_audit: bool) -> Counts:
        """Delete what is kept of a person; see `History`."""
        if not person:
            return Counts()
        pseudonym = f"erased {secrets.token_hex(4)}"
        unnamed = update(AuditRow).where(AuditRow.who == person)
        unnamed = unnamed.values(who=pseudonym, address="", details={})
        with self._database.transaction(writes=True) as session:
            said = affected(session, delete(FeedbackRow).where(FeedbackRow.person == person))
            theirs = delete(ConversationRow).where(ConversationRow.person == person)
            signed_in = delete(SessionRow).where(SessionRow.person == person)
            return Counts(
                affected(session, theirs),
                said,
                affected(session, unnamed) if with_audit else 0,
                affected(session, signed_in) if with_audit else 0,
            )

    def forget(self, *, before: datetime | None, audit_before: datetime | None) -> Counts:
        """Delete what is older; see `History`."""
        with self._database.transaction(writes=True) as session:

            def drop(table: Any, column: ColumnElement[datetime], limit: datetime | None) -> int:
                if limit is None:
                    return 0
                return affected(session, delete(table).where(column < limit))

            said = drop(FeedbackRow, FeedbackRow.time.expression, before)
            talks = drop(ConversationRow, ConversationRow.updated.expression, before)
            lines = drop(AuditRow, AuditRow.time.expression, audit_before)
        return Counts(talks, said, lines, self._sign_ins.sweep())

    def close(self) -> None:
        """Close what is open; the history can still be used, and opens again."""
        self._database.close()

    def _stretch(self, query: Select[AuditRow]) -> list[tuple[int, AuditLine]]:
        with self._database.transaction() as session:
            return [(row.audit_id, rows.audit_line(row)) for row in session.scalars(query)]


def _own(
    session: Session, person: str, conversation_id: str, *, for_update: bool = False
) -> ConversationRow | None:
    """Return a conversation if it is that person's; others who change it wait."""
    held = session.get(ConversationRow, conversation_id, with_for_update=for_update)
    return held if held is not None and held.person == person else None


def _number_of(session: Session, conversation_id: str, replaces: str) -> int:
    """Return the place of a new turn: that of the turn it replaces, which goes, or the end."""
    inside = TurnRow.conversation_id == conversation_id
    replaced = session.scalar(select(TurnRow).where(inside, TurnRow.turn_id == replaces))
    if replaced is not None:
        session.delete(replaced)
        session.flush()
        return replaced.number
    return (session.scalar(select(func.max(TurnRow.number)).where(inside)) or 0) + 1


def _holds(word: str) -> ColumnElement[bool]:
    """Tell whether a conversation's title, questions or answers hold a word."""
    in_turns = exists().where(
        TurnRow.conversation_id == ConversationRow.conversation_id,
        TurnRow.words.contains(word, autoescape=True),
    )
    return or_(ConversationRow.words.contains(word, autoescape=True), in_turns)


def _counted(session: Session, name: InstrumentedAttribute[str]) -> dict[str, int]:
    return dict(session.execute(select(name, func.count()).group_by(name)).all())
