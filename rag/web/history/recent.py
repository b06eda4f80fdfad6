"""The answers just given, so that feedback can name one without repeating its words."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from rag.types import Answer

KEPT_ANSWERS = 500


class RecentAnswers:
    """Remembers the last answers by an id, each for the one who asked."""

    def __init__(self, capacity: int = KEPT_ANSWERS) -> None:
        self._capacity = capacity
        self._answers: OrderedDict[str, tuple[str, Answer]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, answer: Answer, asker: str) -> str:
        """Remember an answer; return its id, 128 random bits."""
        answer_id = secrets.token_urlsafe(16)
        with self._lock:
            self._answers[answer_id] = (asker, answer)
            if len(self._answers) > self._capacity:
                self._answers.popitem(last=False)
        return answer_id

    def get(self, answer_id: str, asker: str) -> Answer | None:
        """Return an answer to the one who asked; None to anybody else, and for one forgotten."""
        with self._lock:
            owner, answer = self._answers.get(answer_id, ("", None))
        return answer if owner == asker else None
