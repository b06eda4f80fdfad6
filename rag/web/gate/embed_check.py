"""Why a page does not show the widget: which header of which server stands in the way."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from rag.errors import InputError
from rag.web.gate.csp import DEFAULT_PORTS, allows, directives_of, origin_of

TIMEOUT_SECONDS = 10
MAX_BYTES = 2_000_000

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server sent for an address; names of headers are in lower case."""

    url: str
    status: int
    headers: Headers
    text: str = ""

    def all(self, name: str) -> list[str]:
        """Return every header of a name."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at; `problem` is "" when it does not stand in the way."""

    what: str
    problem: str = ""
    hint: str = ""


@dataclass
class Widget:
    """The server and the embed that a page names, in a script or in a frame."""

    server: str = ""
    embed: str = ""
    is_script: bool = False
    metas: list[str] = field(default_factory=list)


def check(page_url: str, server: str = "", embed: str = "") -> list[Finding]:
    """Fetch a page and what it would show, and look for what stands in the way.

    Raises:
        InputError: the page cannot be fetched, or names no widget and no server is given.
    """
    page = fetch(page_url)
    widget = widget_of(page)
    server, embed = server or widget.server, embed or widget.embed
    if not server:
        raise InputError(
            f"{page_url} holds no <script src=…/widget.js data-embed=…> and no frame of /embed.",
            "If a script adds it later, name the server: --server https://ask.corp --embed NAME",
        )
    server = server.rstrip("/") + "/"
    script = fetch(urljoin(server, "widget.js"))
    frame = fetch(urljoin(server, f"embed?c={quote(embed)}"))
    policies = [*page.all("content-security-policy"), *widget.metas]
    return judge(page, script, frame, policies)


def judge(page: Fetched, script: Fetched, frame: Fetched, policies: Sequence[str]) -> list[Finding]:
    """Judge by what was fetched; pure."""
    origin = origin_of(page.url)
    return [
        *_reachable(page, script, frame),
        *(_page_policy(page, script.url, policies, ("script-src-elem", "script-src"))),
        *(_page_policy(page, frame.url, policies, ("frame-src", "child-src"))),
        _isolation(page, frame),
        *_ancestors(frame, origin),
        _frame_options(frame, origin),
        _resource_policy(script, origin),
    ]


def _reachable(page: Fetched, script: Fetched, frame: Fetched) -> list[Finding]:
    found = []
    for part in (script, frame):
        problem = "" if part.status == 200 else f"it answers {part.status}"
        hint = "Look at what lies in front of Footnote: it must pass this address on."
        if urlsplit(page.url).scheme == "https" and urlsplit(part.url).scheme == "http":
            problem, hint = "the page has TLS and this has not", "Serve Footnote over https."
        found.append(Finding(f"GET {part.url}", problem, hint if problem else ""))
    return found


def _page_policy(
    page: Fetched, url: str, policies: Sequence[str], directives: tuple[str, ...]
) -> list[Finding]:
    """Look whether every policy of the page allows an address."""
    found = []
    for policy in policies:
        held = directives_of(policy)
        name = next((name for name in (*directives, "default-src") if name in held), None)
        what = f"Content-Security-Policy of {origin_of(page.url)}: {name or directives[-1]}"
        if name is None or allows(held[name], url, page.url):
            found.append(Finding(what))
        else:
            wanted = f"{directives[-1] if name == 'default-src' else name} {origin_of(url)}"
            found.append(Finding(what, f"it does not allow {url}", f"Add to that header: {wanted}"))
    return found


def _isolation(page: Fetched, frame: Fetched) -> Finding:
    what = f"Cross-Origin-Embedder-Policy of {origin_of(page.url)}"
    wanted = {"require-corp", "credentialless"}
    if wanted.isdisjoint(page.all("cross-origin-embedder-policy")):
        return Finding(what)
    if not wanted.isdisjoint(frame.all("cross-origin-embedder-policy")):
        return Finding(what)
    return Finding(what, "it lets no frame in that does not isolate itself", "Leave it out there.")


def _ancestors(frame: Fetched, origin: str) -> list[Finding]:
    found = []
    for policy in frame.all("content-security-policy"):
        sources = directives_of(policy).get("frame-ancestors")
        what = f"Content-Security-Policy of {origin_of(frame.url)}: frame-ancestors"
        if sources is None or allows(sources, origin, frame.url):
            found.append(Finding(what))
        else:
            hint = f'Add "{origin}" to the embed in FOOTNOTE_EMBEDS (or in what adds that header).'
            found.append(Finding(what, f"it does not allow {origin}", hint))
    return found


def _frame_options(frame: Fetched, origin: str) -> Finding:
    what = f"X-Frame-Options of {origin_of(frame.url)}"
    values = [value.strip().lower() for value in frame.all("x-frame-options")]
    # Browsers ignore it where a policy names ancestors; some proxies' health checks do not.
    has_ancestors = any(
        "frame-ancestors" in directives_of(policy)
        for policy in frame.all("content-security-policy")
    )
    is_same = origin == origin_of(frame.url)
    blocking = [value for value in values if value == "deny" or not is_same]
    if not blocking or has_ancestors:
        return Finding(what)
    hint = "Footnote sends none: take it out of the proxy in front, for /embed at least."
    return Finding(what, f"it says {blocking[0]}", hint)


def _resource_policy(script: Fetched, origin: str) -> Finding:
    what = f"Cross-Origin-Resource-Policy of {origin_of(script.url)}"
    values = [value.strip().lower() for value in script.all("cross-origin-resource-policy")]
    if origin == origin_of(script.url) or set(values) <= {"cross-origin"}:
        return Finding(what)
    hint = "Footnote sends cross-origin for /widget.js: a proxy in front changes it."
    return Finding(what, f"it says {', '.join(values)}", hint)


def fetch(url: str) -> Fetched:
    """Fetch an address, redirects followed.

    Raises:
        InputError: it cannot be reached.
    """
    if urlsplit(url).scheme not in DEFAULT_PORTS:
        raise InputError(f"{url!r} is not an address.", "Write it as https://portal.corp/page")
    request = urllib.request.Request(url, headers={"User-Agent": "footnote embed check"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            text = response.read(MAX_BYTES).decode("utf-8", "replace")
            return Fetched(response.url, response.status, _headers(response.headers), text)
    except urllib.error.HTTPError as error:
        with error:
            return Fetched(url, error.code, _headers(error.headers))
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise InputError(f"{url} cannot be fetched: {reason}.", "Check the address.") from error


def _headers(message: object) -> Headers:
    items = message.items() if hasattr(message, "items") else []
    return [(name.lower(), value) for name, value in items]


def widget_of(page: Fetched) -> Widget:
    """Find the widget that a page holds."""
    widget = Widget()

    class Finder(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = {name: value or "" for name, value in attrs}
            src = urljoin(page.url, given.get("src", ""))
            path = urlsplit(src).path
            if tag == "script" and path.endswith("/widget.js"):
                widget.server = src[: src.index("widget.js")]
                widget.embed, widget.is_script = given.get("data-embed", ""), True
            elif tag == "iframe" and path.endswith("/embed"):
                widget.server = src[: src.index("embed")]
                widget.embed = parse_qs(urlsplit(src).query).get("c", [""])[0]
            elif tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
                widget.metas.append(given.get("content", ""))

    Finder(convert_charrefs=True).feed(page.text)
    return widget
