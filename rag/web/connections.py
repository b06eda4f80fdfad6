"""Connections: how slow, how large and how many they may be.

uvicorn waits for ever for the rest of a request, and for a client that does not read; it takes
headers without end. Each such connection costs a file descriptor, of which a process has few: a
program that opens a thousand and sends a byte now and then would shut everybody out. So every
second all connections are looked at, and those that are slower than a bad line are let go. When
there are too many, those go first that have not asked for anything yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS = 20.0
"""From connecting, or from the last answer, to the end of a request's headers."""

MAX_HEAD_BYTES = 32 * 1024
SLOW_SECONDS = 20.0
BYTES_PER_SECOND = 500
"""A body may take this long, and more only when it comes at this speed."""

UNREAD_SECONDS = 60.0
"""In so long a client has to read what comes at that speed, or all there is."""

MAX_PIPELINED = 16
MOST_CONNECTIONS = 4000
FILES_ASIDE = 256
"""What the store, the models and the database may have open beside connections."""

LONGEST_LOOK_SECONDS = 2.0
"""A machine that stood still counts for so long: it was not the clients who were slow."""


class Connection(HttpToolsProtocol):
    """A connection that ends when it is too slow or asks too much."""

    most = MOST_CONNECTIONS

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._answering: RequestResponseCycle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._parsed_bytes = 0
        self._waited = 0.0
        self._body_bytes = 0
        self._body_seconds = 0.0
        self._unread = 0
        self._unread_seconds = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is being asked: a request has not come yet, or not wholly."""
        return self.cycle is None or (self.cycle.response_complete and not self.pipeline)

    def look(self, seconds: float) -> None:
        """Take account of so much more time; end when it is too much."""
        if self.is_waiting:
            self._waited += seconds
            is_slow = self._waited > HEAD_SECONDS
        else:
            self._waited = 0.0
            is_slow = self._is_slow_to_send(seconds)
        if is_slow or self._is_slow_to_read(seconds):
            self.end()

    def end(self) -> None:
        """Close at once; what is being answered is told that the client has left."""
        self._leave()
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._one_that_may_go().end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.parser is None or self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The headers are too large.")

    def send_400_response(self, msg: str) -> None:
        # Garbage after a request that is being answered: that answer has nowhere to go any more,
        # and writing it to what is closed would be an error in the log for whoever wants one.
        self._leave()
        super().send_400_response(msg)

    # What the parser calls; what is raised here is answered with 400.
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes, self._parsed_bytes = True, 0, 0

    def on_url(self, url: bytes) -> None:
        self._take(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._take(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("too many requests at once")
        self._in_head = False
        self._waited = self._body_seconds = 0.0
        self._body_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def _one_that_may_go(self) -> Connection:
        """Return one that has not asked for anything; this one when all others have."""
        for each in self.connections:
            if isinstance(each, Connection) and each is not self and each.is_waiting:
                return each
        return self

    def _leave(self) -> None:
        """Let what is being answered, and what waits for its turn, know that nobody listens."""
        self.pipeline.clear()
        for cycle in (self.cycle, self._answering):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Of requests in a row, `cycle` is the last; the one that is answered is kept nowhere else.
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _take(self, count: int) -> None:
        """Count what a head is made of; much of it may come at once."""
        self._parsed_bytes += count
        if self._parsed_bytes > MAX_HEAD_BYTES:
            raise ValueError("the headers are too large")

    def _is_slow_to_send(self, seconds: float) -> bool:
        if not self.cycle.more_body or self.flow.read_paused:  # or we are who is not ready
            return False
        self._body_seconds += seconds
        return self._body_seconds > SLOW_SECONDS + self._body_bytes / BYTES_PER_SECOND

    def _is_slow_to_read(self, seconds: float) -> bool:
        unread = self.transport.get_write_buffer_size()
        if not unread or not self._unread:
            self._unread, self._unread_seconds = unread, 0.0
            return False
        self._unread_seconds += seconds
        if self._unread_seconds < UNREAD_SECONDS:
            return False
        is_slow = unread > self._unread - BYTES_PER_SECOND * UNREAD_SECONDS
        self._unread, self._unread_seconds = unread, 0.0
        return is_slow


def connections_of_a_server(most: int) -> type[Connection]:
    """Return the class of a server's connections, of which it takes so many."""
    return type("ServersConnection", (Connection,), {"most": most})


def look_at(connections: Collection[object], seconds: float) -> None:
    """Look at all connections after so much time."""
    for each in list(connections):
        if isinstance(each, Connection) and not each.transport.is_closing():
            each.look(min(seconds, LONGEST_LOOK_SECONDS))


def make_room_for_connections() -> int:
    """Allow this process as many open files as it may have; return how many connections it takes.

    Many systems allow 1,024 at first and far more when asked.
    """
    try:
        import resource
    except ImportError:  # Windows: no such limit
        return MOST_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + FILES_ASIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(64, min(MOST_CONNECTIONS, soft - FILES_ASIDE))
