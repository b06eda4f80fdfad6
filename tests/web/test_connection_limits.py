"""When a connection is let go, second by second; tests/web/test_attacks.py has real ones."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from rag.web.connections import (
    BYTES_PER_SECOND,
    HEAD_SECONDS,
    LONGEST_LOOK_SECONDS,
    MOST_CONNECTIONS,
    SLOW_SECONDS,
    UNREAD_SECONDS,
    Connection,
    connections_of_a_server,
    look_at,
    make_room_for_connections,
)

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"


class Line(asyncio.Transport):
    """A client's line: what was written and is not read yet stays in it."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = 0
        self.is_open = True
        self.late = 0

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.late += not self.is_open

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return not self.is_open

    def close(self) -> None:
        self.is_open = False

    abort = close

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Server:
    """Connections of one server, whose application answers when it is let."""

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self.may_answer = asyncio.Event()
        self.kind = connections_of_a_server(most)
        self.config = uvicorn.Config(self.app, interface="asgi3", http=self.kind)
        self.state = ServerState()
        self.left: list[str] = []

    async def app(self, scope, receive, send) -> None:
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            self.left.append(scope["path"])
            return
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"."})

    def connect(self) -> tuple[Connection, Line]:
        made = self.kind(self.config, self.state, {})
        line = Line()
        made.connection_made(line)
        return made, line


def look(connection: Connection, seconds: float) -> None:
    """Let time pass, a second at a time."""
    for _ in range(int(seconds)):
        if not connection.transport.is_closing():
            connection.look(1.0)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", GET[:-2]])
def test_who_does_not_come_to_a_request_is_let_go(begun):
    async def walk() -> None:
        connection, line = Server().connect()
        if begun:
            connection.data_received(begun)
        look(connection, HEAD_SECONDS)
        assert line.is_open
        look(connection, 1)
        assert not line.is_open

    asyncio.run(walk())


def test_a_request_that_is_being_answered_may_take_long_and_the_next_has_its_time():
    async def walk() -> None:
        server = Server()
        connection, line = server.connect()
        look(connection, HEAD_SECONDS - 1)
        connection.data_received(GET)
        look(connection, 3600)
        server.may_answer.set()
        while not connection.is_waiting:
            await asyncio.sleep(0)
        connection.data_received(b"G")
        look(connection, HEAD_SECONDS)
        assert line.is_open
        look(connection, 1)
        assert not line.is_open

    asyncio.run(walk())


def test_a_body_has_to_come_at_some_speed():
    async def walk() -> None:
        connection, line = Server().connect()
        connection.data_received(POST)
        await asyncio.sleep(0)
        for _ in range(100):  # as fast as asked: as long as it takes
            connection.data_received(b"a" * BYTES_PER_SECOND)
            await asyncio.sleep(0)
            look(connection, 1)
        assert line.is_open
        look(connection, SLOW_SECONDS - 1)
        assert line.is_open
        look(connection, 2)
        assert not line.is_open

    asyncio.run(walk())


def test_who_does_not_read_is_let_go():
    async def walk() -> None:
        server = Server()
        connection, line = server.connect()
        connection.data_received(GET)
        await asyncio.sleep(0)
        line.unread = 100_000
        for _ in range(3):
            look(connection, UNREAD_SECONDS)
            line.unread -= int(BYTES_PER_SECOND * UNREAD_SECONDS)  # slowly, but they read
        assert line.is_open
        look(connection, UNREAD_SECONDS)
        look(connection, UNREAD_SECONDS)
        assert not line.is_open
        await asyncio.sleep(0)

    asyncio.run(walk())


def test_of_too_many_one_that_asks_for_nothing_goes():
    async def walk() -> None:
        server = Server(most=3)
        connected = [server.connect() for _ in range(3)]
        for connection, _ in connected[:2]:
            connection.data_received(GET)
        _, newest = server.connect()
        assert [line.is_open for _, line in connected] == [True, True, False]
        assert newest.is_open
        connected[2][0].connection_lost(None)
        _, fourth = server.connect()
        assert (newest.is_open, fourth.is_open) == (False, True)
        for connection, _ in connected:
            connection.end()

    asyncio.run(walk())


def test_of_requests_in_a_row_all_are_told_when_the_client_leaves():
    async def walk() -> None:
        server = Server()
        connection, line = server.connect()
        first = POST.replace(b"100000", b"1") + b"a"
        connection.data_received(first + GET)
        await asyncio.sleep(0)
        line.close()
        connection.connection_lost(None)
        server.may_answer.set()  # an answer now would be written to what is closed
        for _ in range(10):
            await asyncio.sleep(0)
        assert not connection.tasks
        assert line.late == 0

    asyncio.run(walk())


def test_a_machine_that_stood_still_is_nobodys_fault():
    async def walk() -> None:
        connection, line = Server().connect()
        for _ in range(int(HEAD_SECONDS / LONGEST_LOOK_SECONDS)):
            look_at([connection, object()], 3600.0)
        assert line.is_open
        look_at([connection], 3600.0)
        assert not line.is_open

    asyncio.run(walk())


def test_a_server_takes_as_many_connections_as_it_may_have_files():
    assert 64 <= make_room_for_connections() <= MOST_CONNECTIONS
