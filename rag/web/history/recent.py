"""The answers just given, so that feedback can name one without repeating its words."""

from __future__ import annotations

import json
import secrets
import threading
import zlib
from collections import OrderedDict

from rag.answer_json import answer_from_dict, answer_to_dict
from rag.types import Answer, Turn

KEPT_ANSWERS = 500


class RecentAnswers:
    """Remembers the last answers by an id, each for the one who asked.

    What is kept of one is what feedback is stored with, compressed: a third of the room that the
    answer takes with its passages.
    """

    def __init__(self, capacity: int = KEPT_ANSWERS) -> None:
        self._capacity = capacity
        self._answers: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, answer: Answer, asker: str) -> str:
        """Remember an answer; return its id, 128 random bits."""
        answer_id, packed = secrets.token_urlsafe(16), _packed(answer)
        with self._lock:
            self._answers[answer_id] = (asker, packed)
            if len(self._answers) > self._capacity:
                self._answers.popitem(last=False)
        return answer_id

    def get(self, answer_id: str, asker: str) -> Answer | None:
        """Return an answer to the one who asked; None to anybody else, and for one forgotten.

        It is the same as JSON; its passages lack their date.
        """
        with self._lock:
            owner, packed = self._answers.get(answer_id, ("", b""))
        return _unpacked(packed) if packed and owner == asker else None


def _packed(answer: Answer) -> bytes:
    history = [[turn.question, turn.answer] for turn in answer.question.history]
    return zlib.compress(json.dumps([answer_to_dict(answer), history]).encode(), level=1)


def _unpacked(packed: bytes) -> Answer:
    found, history = json.loads(zlib.decompress(packed))
    return answer_from_dict(found, tuple(Turn(question, answer) for question, answer in history))
