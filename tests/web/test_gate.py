"""The gate, by mode: who comes in, from where, how often."""

from __future__ import annotations

import base64
import itertools
import time

import jwt
import pytest
from starlette.testclient import TestClient
from web_fakes import MemoryCatalog, ScriptedAssistant

from rag.errors import ConfigurationError
from rag.settings import Settings
from rag.web.gate.policy import build_policy
from rag.web.gate.routes import RULES, Who
from rag.web.people.access import Right
from rag.web.people.identity import check_binding
from rag.web.people.keys import KeyFile
from rag.web.server import create_app

PORTAL = "https://portal.corp"
SECRET = "s" * 32
JSON = {"accept": "application/json"}
ADDRESSES = itertools.count()
QUESTION = {"question": "What did China ask?"}


class Writer:
    def add(self, name, content, collection):
        return [f"{name}:{len(content)}"]

    def remove(self, doc_id):
        return doc_id == "other"


def serve(tmp_path, peer="203.0.113.9", **settings) -> TestClient:
    app = create_app(
        ScriptedAssistant(),
        MemoryCatalog(),
        Settings(data_dir=tmp_path, **settings),
        writing=Writer(),
    )
    return TestClient(app, base_url="http://127.0.0.1", client=(peer, 5000))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def keys(folder) -> dict[str, str]:
    held = KeyFile(folder / "keys.json")
    _, ask = held.create("ask", [Right.ASK], days=1)
    _, ingest = held.create("ingest", [Right.ASK, Right.INGEST], days=1)
    gone, revoked = held.create("revoked", [Right.ASK, Right.INGEST], days=1)
    held.revoke(gone.key_id)
    _, expired = held.create("expired", [Right.ASK, Right.INGEST], days=-1)
    return {"ask": ask, "ingest": ingest, "revoked": revoked, "expired": expired}


@pytest.fixture(scope="module")
def guarded(folder, keys):
    """A server in the mode `token`, allowing one embed."""
    return serve(
        folder,
        access="token",
        embeds={"handbook": (PORTAL,)},
        embed_secret=SECRET,
        questions_per_minute=100_000,
    )


def from_elsewhere(client: TestClient) -> TestClient:
    """Call the same server from an address of its own: failures are counted by address."""
    number = next(ADDRESSES)
    peer = f"10.77.{number // 250}.{number % 250}"
    return TestClient(client.app, base_url="http://127.0.0.1", client=(peer, 5000))


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def address_of(rule) -> str:
    """Make a path that falls under a line."""
    path = rule.path.replace("{doc_id:any}", "other").replace("{passage_id:any}", "other:0")
    path = path.replace("{api_name}", "predict").replace("{path:path}", "chat.js")
    return path.replace("{session_hash}", "abc").replace("{name}", "x")


CLOSED = [rule for rule in RULES if rule.who not in (Who.OPEN, Who.SIGN_IN, Who.SHUT)]
PROOFS = ("nothing", "nonsense", "revoked", "expired", "unsigned", "ask without ingest")


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("rule", CLOSED, ids=lambda rule: f"{min(rule.methods)} {rule.path}")
def test_nobody_comes_in_without_what_it_takes(guarded, keys, rule, proof):
    headers = {
        "nothing": {},
        "nonsense": bearer("fn_nonsense"),
        "revoked": bearer(keys["revoked"]),
        "expired": bearer(keys["expired"]),
        "unsigned": bearer(jwt.encode(claims(), None, algorithm="none")),
        "ask without ingest": bearer(keys["ask"]),
    }[proof]
    status = 401
    if proof == "ask without ingest":
        if rule.who is not Who.INGEST:
            pytest.skip("such a key may come in here")
        status = 403
    client = from_elsewhere(guarded)
    for method in rule.methods:
        response = client.request(method, address_of(rule), headers=headers)
        assert response.status_code == status
        if status == 401:
            challenge = response.headers["www-authenticate"]
            assert challenge.startswith("Bearer" if rule.is_api else "Basic")


def test_a_key_opens_what_it_is_for(guarded, keys):
    ask, ingest = bearer(keys["ask"]), bearer(keys["ingest"])
    assert guarded.post("/api/v1/chat", json=QUESTION, headers=ask | JSON).status_code == 200
    assert guarded.get("/", headers=ask).status_code == 200
    password = base64.b64encode(f"ann:{keys['ask']}".encode()).decode()
    assert guarded.get("/", headers={"authorization": f"Basic {password}"}).status_code == 200
    sent = guarded.post(
        "/api/v1/documents?name=a.md",
        content=b"text",
        headers=ingest | {"content-type": "application/octet-stream"},
    )
    assert (sent.status_code, sent.json()) == (201, {"doc_ids": ["a.md:4"]})
    assert guarded.delete("/api/v1/documents/other", headers=ingest).status_code == 204
    assert guarded.delete("/api/v1/documents/none", headers=ingest).status_code == 404
    typed = guarded.post("/api/v1/documents?name=a.md", content=b"x", headers=ingest)
    assert typed.status_code == 415


def test_an_answer_can_be_rated_by_its_asker_alone(guarded, keys):
    ask, other = bearer(keys["ask"]), bearer(keys["ingest"])
    answer = guarded.post("/api/v1/chat", json=QUESTION, headers=ask | JSON).json()
    said = {"answer_id": answer["answer_id"], "rating": "up"}
    absent = {"answer_id": "x" * 22, "rating": "up"}
    forbidden = guarded.post("/api/v1/feedback", json=said, headers=other)
    unknown = guarded.post("/api/v1/feedback", json=absent, headers=other)
    assert (forbidden.status_code, unknown.status_code) == (404, 404)
    assert forbidden.json()["error"]["message"] == unknown.json()["error"]["message"]
    assert guarded.post("/api/v1/feedback", json=said, headers=ask).status_code == 204


def claims(**changed):
    now = int(time.time())
    return {"sub": "ann", "aud": "footnote", "iat": now, "exp": now + 300} | changed


def test_a_signed_token_may_ask_and_nothing_else(guarded):
    token = bearer(jwt.encode(claims(), SECRET, algorithm="HS256"))
    assert guarded.post("/api/v1/chat", json=QUESTION, headers=token | JSON).status_code == 200
    assert guarded.delete("/api/v1/documents/other", headers=token).status_code == 403


def signed(secret=SECRET, algorithm="HS256", headers=None, **changed):
    return jwt.encode(claims(**changed), secret, algorithm=algorithm, headers=headers)


def since(seconds, **changed):
    """Sign claims whose times are counted from now, in seconds."""
    now = int(time.time())
    return signed(**{name: now + value for name, value in {**changed, "iat": seconds}.items()})


@pytest.mark.parametrize(
    "make",  # when the test runs: a token made any earlier could be refused for its age alone
    [
        lambda: signed(None, "none"),
        lambda: signed("t" * 32),
        lambda: signed(SECRET * 2, "HS512"),
        lambda: since(-300, exp=-5),
        lambda: since(0, exp=3600),
        lambda: since(600, exp=900),
        lambda: signed(aud="other"),
        lambda: signed(sub=""),
        lambda: signed(sub="a\nb"),
        lambda: jwt.encode({"sub": "ann", "aud": "footnote"}, SECRET, algorithm="HS256"),
        lambda: signed(headers={"jku": "https://evil.example"})[:-2],
        lambda: signed(more="x" * 5000),
        lambda: "a.b.c",
    ],
)
def test_other_tokens_prove_nothing(guarded, make):
    client = from_elsewhere(guarded)
    response = client.post("/api/v1/chat", json=QUESTION, headers=bearer(make()) | JSON)
    assert response.status_code == 401


def test_guessing_keys_is_slowed_down(folder):
    client = serve(folder, access="token")
    statuses = [
        client.get("/api/v1/documents", headers=bearer(f"fn_{number}")) for number in range(22)
    ]
    assert [response.status_code for response in statuses] == [401] * 20 + [429] * 2
    assert 1 <= int(statuses[-1].headers["retry-after"]) <= 60


def test_a_person_may_ask_so_much(folder, keys):
    client = serve(folder, access="token", questions_per_minute=2)
    ask, other = bearer(keys["ask"]) | JSON, bearer(keys["ingest"]) | JSON
    statuses = [client.post("/api/v1/chat", json=QUESTION, headers=ask) for _ in range(3)]
    assert [response.status_code for response in statuses] == [200, 200, 429]
    assert 1 <= int(statuses[-1].headers["retry-after"]) <= 60
    assert statuses[-1].json()["error"]["code"] == "too_many"
    assert client.get("/api/v1/documents", headers=ask).status_code == 200
    assert client.post("/api/v1/chat", json=QUESTION, headers=other).status_code == 200


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("10.1.2.3", {"x-forwarded-user": "ann"}, 200),
        ("::ffff:10.1.2.3", {"x-forwarded-user": "ann"}, 200),
        ("10.1.2.3", {}, 401),
        ("10.1.2.3", {"x-forwarded-user": ""}, 401),
        ("10.1.2.3", {"x-forwarded-user": "x" * 201}, 401),
        ("10.9.9.9", {"x-forwarded-user": "ann"}, 401),
        ("10.9.9.9", {"x-forwarded-user": "ann", "x-forwarded-for": "10.1.2.3"}, 401),
    ],
)
def test_only_the_proxy_may_name_a_person(tmp_path, peer, headers, status):
    client = serve(tmp_path, peer, access="proxy", proxy_networks=("10.1.2.0/24",))
    assert client.post("/api/v1/chat", json=QUESTION, headers=headers | JSON).status_code == status


def test_two_names_are_none(tmp_path):
    client = serve(tmp_path, "10.1.2.3", access="proxy", proxy_networks=("10.1.2.3",))
    headers = [("x-forwarded-user", "ann"), ("X-Forwarded-User", "bob")]
    assert client.get("/api/v1/documents", headers=headers).status_code == 401


def test_behind_a_proxy_with_tls_browsers_are_told_to_stay_there(tmp_path):
    client = serve(tmp_path, "10.1.2.3", access="proxy", proxy_networks=("10.1.2.3",))
    secure = {"x-forwarded-proto": "https"}
    assert "strict-transport-security" in client.get("/healthz", headers=secure).headers
    assert "strict-transport-security" not in client.get("/healthz").headers
    away = serve(tmp_path, "10.9.9.9", access="proxy", proxy_networks=("10.1.2.3",))
    assert "strict-transport-security" not in away.get("/healthz", headers=secure).headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (PORTAL, True),
        ("http://portal.corp", False),
        ("https://portal.corp:8443", False),
        ("https://portal.corp.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_pages_of_an_embed_may_call_the_api_and_no_others(guarded, keys, origin, allowed):
    headers = bearer(keys["ask"]) | JSON | {"origin": origin, "sec-fetch-site": "cross-site"}
    response = guarded.post("/api/v1/chat", json=QUESTION, headers=headers)
    assert response.status_code == (200 if allowed else 403)
    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert "access-control-allow-credentials" not in response.headers
    asked = {"origin": origin, "access-control-request-method": "POST"}
    preflight = guarded.options("/api/v1/chat", headers=asked)
    assert preflight.status_code == (204 if allowed else 403)
    assert preflight.headers.get("access-control-allow-origin") == (origin if allowed else None)
    page = guarded.post("/gradio_api/cancel", json={}, headers=headers)
    assert page.status_code == 403
    assert "access-control-allow-origin" not in page.headers


def test_other_methods_are_named(guarded):
    response = guarded.put("/api/v1/chat", json=QUESTION)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_sizes_are_limited(tmp_path):
    client = serve(tmp_path)
    assert client.post("/api/v1/chat", content=b"x" * 65_537).status_code == 413
    assert client.post("/api/v1/chat", content=iter([b"{}"])).status_code == 411
    response = client.post("/api/v1/chat", content=b"x" * 65_537)
    assert response.json()["error"]["request_id"] == response.headers["x-request-id"]


def test_by_default_nobody_can_change_documents(tmp_path):
    client = serve(tmp_path, "127.0.0.1")
    sent = client.post("/api/v1/documents?name=a.md", content=b"x")
    assert sent.status_code == 403


def test_websockets_are_refused(guarded):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), guarded.websocket_connect("/"):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_this_machine_may_be_listened_on(host):
    check_binding(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "ask.corp", "localhost.evil"])
def test_other_addresses_need_a_mode(host):
    with pytest.raises(ConfigurationError, match="this machine only") as error:
        check_binding(Settings(host=host))
    assert "FOOTNOTE_ACCESS=token" in error.value.hint
    for access in ("open", "token", "proxy", "oidc"):
        check_binding(Settings(host=host, access=access))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"access": "proxy"}, "where the proxy is"),
        ({"access": "proxy", "proxy_networks": ("10.1.2.3/8",)}, "not a network"),
        ({"embed_secret": "short"}, "fewer than 32"),
        ({"embeds": {"a": ("*",)}}, "not an origin"),
        ({"embeds": {"a": ("https://*.corp",)}}, "not an origin"),
        ({"embeds": {"a": ("https://portal.corp/",)}}, "not an origin"),
        ({"embeds": {"a": ("https://a.corp; script-src *",)}}, "not an origin"),
        ({"embeds": {"a b": ()}}, "no plain name"),
    ],
)
def test_settings_that_mean_something_else_are_refused(settings, says):
    with pytest.raises(ConfigurationError, match=says):
        build_policy(Settings(**settings))


def test_trusted_hosts_are_known(tmp_path):
    client = serve(tmp_path, trusted_hosts=("Ask.Corp",))
    assert client.get("/healthz", headers={"host": "ask.corp"}).status_code == 200
    assert client.get("/healthz", headers={"host": "other.corp"}).status_code == 400
