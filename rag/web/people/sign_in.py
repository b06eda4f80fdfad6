"""Signing in and out in the mode `oidc`: what the browser goes through, and the cookies it gets."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from rag.errors import StoreError
from rag.history.sign_ins import SIGN_IN_SECONDS, SignIns
from rag.settings import Settings
from rag.web.markup import esc
from rag.web.page_shell import error_page, shell
from rag.web.people.access import Principal
from rag.web.people.id_token import SignInFailed
from rag.web.people.oidc import OpenId, attempt, build_open_id
from rag.web.people.signed_in import People, digest
from rag.web.problems import RETRY_SECONDS, Problem, logged, request_id
from rag.web.public import read_public_url

logger = logging.getLogger(__name__)

SESSION_COOKIE = "__Host-footnote"
BROWSER_COOKIE = "__Host-footnote-browser"
ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
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
    """Who is signed in, and how people get there."""

    open_id: OpenId
    base: str
    people: People

    async def person(self, scope: Scope, headers: Headers) -> Principal | None:
        """Return whom a request's cookie stands for; None when it comes from a page of others.

        Raises:
            Problem: that cannot be looked up at the moment (503).
        """
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            return None
        try:
            return await self.people.find(_cookie(headers, SESSION_COOKIE))
        except StoreError as error:
            raise _away(error, scope) from error

    def address(self, scope: Scope) -> str:
        """Return where a browser signs in that wanted to see something."""
        raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        query: bytes = scope["query_string"]
        wanted = (raw + (b"?" + query if query else b"")).decode("latin-1")
        return f"{self.base}auth/login?then={quote(wanted[:MAX_THEN_CHARS], safe='/')}"


def build_sign_in(settings: Settings, sign_ins: SignIns) -> SignIn | None:
    """Build it in the mode `oidc`; None in others. Raises ConfigurationError as its parts do."""
    open_id = build_open_id(settings)
    if open_id is None:
        return None
    return SignIn(open_id, read_public_url(settings).base, People(sign_ins))


def add_sign_in(app: FastAPI, sign_in: SignIn | None) -> None:
    """Add the routes; without a sign-in they answer that there is nothing."""

    def present() -> SignIn:
        if sign_in is None:
            raise Problem(404, "not_found", "Not found.")
        return sign_in

    @app.get("/auth/login", include_in_schema=False)
    async def login(request: Request, then: str = "/") -> Response:
        return await _tried(_begin, present(), request, then)

    @app.get("/auth/callback", include_in_schema=False)
    async def callback(request: Request) -> Response:
        return await _tried(_finish, present(), request)

    @app.get("/auth/me", include_in_schema=False)
    async def me(request: Request) -> Response:
        return await _tried(_show, present(), request)

    @app.post("/auth/logout", include_in_schema=False)
    async def logout(request: Request) -> Response:
        held = present()
        await held.people.end(_cookie(request.headers, SESSION_COOKIE))
        response = RedirectResponse(f"{held.base}auth/me", 303)
        response.headers.append("set-cookie", f"{SESSION_COOKIE}=; Max-Age=0; {ATTRIBUTES}")
        return response


async def _tried(step: Callable[..., Awaitable[Response]], *given: Any) -> Response:
    """Take a step; say so on a page when nobody can be signed in at the moment."""
    sign_in, request = given[:2]
    try:
        return await step(*given)
    except StoreError as error:
        problem = _away(error, request.scope)
    except Problem as error:
        problem = error
    page = error_page(problem.message, problem.hint, sign_in.base)
    return _page(page, problem.status, problem.headers)


async def _begin(sign_in: SignIn, request: Request, then: str) -> Response:
    """Send the browser to the provider, and bind what comes back to this browser."""
    # One secret serves all tabs of a browser, so that they do not spoil each other's sign-in.
    browser = _cookie(request.headers, BROWSER_COOKIE) or secrets.token_urlsafe(32)
    begun = attempt(digest(browser), local_path(then))
    url = await sign_in.open_id.begin(begun, await sign_in.people.begin(begun))
    response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    kept = f"{BROWSER_COOKIE}={browser}; Max-Age={SIGN_IN_SECONDS}; {ATTRIBUTES}"
    response.headers.append("set-cookie", kept)
    return response


async def _finish(sign_in: SignIn, request: Request) -> Response:
    """Let somebody in who comes back with a code, under an id that nobody knew before."""
    given = request.query_params
    begun = await sign_in.people.take(given.get("state", ""))
    browser = _cookie(request.headers, BROWSER_COOKIE)
    try:
        if begun is None or not hmac.compare_digest(begun.browser, digest(browser)):
            raise SignInFailed("the state is unknown, old, used, or another browser's")
        if given.get("iss", sign_in.open_id.issuer) != sign_in.open_id.issuer:
            raise SignInFailed("another provider answered")
        if "error" in given or not given.get("code"):
            raise SignInFailed(f"the provider says: {given.get('error', 'nothing')[:80]!r}")
        person = await sign_in.open_id.finish(begun, given["code"])
    except SignInFailed as error:
        logger.warning("request %s: no sign-in: %s", request_id(request.scope), error)
        return _failed(sign_in, request)
    secret = await sign_in.people.let_in(person)
    await sign_in.people.end(_cookie(request.headers, SESSION_COOKIE))
    response = RedirectResponse(sign_in.base + begun.then[1:], 303, {"Cache-Control": "no-store"})
    response.headers.append("set-cookie", f"{SESSION_COOKIE}={secret}; {ATTRIBUTES}")
    return response


async def _show(sign_in: SignIn, request: Request) -> Response:
    """Say who is signed in, and offer the other."""
    person = await sign_in.person(request.scope, request.headers)
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


def _away(error: StoreError, scope: Scope) -> Problem:
    """Return the problem of not knowing who is signed in: nobody comes in on a guess."""
    logged(error, scope)
    hint = f"Try again in a while. The server's log says more under request {request_id(scope)}."
    words = "Who is signed in cannot be looked up at the moment."
    return Problem(503, "sign_in_unavailable", words, hint, {"Retry-After": str(RETRY_SECONDS)})


def _page(html: str, status: int = 200, more: Mapping[str, str] | None = None) -> HTMLResponse:
    headers = {
        **(more or {}),
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
