"""Signing in and out in the mode `oidc`: what the browser goes through, and the cookies it gets."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from rag.settings import Settings
from rag.web.markup import esc
from rag.web.page_shell import error_page, shell
from rag.web.people.access import Principal
from rag.web.people.id_token import SignInFailed
from rag.web.people.oidc import Attempt, OpenId, build_open_id
from rag.web.people.signed_in import Kept, digest
from rag.web.problems import Problem, request_id
from rag.web.public import read_public_url

logger = logging.getLogger(__name__)

SESSION_COOKIE = "__Host-footnote"
BROWSER_COOKIE = "__Host-footnote-browser"
ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
ATTEMPT_SECONDS = 600
IDLE_SECONDS = 4 * 3600
KEPT_ATTEMPTS = 20_000
MAX_THEN_CHARS = 2000

_SECRET = re.compile(r"[\w-]{43}", re.ASCII)

SIGN_IN_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


@dataclass(frozen=True)
class SignIn:
    """Who is signed in, and who is about to be. Both are forgotten when the server stops."""

    open_id: OpenId
    base: str
    people: Kept[Principal]
    attempts: Kept[Attempt] = field(
        default_factory=lambda: Kept(seconds=ATTEMPT_SECONDS, capacity=KEPT_ATTEMPTS)
    )

    def person(self, headers: Headers) -> Principal | None:
        """Return whom a request's cookie stands for; None when it comes from a page of others."""
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            return None
        return self.people.find(_cookie(headers, SESSION_COOKIE))

    def address(self, scope: Scope) -> str:
        """Return where a browser signs in that wanted to see something."""
        raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        query: bytes = scope["query_string"]
        wanted = (raw + (b"?" + query if query else b"")).decode("latin-1")
        return f"{self.base}auth/login?then={quote(wanted[:MAX_THEN_CHARS], safe='/')}"


def build_sign_in(settings: Settings) -> SignIn | None:
    """Build it in the mode `oidc`; None in others. Raises ConfigurationError as its parts do."""
    open_id = build_open_id(settings)
    if open_id is None:
        return None
    seconds = settings.session_hours * 3600
    people: Kept[Principal] = Kept(seconds=seconds, idle_seconds=min(seconds, IDLE_SECONDS))
    return SignIn(open_id, read_public_url(settings).base, people)


def add_sign_in(app: FastAPI, sign_in: SignIn | None) -> None:
    """Add the routes; without a sign-in they answer that there is nothing."""

    def present() -> SignIn:
        if sign_in is None:
            raise Problem(404, "not_found", "Not found.")
        return sign_in

    @app.get("/auth/login", include_in_schema=False)
    async def login(request: Request, then: str = "/") -> Response:
        return await _begin(present(), request, then)

    @app.get("/auth/callback", include_in_schema=False)
    async def callback(request: Request) -> Response:
        return await _finish(present(), request)

    @app.get("/auth/me", include_in_schema=False)
    async def me(request: Request) -> Response:
        return await _show(present(), request)

    @app.post("/auth/logout", include_in_schema=False)
    async def logout(request: Request) -> Response:
        held = present()
        held.people.take(_cookie(request.headers, SESSION_COOKIE))
        response = RedirectResponse(f"{held.base}auth/me", 303)
        response.headers.append("set-cookie", f"{SESSION_COOKIE}=; Max-Age=0; {ATTRIBUTES}")
        return response


async def _begin(sign_in: SignIn, request: Request, then: str) -> Response:
    """Send the browser to the provider, and bind what comes back to this browser."""
    # One secret serves all tabs of a browser, so that they do not spoil each other's sign-in.
    browser = _cookie(request.headers, BROWSER_COOKIE) or secrets.token_urlsafe(32)
    attempt = Attempt(digest(browser), local_path(then))
    url = await sign_in.open_id.begin(attempt, sign_in.attempts.keep(attempt))
    response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    kept = f"{BROWSER_COOKIE}={browser}; Max-Age={ATTEMPT_SECONDS}; {ATTRIBUTES}"
    response.headers.append("set-cookie", kept)
    return response


async def _finish(sign_in: SignIn, request: Request) -> Response:
    """Let somebody in who comes back with a code, under an id that nobody knew before."""
    given = request.query_params
    attempt = sign_in.attempts.take(given.get("state", ""))
    browser = _cookie(request.headers, BROWSER_COOKIE)
    try:
        if attempt is None or not hmac.compare_digest(attempt.browser, digest(browser)):
            raise SignInFailed("the state is unknown, old, used, or another browser's")
        if given.get("iss", sign_in.open_id.issuer) != sign_in.open_id.issuer:
            raise SignInFailed("another provider answered")
        if "error" in given or not given.get("code"):
            raise SignInFailed(f"the provider says: {given.get('error', 'nothing')[:80]!r}")
        person = await sign_in.open_id.finish(attempt, given["code"])
    except SignInFailed as error:
        logger.warning("request %s: no sign-in: %s", request_id(request.scope), error)
        return _failed(sign_in, request)
    sign_in.people.take(_cookie(request.headers, SESSION_COOKIE))
    response = RedirectResponse(sign_in.base + attempt.then[1:], 303, {"Cache-Control": "no-store"})
    secret = sign_in.people.keep(person)
    response.headers.append("set-cookie", f"{SESSION_COOKIE}={secret}; {ATTRIBUTES}")
    return response


async def _show(sign_in: SignIn, request: Request) -> Response:
    """Say who is signed in, and offer the other."""
    person = sign_in.person(request.headers)
    base = esc(sign_in.base)
    if person is not None:
        name = esc(person.name.removeprefix("user "))
        words = f'<p dir="auto">You are signed in as {name}.</p>'
        words += f'<form method="post" action="{base}auth/logout"><button>Sign out</button></form>'
    else:
        words = f'<p>You are not signed in.</p><p><a href="{base}auth/login">Sign in</a></p>'
        if elsewhere := await sign_in.open_id.sign_out_url():
            words += f'<p><a href="{esc(elsewhere)}">Sign out of everything else too</a></p>'
    head = '<header class="head"><h1>Your account</h1></header>'
    return _page(shell("Your account", f"{head}<main>{words}</main>", "whole", sign_in.base))


def _failed(sign_in: SignIn, request: Request) -> Response:
    hint = f"Open {sign_in.base} to try again. Request {request_id(request.scope)}"
    return _page(error_page("You could not be signed in", hint, sign_in.base), 403)


def _page(html: str, status: int = 200) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": SIGN_IN_POLICY,
        "Cache-Control": "no-store",
        # Under “no-referrer” a browser hides the origin of a form too, and the gate asks for it.
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(html, status, headers)


def local_path(wanted: str) -> str:
    """Return a path of this server with its query, "/" for anything that leads elsewhere."""
    is_plain = wanted.isascii() and wanted.isprintable() and len(wanted) <= MAX_THEN_CHARS
    # Browsers read // and /\\ as the beginning of another host.
    if not is_plain or not wanted.startswith("/") or wanted[1:2] in ("/", "\\"):
        return "/"
    return "/" if " " in wanted or wanted.startswith("/auth/") else wanted


def _cookie(headers: Headers, name: str) -> str:
    """Return the secret in a cookie, "" when there is none, or more than one."""
    given = [cookie_parser(line).get(name) for line in headers.getlist("cookie")]
    found = [value for value in given if value is not None and _SECRET.fullmatch(value)]
    return found[0] if len(found) == 1 else ""
