"""Who did what: one line for every question, every change of documents and every refusal."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope

from rag.history.records import AuditLine, History, now
from rag.history.writer import Writer
from rag.settings import Settings
from rag.web.people.access import principal_of
from rag.web.problems import request_id

MAX_WHAT_CHARS = 500
"""A path is as long as a client makes it, known or not."""

_DETAILS = "footnote.details"


class AuditLog:
    """Adds lines to the history, behind the requests' backs.

    A line that cannot be written is told in the server's log, and asking goes on.
    `with_questions` keeps the words of questions too.
    """

    def __init__(self, history: History, writer: Writer, *, with_questions: bool) -> None:
        self._history = history
        self._writer = writer
        self._with_questions = with_questions

    def append(self, scope: Scope, address: str, status: int) -> None:
        """Note how a request ended."""
        details: dict[str, Any] = dict(scope.get(_DETAILS, {}))
        if not self._with_questions:
            details.pop("question", None)
        line = AuditLine(
            now(),
            request_id(scope),
            principal_of(scope).name,
            address,
            f"{scope['method']} {scope['path']}"[:MAX_WHAT_CHARS],
            status,
            details,
        )
        what = f"the audit line of request {line.request}"
        self._writer.later(what, lambda: self._history.note(line))


def audit_log(settings: Settings, history: History, writer: Writer) -> AuditLog | None:
    """Return where lines go; None where they are off, or only one person can ask."""
    if settings.access == "local" or settings.audit == "off":
        return None
    return AuditLog(history, writer, with_questions=settings.audit == "questions")


def take_details(scope: Scope) -> None:
    """Give a request a place for what its handler knows of it."""
    scope[_DETAILS] = {}


def note(scope: Scope, **details: str) -> None:
    """Add to the audit line of a request."""
    scope.get(_DETAILS, {}).update(details)
