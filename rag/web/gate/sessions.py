"""Gradio's sessions, each kept to the person who used it first: their numbers are the browser's."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from urllib.parse import parse_qs

from starlette.types import Message, Receive, Scope

from rag.web.problems import Problem

KEPT_SESSIONS = 10_000
_IN_BODY = frozenset({"/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/run/predict"})
_IN_PATH = "/gradio_api/heartbeat/"


class Sessions:
    """Remembers whose a session is."""

    def __init__(self, capacity: int = KEPT_SESSIONS) -> None:
        self._capacity = capacity
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def belongs_to(self, session: str, person: str) -> bool:
        """Tell whether a session is a person's; one that nobody has used becomes theirs."""
        with self._lock:
            owner = self._owners.setdefault(session, person)
            self._owners.move_to_end(session)
            if len(self._owners) > self._capacity:
                self._owners.popitem(last=False)
        return owner == person


async def session_of(scope: Scope, receive: Receive) -> tuple[str, Receive]:
    """Return the session that a request names ("" for none), and its body to be read again.

    Raises:
        Problem: the body is not JSON (422).
    """
    path: str = scope["path"]
    if path.startswith(_IN_PATH):
        return path.removeprefix(_IN_PATH), receive
    named = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[-1]
    if path not in _IN_BODY:
        return named, receive
    body = await _read(receive)
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        # Nobody after the gate may read in it what the gate could not.
        raise Problem(422, "invalid_request", "The body is not JSON.") from error
    session = given.get("session_hash") if isinstance(given, dict) else None
    return session if isinstance(session, str) else named, _again(body, receive)


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand a body out once more, then whatever comes after it (that the client has left)."""
    is_read = False

    async def again() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
