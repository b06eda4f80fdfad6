"""The port that the application is served on: opened, announced, and left."""

from __future__ import annotations

import errno
import gc
import socket
import time

import uvicorn
from fastapi import FastAPI

from rag.errors import ConfigurationError
from rag.settings import Settings
from rag.web.connections import connections_of_a_server, look_at, make_room_for_connections
from rag.web.people.identity import check_binding

SHUTDOWN_SECONDS = 2
LOOK_EVERY_TICKS = 10  # of a tenth of a second


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until interrupted, with one worker; announce the address once it answers.

    Raises:
        ConfigurationError: the address cannot be listened on, or should not be.
    """
    check_binding(settings)
    listener = listen(settings.host, settings.port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        http=connections_of_a_server(make_room_for_connections()),
        ws="none",  # the gate would refuse them anyway
    )
    try:
        with listener:
            AnnouncingServer(config).run(sockets=[listener])
    finally:
        # The process ends next. Unfrozen, the hundreds of thousands of objects of the libraries
        # are searched for garbage then: 1.4 s of computing, measured, to find what dies anyway.
        gc.freeze()


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0].lower()
        raise ConfigurationError(
            f"Cannot listen on {host}, port {port}: {reason}.", _what_to_do(error)
        ) from error


def _what_to_do(error: OSError) -> str:
    another = "FOOTNOTE_PORT=7861, or --port 7861"
    if error.errno == errno.EADDRINUSE:
        return f"Stop the program that uses it, or choose another: {another}."
    if error.errno == errno.EACCES:
        return f"Ports below 1024 are the system's. Choose another: {another}."
    return "Give an address of this machine: FOOTNOTE_HOST=127.0.0.1, or --host 127.0.0.1."


class AnnouncingServer(uvicorn.Server):
    """Prints where the page is, as soon as connections are accepted; parts with open pages.

    Connections that are too slow are ended, when they are of the class that can tell.
    """

    _looked = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            if self.started:
                print(f"Footnote is ready: {address(listener)}", flush=True)

    async def on_tick(self, counter: int) -> bool:
        now = time.monotonic()
        if counter % LOOK_EVERY_TICKS == 0:
            look_at(self.server_state.connections, now - self._looked)
            self._looked = now
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Every open page holds a stream that never ends by itself: uvicorn would wait for it in
        # vain, then cancel it with a traceback. Answers that have not begun still get their time.
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and cycle.response_started:
                connection.transport.close()
        await super().shutdown(sockets)


def address(listener: socket.socket) -> str:
    """Return the address under which a browser on this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
