"""The headers that every response carries, errors of the gate included."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from rag.web.gate.policy import Policy
from rag.web.gate.routes import Who, rules_of
from rag.web.problems import is_for_programs, request_id

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
NOTHING_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

DEFAULT_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
ONE_YEAR = "max-age=31536000"


def response_headers(scope: Scope, headers: Headers, policy: Policy) -> dict[str, str]:
    """Return what a response carries unless it says otherwise itself."""
    extra = dict(DEFAULT_HEADERS)
    extra["X-Request-Id"] = request_id(scope)
    if is_for_programs(scope["path"]):
        extra["Content-Security-Policy"] = NOTHING_POLICY
        extra["Cache-Control"] = "no-store"
        extra["Vary"] = "Origin"
        origin = headers.get("origin")
        if origin in policy.embeds.all_origins:
            extra["Access-Control-Allow-Origin"] = origin or ""
            extra["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"
    else:
        extra["Content-Security-Policy"] = CHAT_POLICY
        if not any(rule.who is Who.OPEN for rule in rules_of(scope["path"])):
            extra["Cache-Control"] = "no-store"  # it depends on who asks
    if policy.identity.is_secure(scope, headers):
        extra["Strict-Transport-Security"] = ONE_YEAR
    return extra
