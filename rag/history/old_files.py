"""What earlier versions kept in files, taken over once; the files stay as they are."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from rag.history import rows
from rag.history.models import ImportRow
from rag.history.records import AuditLine, Said, now

logger = logging.getLogger(__name__)

FEEDBACK = "feedback.jsonl"
AUDIT = "audit.jsonl"

_KNOWN = ("time", "request", "who", "from", "what", "status")


def take_over(session: Session, data_dir: Path) -> None:
    """Add the lines of both files that were not taken over yet; spoilt ones are left out."""
    _take(session, data_dir / FEEDBACK, lambda row: rows.feedback_row(_said(row), None))
    _take(session, data_dir / AUDIT, lambda row: rows.audit_row(_audit_line(row)))


def _take(session: Session, path: Path, as_row: Callable[[Mapping[str, Any]], Any]) -> None:
    """A file is known by its first line, so it may be moved, and lines may be added to it."""
    if not path.is_file():
        return
    lines = path.read_bytes().splitlines()
    if not lines:
        return
    source = f"{path.name} {hashlib.sha256(lines[0]).hexdigest()}"
    known = session.get(ImportRow, source)
    done = known.lines if known is not None else 0
    if known is None:
        known = ImportRow(source=source, lines=0)
        session.add(known)
    spoilt = 0
    for line in lines[done:]:
        try:
            session.add(as_row(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError):
            spoilt += 1
    known.lines = len(lines)
    if len(lines) > done:
        taken = len(lines) - done - spoilt
        logger.info("%s: %d lines taken over, %d left out", path.name, taken, spoilt)


def _said(row: Mapping[str, Any]) -> Said:
    if row["rating"] not in ("up", "down"):
        raise ValueError("a rating is up or down")
    history = tuple((str(q), str(a)) for q, a in row.get("history") or ())
    comment = str(row.get("comment") or "")
    return Said(
        _time(row), str(row["question"]), history, dict(row["answer"]), row["rating"], comment
    )


def _audit_line(row: Mapping[str, Any]) -> AuditLine:
    details = {name: str(value) for name, value in row.items() if name not in _KNOWN}
    return AuditLine(
        _time(row),
        str(row["request"])[:32],
        str(row["who"]),
        str(row["from"]),
        str(row["what"]),
        int(row["status"]),
        details,
    )


def _time(row: Mapping[str, Any]) -> datetime:
    """Return when it was; a date of before is one of today when it says none."""
    found = datetime.fromisoformat(row["time"]) if row.get("time") else now()
    return found if found.tzinfo is not None else found.astimezone()
