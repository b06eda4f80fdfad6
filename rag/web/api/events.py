"""Server-sent events: what is streamed, how it is written, and how a description says it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from starlette.types import Scope

from rag.answer_json import hit_to_dict
from rag.types import Delta, Event, Found
from rag.web.api.services import Services, remembered
from rag.web.problems import logged, problem_to_dict, request_id
from rag.web.workers import Walk

SSE_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
EVENT_STREAM = "text/event-stream"
EVENTS = {
    EVENT_STREAM: {
        "schema": {
            "type": "object",
            "description": "One event; `data` is JSON.",
            "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
            "required": ["data"],
        }
    }
}


def wants_json(request: Request) -> bool:
    """Tell whether JSON is asked for rather than a stream of events."""
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and EVENT_STREAM not in accepted


async def as_events(walk: Walk, services: Services, scope: Scope) -> AsyncIterator[str]:
    """Write a walk as server-sent events; a comment now and then tells proxies that it lives."""
    yield f": request {request_id(scope)}\n\n"
    try:
        async for event in walk.events():
            yield ": still here\n\n" if event is None else _event(event, services, scope)
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 - an edge: one chat turn, whose headers are sent
        yield _sse("error", problem_to_dict(logged(error, scope), scope))
    finally:
        walk.stop()


def _event(event: Event, services: Services, scope: Scope) -> str:
    if isinstance(event, Found):
        hits = [hit_to_dict(hit) for hit in event.hits]
        return _sse("found", {"query": event.query, "hits": hits})
    if isinstance(event, Delta):
        return _sse("delta", {"text": event.text})
    return _sse("answer", remembered(event, services, scope))


def _sse(name: str, data: dict[str, Any]) -> str:
    """Write one server-sent event; ASCII, so that no character can end a line or fail to send."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
