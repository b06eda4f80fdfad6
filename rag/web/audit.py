"""Who did what: one line for every question, every change of documents and every refusal."""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.types import Scope

from rag.web.access import principal_of
from rag.web.problems import request_id

logger = logging.getLogger(__name__)

_DETAILS = "footnote.details"


class AuditFile:
    """Appends to a file that only its owner may read; it is opened anew for every line.

    So it can be moved away at any time. `with_questions` keeps the words of questions too.
    """

    def __init__(self, path: Path, *, with_questions: bool) -> None:
        self._path = path
        self._with_questions = with_questions
        self._lock = threading.Lock()

    def append(self, scope: Scope, address: str, status: int) -> None:
        """Note how a request ended. A line that cannot be written is logged, and asking goes on."""
        details: dict[str, Any] = dict(scope.get(_DETAILS, {}))
        if not self._with_questions:
            details.pop("question", None)
        row = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": request_id(scope),
            "who": principal_of(scope).name,
            "from": address,
            "what": f"{scope['method']} {scope['path']}",
            "status": status,
            **details,
        }
        # Only ASCII: no text of a request can end a line or begin one.
        line = json.dumps(row).encode("ascii") + b"\n"
        try:
            with self._lock:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(file, line)
                finally:
                    os.close(file)
        except OSError:
            logger.exception("the audit line of request %s was not written", request_id(scope))


def take_details(scope: Scope) -> None:
    """Give a request a place for what its handler knows of it."""
    scope[_DETAILS] = {}


def note(scope: Scope, **details: str) -> None:
    """Add to the audit line of a request."""
    scope.get(_DETAILS, {}).update(details)
