"""Which header of which server keeps a page from showing the widget."""

from __future__ import annotations

import pytest
from portal import portal

from rag.errors import InputError
from rag.web.gate.csp import allows, directives_of
from rag.web.gate.embed_check import Fetched, check, judge, widget_of

PORTAL = "https://portal.corp"
ASK = "https://ask.corp"
GOOD = f"default-src 'none'; frame-ancestors {PORTAL}"


def problems(page=(), script=(), frame=(("content-security-policy", GOOD),), status=200, url=ASK):
    found = judge(
        Fetched(f"{PORTAL}/home", 200, page),
        Fetched(f"{url}/widget.js", status, script),
        Fetched(f"{url}/embed?c=hr", 200, frame),
        [value for name, value in page if name == "content-security-policy"],
    )
    return [f"{finding.what}: {finding.problem}" for finding in found if finding.problem]


def test_nothing_stands_in_the_way():
    assert problems() == []
    allowing = f"default-src 'self'; script-src 'self' {ASK}; frame-src {ASK}"
    assert problems(page=[("content-security-policy", allowing)]) == []
    assert problems(page=[("content-security-policy", "default-src https:")]) == []
    assert problems(page=[("content-security-policy", "img-src 'none'")]) == []


def test_the_pages_policy_is_named():
    (script, frame) = problems(page=[("content-security-policy", "default-src 'self'")])
    assert script == (
        f"Content-Security-Policy of {PORTAL}: default-src: it does not allow {ASK}/widget.js"
    )
    assert frame.endswith(f"it does not allow {ASK}/embed?c=hr")
    only = problems(page=[("content-security-policy", f"script-src {ASK}; frame-src 'none'")])
    assert len(only) == 1
    assert "frame-src" in only[0]


def test_each_of_two_policies_must_allow():
    both = [
        ("content-security-policy", "default-src *"),
        ("content-security-policy", "child-src a"),
    ]
    assert [p.split(": ")[1] for p in problems(page=both)] == ["child-src"]


def test_the_list_of_the_embed_is_named():
    (found,) = problems(frame=[("content-security-policy", "frame-ancestors 'none'")])
    assert found == f"Content-Security-Policy of {ASK}: frame-ancestors: it does not allow {PORTAL}"


@pytest.mark.parametrize("value", ["DENY", "SAMEORIGIN", " deny "])
def test_a_proxys_frame_options_are_named(value):
    (found,) = problems(frame=[("x-frame-options", value)])
    assert found == f"X-Frame-Options of {ASK}: it says {value.strip().lower()}"
    # Browsers do not look at it beside frame-ancestors.
    assert problems(frame=[("x-frame-options", value), ("content-security-policy", GOOD)]) == []


def test_other_obstacles_are_named():
    assert "answers 404" in problems(status=404)[0]
    assert all("has TLS" in problem for problem in problems(url="http://ask.corp"))
    (isolated,) = problems(page=[("cross-origin-embedder-policy", "require-corp")])
    assert "does not isolate itself" in isolated
    (kept,) = problems(script=[("cross-origin-resource-policy", "same-origin")])
    assert kept == f"Cross-Origin-Resource-Policy of {ASK}: it says same-origin"


@pytest.mark.parametrize(
    ("source", "url", "is_allowed"),
    [
        ("'self'", "https://portal.corp/x", True),
        ("'self'", "https://portal.corp:8443/x", False),
        ("*", "http://any.example/", True),
        ("*", "data:,x", False),
        ("https:", "https://any.example/", True),
        ("http:", "https://any.example/", True),
        ("https:", "http://any.example/", False),
        ("ask.corp", "https://ask.corp/widget.js", True),
        ("ask.corp", "http://ask.corp/widget.js", False),
        ("*.corp", "https://ask.corp/", True),
        ("*.corp", "https://corp/", False),
        ("*.corp", "https://a.corp.evil/", False),
        ("https://ask.corp:*", "https://ask.corp:8443/", True),
        ("https://ask.corp", "https://ask.corp:8443/", False),
        ("https://ask.corp/widget.js", "https://ask.corp/widget.js", True),
        ("https://ask.corp/other", "https://ask.corp/widget.js", False),
        ("https://ask.corp/ui/", "https://ask.corp/ui/x.js", True),
        ("'none'", "https://ask.corp/", False),
        ("'nonce-abc'", "https://ask.corp/", False),
        ("http://[::1]:7860", "http://[::1]:7860/", True),
    ],
)
def test_sources_match_as_in_a_browser(source, url, is_allowed):
    assert allows([source], url, "https://portal.corp/home") is is_allowed


def test_the_first_of_two_directives_counts():
    assert directives_of("Frame-Src a;; frame-src b ;x")["frame-src"] == ["a"]


def test_the_widget_is_found_in_a_page():
    html = (
        '<meta http-equiv="Content-Security-Policy" content="default-src x">'
        '<script src="/ask/widget.js?v=1" data-embed="hr" defer></script>'
    )
    widget = widget_of(Fetched(f"{PORTAL}/home", 200, (), html))
    assert (widget.server, widget.embed) == (f"{PORTAL}/ask/", "hr")
    assert widget.metas == ["default-src x"]
    frame = widget_of(Fetched(PORTAL, 200, (), f'<iframe src="{ASK}/embed?c=hr&lang=de">'))
    assert (frame.server, frame.embed) == (f"{ASK}/", "hr")


def test_pages_are_fetched():
    with portal() as site:
        site.put("/widget.js", "js", Cross_Origin_Resource_Policy="cross-origin")
        site.put("/embed", "page", X_Frame_Options="DENY")
        url = site.put("/home", f'<script src="{site.origin}/widget.js" data-embed="hr"></script>')
        blocked = [finding for finding in check(url) if finding.problem]
        assert [finding.what for finding in blocked] == [f"X-Frame-Options of {site.origin}"]
        empty = site.put("/empty", "<p>nothing</p>")
        with pytest.raises(InputError, match="holds no"):
            check(empty)
        given = check(empty, server=site.origin, embed="hr")
        assert [finding.what for finding in given if finding.problem] == [blocked[0].what]
    with pytest.raises(InputError, match="cannot be fetched"):
        check(url)
    with pytest.raises(InputError, match="is not an address"):
        check("file:///etc/passwd")
