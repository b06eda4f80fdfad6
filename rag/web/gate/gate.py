"""The gate in front of everything: which host, which route, from where, who, how large, how often.

It decides on `scope["path"]`, never on `request.url`, into which the Host header finds its way.
What the table of routes does not name is shut.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.web.gate.audit import take_details
from rag.web.gate.headers import response_headers
from rag.web.gate.origins import is_ours
from rag.web.gate.policy import Policy
from rag.web.gate.routes import Rule, Who, rules_of
from rag.web.gate.sessions import session_of
from rag.web.people.access import ANYBODY, Right, principal_of, set_principal
from rag.web.people.identity import NotHeld
from rag.web.people.sign_in import SignIn
from rag.web.problems import RETRY_SECONDS, Problem, problem_response

MAX_BODY_BYTES = 1_000_000
MAX_API_BODY_BYTES = 65_536
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = frozenset({401, 403, 429})
_NO_HOST = frozenset("@/\\?#")


class Gate:
    """Refuses what the policy does not allow, and adds the security headers to every response."""

    def __init__(self, app: ASGIApp, *, policy: Policy) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks over WebSockets
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        extra = response_headers(scope, headers, self.policy)
        take_details(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in extra.items():
                    sent.setdefault(name, value)
                self._note(scope, headers, message["status"])
            await send(message)

        with contextlib.ExitStack() as counted:
            try:
                app = await self._check(scope, headers) or self.app
                if app is self.app:
                    counted.enter_context(self._counted(scope))
                    receive = await self._check_session(scope, receive)
            except Problem as problem:
                app = problem_response(problem, scope)
            await app(scope, receive, send_with_headers)

    @contextlib.contextmanager
    def _counted(self, scope: Scope) -> Iterator[None]:
        """Count a request of somebody who is known as long as it is being answered.

        Raises:
            Problem: too many of theirs are.
        """
        principal, limits = principal_of(scope), self.policy.limits
        if principal is ANYBODY:
            yield
            return
        is_person = self.policy.identity.knows_people
        if not limits.enter(principal.name, is_person=is_person):
            wait = {"Retry-After": str(RETRY_SECONDS)}
            raise Problem(429, "too_many", "Too many requests at once.", headers=wait)
        try:
            yield
        finally:
            limits.leave(principal.name)

    async def _check_session(self, scope: Scope, receive: Receive) -> Receive:
        """Keep a session of Gradio's to its owner; return what the body is to be read from."""
        if self.policy.sessions is None or not scope["path"].startswith("/gradio_api/"):
            return receive
        session, receive = await session_of(scope, receive)
        if session and not self.policy.sessions.belongs_to(session, principal_of(scope).name):
            raise Problem(404, "not_found", "Not found.")
        return receive

    def _note(self, scope: Scope, headers: Headers, status: int) -> None:
        """Write down questions, changes, and who was refused."""
        if self.policy.audit is None:
            return
        acts = {rule.who for rule in rules_of(scope["path"]) if scope["method"] in rule.methods} & {
            Who.QUESTION,
            Who.INGEST,
        }
        address = self.policy.identity.address(scope, headers)
        is_refused = status in REFUSALS
        if is_refused and not self.policy.limits.may_note_refusal(address):
            return
        if acts or is_refused:
            self.policy.audit.append(scope, address, status)

    async def _check(self, scope: Scope, headers: Headers) -> Response | None:
        """Return None when a request may pass, or the answer to a browser's question.

        Raises:
            Problem: it may not.
        """
        method = scope["method"]
        if not self._is_known(headers.getlist("host")):
            raise Problem(400, "unknown_host", "This server does not go by that name.")
        rules = [rule for rule in rules_of(scope["path"]) if rule.who is not Who.SHUT]
        if not rules:
            raise Problem(404, "not_found", "Not found.")
        if method == "OPTIONS":
            return self._preflight(rules, headers)
        rule = next((rule for rule in rules if method in rule.methods), None)
        if rule is None:
            allowed = ", ".join(sorted({method for rule in rules for method in rule.methods}))
            raise Problem(405, "method_not_allowed", "Not so.", headers={"Allow": allowed})
        if method not in SAFE_METHODS:
            self._check_origin(rule, headers)
        await self._check_person(rule, scope, headers)
        if method not in SAFE_METHODS:
            _check_length(method, headers, self._max_bytes(rule))
        return None

    def _is_known(self, hosts: list[str]) -> bool:
        # Of two, somebody after us may take the other; and a name is nothing that a URL says more.
        if len(hosts) != 1 or not _NO_HOST.isdisjoint(hosts[0]):
            return False
        try:
            name = urlsplit(f"//{hosts[0]}").hostname or ""
        except ValueError:
            return False
        return name.rstrip(".") in self.policy.hosts or _is_address(name)

    def _preflight(self, rules: list[Rule], headers: Headers) -> Response:
        """Answer a browser that asks whether a page of another origin may send something."""
        origin = headers.get("origin")
        if not rules[0].is_api or origin not in self.policy.embeds.all_origins:
            raise Problem(403, "forbidden", "Pages of that origin may not call this server.")
        allowed = {
            "Access-Control-Allow-Methods": ", ".join(
                sorted({m for r in rules for m in r.methods})
            ),
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
        }
        return Response(status_code=204, headers=allowed)

    def _check_origin(self, rule: Rule, headers: Headers) -> None:
        """Let writes come from our own pages, from programs, and from the origins of an embed."""
        if rule.is_api and headers.get("origin") in self.policy.embeds.all_origins:
            return
        if not is_ours(headers):
            raise Problem(403, "forbidden", "Requests from other sites are refused.")

    async def _check_person(self, rule: Rule, scope: Scope, headers: Headers) -> None:
        if rule.who is Who.OPEN:
            return
        identity, limits = self.policy.identity, self.policy.limits
        address = identity.address(scope, headers)
        if rule.who is Who.SIGN_IN:
            if seconds := limits.wait_seconds("request", f"anybody at {address}", address):
                raise _too_many(seconds)
            return
        if seconds := limits.failed_too_often(address):
            raise _too_many(seconds)
        try:
            principal = await identity.principal(scope, headers)
        except NotHeld as error:
            limits.note_failure(address)
            raise _unknown_person(rule, "The key or token given does not hold.") from error
        if principal is None and identity.sign_in is not None:
            raise _sign_in_first(rule, scope, headers, identity.sign_in)
        if principal is None:
            raise _unknown_person(rule, "This server needs to know who asks.")
        if identity.is_suspended(principal):
            raise Problem(403, "suspended", "You may not come in for the time being.")
        needed = Right.INGEST if rule.who is Who.INGEST else Right.ASK
        if needed not in principal.rights:
            hint = f"It takes the right “{needed}”: footnote token create NAME --right {needed}"
            raise Problem(403, "forbidden", "You may not do that.", hint)
        kind = "question" if rule.who is Who.QUESTION else "request"
        if seconds := limits.wait_seconds(kind, principal.name, address):
            raise _too_many(seconds)
        set_principal(scope, principal)

    def _max_bytes(self, rule: Rule) -> int:
        if rule.who is Who.INGEST:
            return self.policy.max_upload_bytes
        return MAX_API_BODY_BYTES if rule.is_api else MAX_BODY_BYTES


def _check_length(method: str, headers: Headers, max_bytes: int) -> None:
    length = headers.get("content-length", "")
    if method == "DELETE" and not length and "transfer-encoding" not in headers:
        return
    if not length.isdecimal():
        raise Problem(411, "length_required", "The request must state its length.")
    if int(length) > max_bytes:
        raise Problem(413, "too_large", f"The request exceeds {max_bytes:,} bytes.")


def _unknown_person(rule: Rule, message: str) -> Problem:
    # Browsers ask for a password on Basic only: on pages, never behind the widget's back.
    challenge = "Bearer" if rule.is_api else 'Basic realm="Footnote", charset="UTF-8"'
    hint = "Send a key: Authorization: Bearer fn_… (as a password in a browser)."
    return Problem(401, "unauthorized", message, hint, {"WWW-Authenticate": challenge})


def _sign_in_first(rule: Rule, scope: Scope, headers: Headers, sign_in: SignIn) -> Problem:
    """Send whoever opens a page to sign in; tell a program, or a frame, that it takes that."""
    is_opened = headers.get("sec-fetch-dest", "document") == "document"
    if scope["method"] == "GET" and is_opened and "text/html" in headers.get("accept", ""):
        where = {"Location": sign_in.address(scope), "Cache-Control": "no-store"}
        return Problem(303, "sign_in", "Sign in first.", headers=where)
    words, hint = "You are not signed in, or no longer.", "Sign in at auth/login, or send a key."
    if scope["path"].startswith("/gradio_api/"):  # the chat page that is open asks, not a program
        hint = "Load this page again to sign in."
    return Problem(401, "unauthorized", words, hint, {"WWW-Authenticate": "Bearer"})


def _too_many(seconds: int) -> Problem:
    hint = f"Try again in {seconds} s."
    return Problem(429, "too_many", "Too many requests.", hint, {"Retry-After": str(seconds)})


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
