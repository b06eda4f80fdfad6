"""The table of routes names every route of the application, Gradio's included."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import make_app

from rag.web.gate.routes import RULES, Who, rules_of


def routes_of(routes, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Walk over (method, path) of all routes, mounted and included ones too."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from routes_of(router.routes, prefix + route.include_context.prefix)
        elif getattr(route, "methods", None):
            yield from ((method, prefix + route.path) for method in route.methods)
        elif getattr(getattr(route, "app", None), "routes", None):
            yield from routes_of(route.app.routes, prefix + route.path)
        else:
            yield "GET", prefix + route.path + "/{path:path}"


def test_every_route_has_a_line_and_every_line_a_route():
    held = set(routes_of(make_app().routes))
    table = {(method, rule.path) for rule in RULES for method in rule.methods}
    assert held - table == set(), "routes that nobody has decided on: add them to TABLE"
    assert {path for _, path in table} - {path for _, path in held} == set()
    assert len(held) > 80


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/api/v1/documents/a/b\nc", Who.ASK),
        ("/ui/chat.js", Who.OPEN),
        ("/gradio_api/run/predict", Who.ASK),
        ("/gradio_api/file=/etc/passwd", Who.SHUT),
        ("/gradio_api/upload", Who.SHUT),
    ],
)
def test_a_path_falls_under_its_line(path, who):
    assert rules_of(path)[0].who is who


@pytest.mark.parametrize(
    "path",
    ["/ui/../server.py", "/ui/a/..", "/assets/%2e", "/gradio_api/run/ask", "/nothing", "", "//",
     "/HEALTHZ", "/healthz/", "/api/v1/chat/", "/gradio_api/heartbeat/a/b"],
)  # fmt: skip
def test_what_no_line_names_is_shut(path):
    assert rules_of(path) == []
