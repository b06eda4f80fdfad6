"""The address under which browsers reach the server, which may be below a path of another's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import ConfigurationError
from rag.settings import Settings

_SITE, _BASE = "footnote.site", "footnote.base"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class PublicUrl:
    """The public address, its host and its path without a slash at the end; "" when not set."""

    host: str = ""
    prefix: str = ""
    url: str = ""

    @property
    def base(self) -> str:
        """The path of the chat page, with which links begin."""
        return self.prefix + "/"


def read_public_url(settings: Settings) -> PublicUrl:
    """Read it from the settings.

    Raises:
        ConfigurationError: it is not the address of a site or of a path in one.
    """
    given = settings.public_url
    if not given:
        return PublicUrl()
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    path = parts.path.rstrip("/")
    is_site = parts.scheme in ("http", "https") and bool(host)
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    is_path = _PREFIX.fullmatch(path) and not {".", ".."} & set(path.split("/"))
    if not (is_site and is_plain and is_path):
        raise ConfigurationError(
            f"FOOTNOTE_PUBLIC_URL: {given!r} is not where a site begins.",
            'Write it as "https://ask.corp" or "https://portal.corp/ask".',
        )
    return PublicUrl(host.lower(), path, given.rstrip("/"))


class Below:
    """Takes the prefix off a path; one that a proxy has taken off already is left as it is.

    What comes after sees the same paths in both cases, the gate's table above all.
    """

    def __init__(self, app: ASGIApp, *, public: PublicUrl) -> None:
        self.app = app
        self.public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = self.public.prefix
        if self.public.url and scope["type"] == "http":
            scope = {**scope, _SITE: self.public.url, _BASE: self.public.base}
            path, raw = scope["path"], scope.get("raw_path")
            if prefix and (path == prefix or path.startswith(prefix + "/")):
                scope["path"] = path[len(prefix) :] or "/"
            if prefix and isinstance(raw, bytes) and raw.startswith(prefix.encode() + b"/"):
                scope["raw_path"] = raw[len(prefix) :]
        await self.app(scope, receive, send)


def site_of(request: Request) -> str:
    """Return the address of the server, without a slash at the end."""
    found: str = request.scope.get(_SITE) or str(request.base_url)
    return found.rstrip("/")


def base_of(request: Request) -> str:
    """Return the path of the chat page, with which links of other pages begin."""
    found: str = request.scope.get(_BASE, "/")
    return found
