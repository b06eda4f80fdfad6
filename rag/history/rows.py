"""Rows into records, and records into rows."""

from __future__ import annotations

from datetime import datetime

from rag.history.models import AuditRow, ConversationRow, FeedbackRow, TurnRow
from rag.history.records import AuditLine, KeptTurn, Listed, Said, folded


def conversation_row(
    person: str, conversation_id: str, title: str, time: datetime
) -> ConversationRow:
    """Return the row of a conversation that begins."""
    return ConversationRow(
        conversation_id=conversation_id,
        person=person,
        title=title,
        words=folded(title),
        created=time,
        updated=time,
    )


def turn_row(conversation_id: str, number: int, turn: KeptTurn) -> TurnRow:
    """Return the row of a turn."""
    return TurnRow(
        turn_id=turn.turn_id,
        conversation_id=conversation_id,
        number=number,
        question=turn.question,
        answer=dict(turn.answer or {}),
        words=folded(f"{turn.question} {(turn.answer or {}).get('text', '')}"),
        time=turn.time,
    )


def listed(row: ConversationRow, turns: int) -> Listed:
    """Return what a list shows of a conversation."""
    return Listed(row.conversation_id, row.title, row.created, row.updated, turns)


def kept_turn(row: TurnRow, said: FeedbackRow | None) -> KeptTurn:
    """Return a turn with what was said of it last."""
    rating, comment = (said.rating, said.comment) if said is not None else ("", "")
    return KeptTurn(row.turn_id, row.question, row.answer, row.time, rating, comment)


def feedback_row(said: Said, conversation_id: str | None) -> FeedbackRow:
    """Return the row of feedback."""
    return FeedbackRow(
        conversation_id=conversation_id,
        turn_id=said.turn_id,
        person=said.person,
        time=said.time,
        question=said.question,
        history=[list(pair) for pair in said.history],
        answer=dict(said.answer or {}),
        rating=said.rating,
        comment=said.comment,
    )


def said(row: FeedbackRow) -> Said:
    """Return feedback."""
    return Said(
        row.time,
        row.question,
        tuple((question, answer) for question, answer in row.history),
        row.answer,
        row.rating,
        row.comment,
        row.person,
        row.turn_id,
        row.conversation_id or "",
    )


def audit_row(line: AuditLine) -> AuditRow:
    """Return the row of an audit line."""
    return AuditRow(
        time=line.time,
        request=line.request,
        who=line.who,
        address=line.address,
        what=line.what,
        status=line.status,
        details=dict(line.details),
    )


def audit_line(row: AuditRow) -> AuditLine:
    """Return an audit line."""
    return AuditLine(row.time, row.request, row.who, row.address, row.what, row.status, row.details)
