"""A server of OpenAI's and Ollama's protocols on loopback that says what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse


@dataclass
class Script:
    """What the server does; `asked` holds the requests, `sent` counts the tokens that went out."""

    tokens: list[str] = field(default_factory=list)
    status: int = 200
    pause_seconds: float = 0.0
    break_off: bool = False
    base_url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    sent: int = 0
    closed: threading.Event = field(default_factory=threading.Event)


def _app(script: Script) -> FastAPI:
    app = FastAPI()

    async def events() -> AsyncIterator[str]:
        try:
            for token in script.tokens:
                await asyncio.sleep(script.pause_seconds)
                script.sent += 1
                yield _event({"content": token}, None)
            if script.break_off:
                raise ConnectionAbortedError
            yield _event({}, "stop")
            yield "data: [DONE]\n\n"
        finally:
            script.closed.set()

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        script.asked.append(await request.json())
        script.keys.append(request.headers.get("authorization", ""))
        if script.status != 200:
            content = json.dumps({"error": {"message": "no, sk-secret", "type": "x"}})
            headers = {"retry-after-ms": "1"}
            return Response(content, script.status, headers, media_type="application/json")
        return StreamingResponse(events(), media_type="text/event-stream")

    @app.post("/api/chat")
    async def chat(request: Request) -> Response:
        script.asked.append(await request.json())
        if script.status != 200:
            return Response('{"error": "no, sk-secret"}', script.status)
        lines = [_line(token) for token in script.tokens] + [_line("", done=True)]
        return StreamingResponse(iter(lines), media_type="application/x-ndjson")

    return app


def _line(content: str, *, done: bool = False) -> str:
    message = {"role": "assistant", "content": content}
    end = {"done_reason": "stop"} if done else {}
    time = "2026-01-01T00:00:00Z"
    return (
        json.dumps({"model": "m", "created_at": time, "message": message, "done": done} | end)
        + "\n"
    )


def _event(delta: dict[str, str], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n"


@contextmanager
def openai_server(script: Script) -> Iterator[Script]:
    """Serve a script on a free port; `script.base_url` says where."""
    config = uvicorn.Config(_app(script), port=0, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    script.base_url = f"http://127.0.0.1:{port}/v1"
    try:
        yield script
    finally:
        server.should_exit = True
        thread.join()
