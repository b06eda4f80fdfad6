"""The audit, and Gradio's sessions that stay with their owners."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from web_fakes import MemoryCatalog, ScriptedAssistant

from rag.history.opening import open_history
from rag.settings import Settings
from rag.web.gate.audit import MAX_WHAT_CHARS
from rag.web.gate.limits import REFUSALS_PER_MINUTE
from rag.web.gate.sessions import Sessions
from rag.web.people.access import Right
from rag.web.people.keys import KeyFile
from rag.web.server import create_app

JSON = {"accept": "application/json"}
QUESTION = "What did China\u2028 ask?\n"


class Writer:
    def add(self, name, content, collection):
        return [name]

    def remove(self, doc_id):
        return True


def serve(data_dir, **settings) -> TestClient:
    app = create_app(
        ScriptedAssistant(),
        MemoryCatalog(),
        Settings(data_dir=data_dir, access="token", **settings),
        writing=Writer(),
    )
    return TestClient(app, base_url="http://127.0.0.1", client=("10.0.0.7", 5000))


@pytest.fixture
def keys(tmp_path):
    held = KeyFile(tmp_path / "keys.json")
    made = [held.create(name, list(Right), days=1) for name in ("ann", "bob")]
    return [({"authorization": f"Bearer {secret}"}, f"key {key.key_id}") for key, secret in made]


def lines(folder) -> list:
    return list(open_history(Settings(data_dir=folder)).audit())


def test_who_asked_changed_and_was_refused_is_written_down(tmp_path, keys):
    (ann, name), _ = keys
    with serve(tmp_path) as client:
        client.get("/api/v1/documents", headers=ann)
        client.post("/api/v1/chat", json={"question": QUESTION}, headers=ann | JSON)
        sent = ann | {"content-type": "application/octet-stream"}
        client.post("/api/v1/documents?name=a.md", content=b"x", headers=sent)
        client.delete("/api/v1/documents/other", headers=ann)
        refused = client.get("/runs", headers={"authorization": "Bearer fn_x"})
    found = lines(tmp_path)
    assert [(line.who, line.what, line.status) for line in found] == [
        (name, "POST /api/v1/chat", 200),
        (name, "POST /api/v1/documents", 201),
        (name, "DELETE /api/v1/documents/other", 204),
        ("nobody known", "GET /runs", 401),
    ]
    assert found[1].details["name"] == "a.md"
    assert found[3].request == refused.headers["x-request-id"]
    assert {line.address for line in found} == {"10.0.0.7"}
    assert "question" not in found[0].details


def test_the_words_of_questions_are_kept_when_that_is_set(tmp_path, keys):
    (ann, _), _ = keys
    with serve(tmp_path, audit="questions") as client:
        client.post("/api/v1/chat", json={"question": QUESTION}, headers=ann)
        client.post("/api/v1/search", json={"query": "rights"}, headers=ann)
        messages = [{"role": "user", "content": "Who?"}]
        client.post("/v1/chat/completions", json={"messages": messages}, headers=ann)
    assert [line.details["question"] for line in lines(tmp_path)] == [QUESTION, "rights", "Who?"]


def test_it_can_be_off_and_fail_without_harm(tmp_path, keys, caplog):
    (ann, _), _ = keys
    asked = {"question": "Who?"}
    with serve(tmp_path, audit="off") as client:
        client.post("/api/v1/chat", json=asked, headers=ann)
    assert lines(tmp_path) == []
    for file in tmp_path.glob("history.db*"):
        file.unlink()
    (tmp_path / "history.db").mkdir()
    with serve(tmp_path) as client:
        assert client.post("/api/v1/chat", json=asked, headers=ann | JSON).status_code == 200
    assert "audit line" in caplog.text


def test_a_session_of_the_chat_page_stays_with_its_owner(tmp_path, keys):
    (ann, _), (bob, _) = keys
    client = serve(tmp_path)
    body = {"fn_index": 0, "session_hash": "anns", "data": [], "event_id": "x"}
    assert client.post("/gradio_api/cancel", json=body, headers=ann).status_code == 200
    for path in ("cancel", "queue/join", "run/predict"):
        theirs = client.post(f"/gradio_api/{path}", json=body, headers=bob)
        assert theirs.status_code == 404
    for path in ("queue/data?session_hash=anns", "heartbeat/anns"):
        assert client.get(f"/gradio_api/{path}", headers=bob).status_code == 404
    own = body | {"session_hash": "bobs"}
    assert client.post("/gradio_api/cancel", json=own, headers=bob).status_code == 200
    odd = client.post("/gradio_api/cancel", content=b"[", headers=bob)
    assert odd.status_code == 422


@pytest.mark.parametrize("body", [b"[" * 30_000 + b"]" * 30_000, b"{", b"\xff"])
def test_what_the_gate_cannot_read_goes_no_further(tmp_path, keys, body):
    (ann, _), _ = keys
    client = serve(tmp_path)
    for path in ("cancel", "queue/join", "run/predict"):
        answer = client.post(f"/gradio_api/{path}", content=body, headers=ann)
        assert (answer.status_code, answer.json()["detail"]) == (422, "The body is not JSON.")


def test_a_line_is_short_however_long_the_path(tmp_path):
    with serve(tmp_path) as client:
        client.get("/documents/" + "a" * 60_000)
    [line] = lines(tmp_path)
    assert line.what == "GET /documents/" + "a" * (MAX_WHAT_CHARS - len("GET /documents/"))


def test_whoever_is_refused_again_and_again_does_not_fill_the_disk(tmp_path, keys):
    (ann, name), _ = keys
    with serve(tmp_path) as client:
        for _ in range(REFUSALS_PER_MINUTE + 5):
            client.get("/runs")
        client.post("/api/v1/chat", json={"question": "Who?"}, headers=ann | JSON)
    found = lines(tmp_path)
    assert [line.status for line in found] == [401] * REFUSALS_PER_MINUTE + [200]
    assert found[-1].who == name


def test_old_sessions_are_forgotten():
    sessions = Sessions(capacity=2)
    assert all(sessions.belongs_to(name, "ann") for name in ("a", "b", "a", "c"))
    assert not sessions.belongs_to("a", "bob")
    assert sessions.belongs_to("b", "bob")
