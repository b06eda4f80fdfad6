"""What may come in: known hosts, same-origin writes, small bodies, and few of Gradio's routes."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_000_000

CHAT_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio starts from inline scripts, and its HTML component compiles templates.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self'",
        "object-src 'none'",
        "form-action 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)

DEFAULT_HEADERS = {
    "Content-Security-Policy": CHAT_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

GRADIO_ROUTES = re.compile(
    r"/(?:config|theme\.css|favicon\.ico|robots\.txt|manifest\.json)?"
    r"|/(?:assets|static)/[\w./-]+"
    r"|/gradio_api/(?:queue/(?:join|data)|run/predict|cancel|startup-events|theme\.css|heartbeat/\w+)"
)
"""All that the chat page asks of Gradio. Uploads, files, proxies, runs and the rest stay shut."""


def allowed_hosts(host: str) -> frozenset[str]:
    """Return the names under which a server bound to `host` may be addressed.

    Addresses need no listing: a page that rebinds DNS to reach this server has a name for it.
    """
    names = {"localhost", host.strip("[]").lower()}
    if host in {"0.0.0.0", "::", ""}:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)


class Gate:
    """Refuses what no page of ours would send, and adds the security headers to every response."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str]) -> None:
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in DEFAULT_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self._refusal(scope["method"], Headers(scope=scope)) or self.app
        await app(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if not self._is_known(host):
            return PlainTextResponse("This server does not go by that name.", 400)
        if method in {"GET", "HEAD", "OPTIONS"}:
            return None
        if not _is_same_origin(headers, host):
            return PlainTextResponse("Requests from other sites are refused.", 403)
        length = headers.get("content-length", "")
        if method == "DELETE" and not length and "transfer-encoding" not in headers:
            return None
        if not length.isdecimal():
            return PlainTextResponse("The request must state its length.", 411)
        if int(length) > MAX_BODY_BYTES:
            return PlainTextResponse(f"The request exceeds {MAX_BODY_BYTES:,} bytes.", 413)
        return None

    def _is_known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name.rstrip(".") in self.hosts or _is_address(name)


class GradioGate:
    """Answers 404 for every route of Gradio that the chat page does not use."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The path decides, never `request.url`, into which the Host header finds its way.
        if scope["type"] == "http" and not GRADIO_ROUTES.fullmatch(scope["path"]):
            await PlainTextResponse("Not found.", 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _is_same_origin(headers: Headers, host: str) -> bool:
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2] == host
    # Programs send neither header; browsers send at least one.
    return headers.get("sec-fetch-site", "none") in {"same-origin", "none"}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
