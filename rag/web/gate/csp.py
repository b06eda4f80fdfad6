"""Content-Security-Policies as browsers read them: whether a list of sources holds an address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_SOURCE = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?(\[[^]]+\]|[^:/]+)(?::(\d+|\*))?(/.*)?")


def directives_of(policy: str) -> dict[str, list[str]]:
    """Read a Content-Security-Policy; the first of two directives of a name counts."""
    found: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        words = directive.split()
        if words:
            found.setdefault(words[0].lower(), words[1:])
    return found


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def allows(sources: Sequence[str], url: str, own_url: str) -> bool:
    """Tell whether a list of sources holds an address; nonces and hashes count as none."""
    return any(_matches(source.lower(), urlsplit(url), own_url) for source in sources)


def _matches(source: str, url: SplitResult, own_url: str) -> bool:
    own = urlsplit(own_url)
    if source == "'self'":
        return origin_of(own_url) == origin_of(url.geturl())
    if source == "*":
        return url.scheme in DEFAULT_PORTS
    if source.endswith(":"):
        return _scheme_fits(source[:-1], url.scheme)
    found = _SOURCE.fullmatch(source)
    if source.startswith("'") or found is None:
        return False
    scheme, host, port, path = found.groups()
    name = url.hostname or ""
    is_host = name.endswith(host[1:]) if host.startswith("*.") else name == host.strip("[]")
    actual = url.port or DEFAULT_PORTS.get(url.scheme, 0)
    wanted = port or str(DEFAULT_PORTS.get(url.scheme, 0))
    is_path = not path or (url.path.startswith(path) if path.endswith("/") else url.path == path)
    return (
        _scheme_fits(scheme or own.scheme, url.scheme)
        and is_host
        and wanted in ("*", str(actual))
        and is_path
    )


def _scheme_fits(wanted: str, actual: str) -> bool:
    return actual == wanted or (wanted == "http" and actual == "https")
