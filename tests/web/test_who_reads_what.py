"""Every route, for everybody: a matrix made from the table of routes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from shared_store import PEOPLE, QUESTION, Shared, shared_store
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from rag.web.gate.gate import Gate
from rag.web.gate.policy import build_policy
from rag.web.gate.routes import RULES, Rule, Who

ADDRESSES = itertools.count()
JSON = {"accept": "application/json"}
BYTES = {"content-type": "application/octet-stream"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Shared]:
    with shared_store(tmp_path_factory.mktemp("shared")) as shared:
        yield shared


@pytest.fixture(scope="module")
def gate(shared) -> Gate:
    """The gate of that server, before an application that answers everything that comes in."""
    return Gate(PlainTextResponse("in"), policy=build_policy(shared.settings))


def client_of(app: Any) -> TestClient:
    """Call from an address of its own: failures are counted by address."""
    number = next(ADDRESSES)
    peer = f"10.{78 + number // 62_500}.{number // 250 % 250}.{number % 250}"
    return TestClient(app, base_url="http://127.0.0.1", client=(peer, 5000))


def path_of(rule: Rule, *, session: str) -> str:
    """Make a path that falls under a line."""
    names = {"{api_name}": "predict", "{path:path}": "chat.js", "{session_hash}": session}
    path = rule.path
    for name, value in names.items():
        path = path.replace(name, value)
    while "{" in path:
        path = path[: path.index("{")] + "1" + path[path.index("}") + 1 :]
    return path


def status_at_the_gate(rule: Rule, person: str) -> int:
    if rule.who in (Who.OPEN, Who.SIGN_IN):
        return 200
    if rule.who is Who.SHUT:
        return 404
    return {"nobody": 401, "expired": 401, "suspended": 403}.get(person, 200)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{min(rule.methods)} {rule.path}")
def test_the_gate_lets_in_whom_the_table_says(shared, gate, rule, person):
    for method in sorted(rule.methods):
        body = {"content": b"{}"} if method in ("POST", "PUT", "PATCH") else {}
        path = path_of(rule, session=person.replace(" ", ""))
        response = client_of(gate).request(method, path, headers=shared.headers(person), **body)
        assert response.status_code == status_at_the_gate(rule, person)


LOOKED_AT = {"nobody": 401, "expired": 401, "suspended": 403}
NOT_THERE = LOOKED_AT | {"other": 404, "other member": 404}
FOR_ALL = LOOKED_AT | {"other": 200, "other member": 200, "member": 200}

Call = Callable[[Shared, TestClient, dict[str, str]], Any]


def _get(path: str) -> Call:
    def call(shared: Shared, client: TestClient, headers: dict[str, str]) -> Any:
        address = path.format(doc=shared.secret_id, passage=shared.secret_passage)
        return client.get(address, headers=headers)

    return call


def _ask(path: str, body: dict[str, Any]) -> Call:
    return lambda shared, client, headers: client.post(path, json=body, headers=headers | JSON)


def _rate(shared: Shared, client: TestClient, headers: dict[str, str]) -> Any:
    """Rate an answer that the member was given."""
    asked = _ask("/api/v1/chat", {"question": QUESTION})
    answer_id = asked(shared, client_of(shared.app), shared.headers("member")).json()["answer_id"]
    body = {"answer_id": answer_id, "rating": "up"}
    return client.post("/api/v1/feedback", json=body, headers=headers)


def _send(shared: Shared, client: TestClient, headers: dict[str, str]) -> Any:
    path = "/api/v1/documents?name=new.md&collection=hr"
    return client.post(path, content=b"# New\n\nNobody's words.", headers=headers | BYTES)


def _remove(shared: Shared, client: TestClient, headers: dict[str, str]) -> Any:
    """Remove a document of the collection that only members may read."""
    sent = _send(shared, client_of(shared.app), shared.headers("member"))
    (doc_id,) = sent.json()["doc_ids"]
    return client.delete(f"/api/v1/documents/{doc_id}", headers=headers)


def _conversation(method: str, below: str = "", body: Any = None) -> Call:
    """Reach for a conversation of the member's."""

    def call(shared: Shared, client: TestClient, headers: dict[str, str]) -> Any:
        path = f"/api/v1/conversations/{shared.conversation_of('member')}{below}"
        return client.request(method, path, json=body, headers=headers)

    return call


def _erase(shared: Shared, client: TestClient, headers: dict[str, str]) -> Any:
    return client.delete("/api/v1/history", headers=headers)


CASES: dict[str, tuple[Call, dict[str, int]]] = {
    "GET /api/v1/documents/{doc_id:any}": (
        _get("/api/v1/documents/{doc}"),
        NOT_THERE | {"member": 200},
    ),
    "GET /api/v1/passages/{passage_id:any}": (
        _get("/api/v1/passages/{passage}"),
        NOT_THERE | {"member": 200},
    ),
    "GET /documents/{doc_id:any}": (_get("/documents/{doc}"), NOT_THERE | {"member": 200}),
    "POST /api/v1/feedback": (_rate, NOT_THERE | {"member": 204}),
    "POST /api/v1/documents": (
        _send,
        LOOKED_AT | {"other": 403, "other member": 403, "member": 201},
    ),
    "DELETE /api/v1/documents/{doc_id:any}": (_remove, NOT_THERE | {"member": 204}),
    "GET /pages/{doc_id:any}": (_get("/pages/{doc}"), NOT_THERE | {"member": 404}),
    "GET /api/v1/conversations/{conversation_id}": (
        _conversation("GET"),
        NOT_THERE | {"member": 200},
    ),
    "GET /api/v1/conversations/{conversation_id}/markdown": (
        _conversation("GET", "/markdown"),
        NOT_THERE | {"member": 200},
    ),
    "PATCH /api/v1/conversations/{conversation_id}": (
        _conversation("PATCH", body={"title": "Vaults"}),
        NOT_THERE | {"member": 204},
    ),
    "DELETE /api/v1/conversations/{conversation_id}": (
        _conversation("DELETE"),
        NOT_THERE | {"member": 204},
    ),
    "GET /api/v1/conversations": (_get("/api/v1/conversations"), FOR_ALL),
    "GET /api/v1/history": (_get("/api/v1/history"), FOR_ALL),
    "DELETE /api/v1/history": (_erase, FOR_ALL),
    "GET /runs/{name}/report": (_get("/runs/x/report"), NOT_THERE | {"member": 404}),
    "GET /api/v1/documents": (_get("/api/v1/documents"), FOR_ALL),
    "GET /runs": (_get("/runs"), FOR_ALL),
    "GET /v1/models": (_get("/v1/models"), FOR_ALL),
    "GET,HEAD /api/v1/openapi.json": (_get("/api/v1/openapi.json"), FOR_ALL),
    "POST /api/v1/chat": (_ask("/api/v1/chat", {"question": QUESTION}), FOR_ALL),
    "POST /api/v1/search": (_ask("/api/v1/search", {"query": QUESTION}), FOR_ALL),
    "POST /v1/chat/completions": (
        _ask("/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}]}),
        FOR_ALL,
    ),
}
"""What each route is asked for, and what everybody gets."""


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("line", CASES)
def test_a_forbidden_thing_is_there_for_members_alone(shared, line, person):
    call, statuses = CASES[line]
    response = call(shared, client_of(shared.app), shared.headers(person))
    assert response.status_code == statuses[person]


ELSEWHERE = {"POST /api/v1/mcp"}
"""Lines that another file tests: test_canary.py."""


def test_every_route_that_names_a_thing_is_in_the_matrix():
    """A new one needs a case: what does it tell somebody who may not read the thing?"""
    lines = {
        f"{','.join(sorted(rule.methods))} {rule.path}"
        for rule in RULES
        if rule.who not in (Who.OPEN, Who.SIGN_IN, Who.SHUT)
        and (rule.is_api or "{" in rule.path)
        and not rule.path.startswith("/gradio_api/")
    }
    assert lines - CASES.keys() - ELSEWHERE == set()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/documents/{doc}",
        "/api/v1/documents/{doc}?start=3&end=9",
        "/api/v1/passages/{passage}",
        "/documents/{doc}",
        "/documents/{doc}?view=panel&start=3&end=9",
        "/pages/{doc}?page=1",
    ],
)
@pytest.mark.parametrize("person", ["other", "other member"])
def test_absent_and_forbidden_are_answered_alike(shared, path, person):
    absent = path.format(doc="0123456789abcdef", passage="0123456789abcdef:0")
    forbidden, missing = (
        _get(address)(shared, client_of(shared.app), shared.headers(person))
        for address in (path, absent)
    )
    assert forbidden.status_code == missing.status_code == 404
    assert words_of(forbidden) == words_of(missing)
    assert forbidden.headers.keys() == missing.headers.keys()


def words_of(response: Any) -> Any:
    if "json" not in response.headers.get("content-type", ""):
        return response.text
    error = response.json()["error"]
    return {name: error[name] for name in ("code", "message", "hint")}


def test_a_forbidden_collection_and_an_unknown_one_take_no_documents_alike(shared):
    headers = shared.headers("other") | BYTES
    answers = [
        client_of(shared.app).post(
            f"/api/v1/documents?name=new.md&collection={name}", content=b"x", headers=headers
        )
        for name in ("hr", "nothing")
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert words_of(answers[0]) == words_of(answers[1])
    removed = [
        client_of(shared.app).delete(f"/api/v1/documents/{doc_id}", headers=headers)
        for doc_id in (shared.secret_id, "0123456789abcdef")
    ]
    assert [answer.status_code for answer in removed] == [404, 404]
    assert words_of(removed[0]) == words_of(removed[1])
    assert _get("/documents/{doc}")(
        shared, client_of(shared.app), shared.headers("member")
    ).is_success


def test_two_collections_may_hold_files_of_one_name(shared):
    sent = {}
    for name, person in (("default", "other"), ("law", "other member")):
        headers = shared.headers(person) | BYTES
        path = f"/api/v1/documents?name=same.md&collection={name}"
        response = client_of(shared.app).post(path, content=b"# Same\n\nWords.", headers=headers)
        (sent[name],) = response.json()["doc_ids"]
    assert sent["default"] != sent["law"]

    def listed(person: str) -> set[str]:
        found = _get("/api/v1/documents")(shared, client_of(shared.app), shared.headers(person))
        assert found.json()["total"] == len(found.json()["documents"])
        return {document["doc_id"] for document in found.json()["documents"]}

    assert sent["law"] not in listed("other")
    assert {sent["default"], sent["law"]} <= listed("other member")
    for name, person in (("default", "other"), ("law", "other member")):
        path = f"/api/v1/documents/{sent[name]}"
        response = client_of(shared.app).delete(path, headers=shared.headers(person))
        assert response.status_code == 204
