"""A server on a bare socket that sends recorded bytes, pauses, hangs, and sees who hangs up."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded"
HANG = object()
"""Send nothing more, and keep the connection until the other side closes it."""

CUT = object()
"""Close the connection in the middle of the reply."""


@dataclass(frozen=True)
class Reply:
    """What to send: with a status of 0 not even headers; `pieces` are bytes, HANG or CUT."""

    pieces: Sequence[bytes | object] = ()
    status: int = 200
    content_type: str = "text/event-stream"
    headers: Sequence[str] = ()


@dataclass
class Served:
    """Where the server listens, what it was asked, and how often somebody hung up on it."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    was_asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)


def recorded(name: str) -> Reply:
    """Replay a file, event by event; its kind tells the content type."""
    content = (RECORDED / name).read_bytes()
    if name.endswith(".ndjson"):
        return Reply(content.splitlines(keepends=True), content_type="application/x-ndjson")
    return Reply([event + b"\n\n" for event in content.split(b"\n\n") if event])


def failed(status: int, body: dict[str, Any], *headers: str) -> Reply:
    """Answer with an error, as providers write it."""
    return Reply([json.dumps(body).encode()], status, "application/json", headers)


@contextmanager
def replaying(*replies: Reply) -> Iterator[Served]:
    """Serve replies in turn, the last one again and again, each on a connection of its own."""
    served = Served()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended = threading.Event()
        arguments = (listener, list(replies), served, ended)
        thread = threading.Thread(target=_serve, args=arguments, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            ended.set()
            with socket.create_connection(listener.getsockname()):
                pass  # wakes the server up
            thread.join()


def _serve(
    listener: socket.socket, replies: list[Reply], served: Served, ended: threading.Event
) -> None:
    threads = []
    while True:
        connection, _ = listener.accept()
        if ended.is_set():
            connection.close()
            break
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        thread = threading.Thread(target=_answer, args=(connection, reply, served, ended))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def _answer(
    connection: socket.socket, reply: Reply, served: Served, ended: threading.Event
) -> None:
    with connection:
        try:
            _read_request(connection, served)
            if reply.status:
                connection.sendall(_head(reply))
            for piece in reply.pieces:
                if piece is HANG:
                    _hang(connection, served, ended)
                    return
                if piece is CUT:
                    return
                assert isinstance(piece, bytes)
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            if reply.status:
                connection.sendall(b"0\r\n\r\n")
        except OSError:
            served.hung_up.set()


def _read_request(connection: socket.socket, served: Served) -> None:
    with connection.makefile("rb") as lines:
        if not (line := lines.readline()):
            raise ConnectionAbortedError
        served.paths.append(line.split()[1].decode())
        headers = {}
        while (line := lines.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        served.headers.append(headers)
        served.asked.append(json.loads(lines.read(int(headers["content-length"]))))
    served.was_asked.set()


def _head(reply: Reply) -> bytes:
    lines = [
        f"HTTP/1.1 {reply.status} Recorded",
        f"content-type: {reply.content_type}",
        "transfer-encoding: chunked",
        "connection: close",
        *reply.headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _hang(connection: socket.socket, served: Served, ended: threading.Event) -> None:
    connection.settimeout(0.05)
    while not ended.is_set():
        try:
            if connection.recv(1) == b"":
                served.hung_up.set()
                return
        except TimeoutError:
            continue
