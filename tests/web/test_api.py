"""The API as programs see it: asking, searching, reading and feedback."""

from __future__ import annotations

import gc
import json
import threading
import tracemalloc
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from conftest import make_app
from starlette.testclient import TestClient
from web_fakes import QUOTE, TALKS, MemoryCatalog, ScriptedAssistant, answered

from rag.answer_json import answer_to_dict, hit_to_dict
from rag.errors import NoDocumentsError, StoreError
from rag.history.opening import open_history
from rag.settings import Settings
from rag.store.filters import Filter
from rag.types import Answer, Document, Hit, Passage, Question, Turn
from rag.web.history.recent import RecentAnswers
from rag.web.workers import Workers

JSON = {"accept": "application/json"}


@pytest.fixture
def assistant() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture
def api(assistant, tmp_path) -> Iterator[TestClient]:
    app = make_app(assistant, data_dir=tmp_path)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def events(text: str) -> list[tuple[str, dict]]:
    """Read server-sent events, comments left out."""
    found = []
    for block in text.split("\n\n"):
        if block and not block.startswith(":"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def error_of(response) -> dict:
    error = response.json()["error"]
    assert set(error) == {"code", "message", "hint", "request_id"}
    assert len(error["request_id"]) == 16
    return error


def test_a_question_is_answered_in_json_as_everywhere(api, assistant):
    body = {
        "question": "What did China ask?",
        "history": [{"question": "Who met?", "answer": "Two governments."}],
        "filters": ["date>=2011"],
    }
    response = api.post("/api/v1/chat", json=body, headers=JSON)
    assert response.status_code == 200
    asked = Question("What did China ask?", (Turn("Who met?", "Two governments."),))
    assert assistant.asked == [asked]
    assert assistant.filters == (Filter("date", ">=", "2011"),)
    found = response.json()
    assert len(found.pop("answer_id")) == 22
    expected = list(assistant.stream(asked))[-1]
    assert found == json.loads(json.dumps(answer_to_dict(expected)))


def test_an_answer_is_streamed_as_events(api):
    response = api.post("/api/v1/chat", json={"question": "What did China ask?"})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.text.startswith(": request ")
    found = events(response.text)
    assert [name for name, _ in found] == ["found", "delta", "delta", "answer"]
    assert found[0][1]["query"] == "What did China ask?"
    assert found[1][1] == {"text": QUOTE + " [1] "}
    citation = found[-1][1]["citations"][0]
    assert TALKS.text[citation["start"] : citation["end"]] == citation["quote"] == QUOTE


def test_an_abstention_says_so(api):
    found = api.post("/api/v1/chat", json={"question": "the moon?"}, headers=JSON).json()
    assert found["abstained"] is True
    assert found["sentences"] == found["citations"] == []
    assert found["hits"][0]["title"] == "A week in Beijing"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"{}",
        b'{"question": ""}',
        b'{"question": "   "}',
        b'{"question": 7}',
        b'{"question": "\\ud800"}',
        b'{"question": "x", "other": 1}',
        b'{"question": "x", "history": [["a", "b"]]}',
        b'{"question": "x", "history": [{"question": "a"}]}',
        b'{"question": "x", "filters": ["nonsense"]}',
        json.dumps({"question": "x" * 2001}).encode(),
        json.dumps({"question": "x", "history": [{"question": "", "answer": ""}] * 21}).encode(),
        json.dumps({"question": "x", "filters": ["a=b"] * 11}).encode(),
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
def test_what_cannot_be_understood_is_refused_without_repeating_it(api, assistant, body):
    headers = {**JSON, "content-type": "application/json"}
    response = api.post("/api/v1/chat", content=body, headers=headers)
    assert response.status_code == 422
    assert error_of(response)["code"] == "invalid_request"
    assert assistant.asked == []


def test_a_body_that_does_not_say_it_is_json_is_refused(api):
    headers = {"content-type": "text/plain"}
    body = b'{"question": "x"}'
    assert api.post("/api/v1/chat", content=body, headers=headers).status_code == 422


def test_what_goes_wrong_inside_stays_inside(api, caplog):
    response = api.post("/api/v1/chat", json={"question": "broken"}, headers=JSON)
    assert response.status_code == 500
    error = error_of(response)
    assert error["message"] == "Something went wrong."
    assert "secret" not in response.text
    assert error["request_id"] in caplog.text
    assert "secret detail" in caplog.text


def test_what_goes_wrong_in_a_stream_is_its_last_event(api):
    response = api.post("/api/v1/chat", json={"question": "broken"})
    assert response.status_code == 200
    (name, data), *rest = events(response.text)
    assert name == "error"
    assert data["error"]["code"] == "internal"
    assert "secret" not in response.text
    assert rest == []


def test_an_unreachable_model_is_said_without_its_address(api):
    response = api.post("/api/v1/chat", json={"question": "unreachable"}, headers=JSON)
    assert response.status_code == 502
    assert error_of(response)["code"] == "model_unavailable"


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (NoDocumentsError("The store /srv/x is empty."), 409, "no_documents"),
        (StoreError("/srv/x/catalog.sqlite3: no such table: documents"), 500, "internal"),
    ],
)
def test_errors_name_no_path(raised, status, code, tmp_path):
    class Failing(ScriptedAssistant):
        def stream(self, question, filters=(), *, cancelled=lambda: False):
            raise raised
            yield

    app = make_app(Failing(), data_dir=tmp_path)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as api:
        response = api.post("/api/v1/chat", json={"question": "x"}, headers=JSON)
    assert response.status_code == status
    assert error_of(response)["code"] == code
    assert "/srv" not in response.text


def test_a_search_returns_hits(api, assistant):
    body = {"query": "human rights", "k": 1, "filters": ["title=The talks*"]}
    response = api.post("/api/v1/search", json=body)
    expected = hit_to_dict(assistant.search("human rights", 1)[0])
    assert response.json() == {"query": "human rights", "hits": [expected]}
    assert api.post("/api/v1/search", json={"query": "x", "k": 101}).status_code == 422
    assert api.post("/api/v1/search", json={"query": "broken"}).status_code == 500


def test_documents_are_listed_and_read(api):
    listed = api.get("/api/v1/documents?limit=1&offset=1").json()
    assert listed == {
        "documents": [
            {
                "doc_id": "other",
                "title": "A week in Beijing",
                "source": "corpus/other.md",
                "metadata": {"date": "2010-05-26"},
            }
        ],
        "total": 2,
    }
    url = "/api/v1/documents/" + quote(TALKS.doc_id, safe="")
    found = api.get(url).json()
    assert found["text"] == TALKS.text
    assert found["chars"] == found["end"] == len(TALKS.text)
    assert found["sections"][1]["title"] == "What China wants"
    part = api.get(url + "?start=4&end=9").json()
    assert (part["text"], part["start"], part["end"]) == ("talks", 4, 9)
    assert api.get(url + "?start=9999999").json()["text"] == ""
    assert api.get("/api/v1/documents/none").status_code == 404
    assert api.get(url + "?start=-1").status_code == 422


def test_a_passage_is_read_by_its_id(api):
    found = api.get("/api/v1/passages/other:0").json()
    assert found["text"] == "Posner kept a diary in Beijing. He walked a great deal."
    assert (found["doc_id"], found["start"], found["end"]) == ("other", 0, 55)
    assert error_of(api.get("/api/v1/passages/none"))["code"] == "not_found"


def test_a_lone_surrogate_in_a_document_is_no_error(tmp_path):
    odd = Document("odd", "Odd \ud800", "odd.jsonl", "A \udfff text")
    app = make_app(catalog=MemoryCatalog((odd,)), data_dir=tmp_path)
    with TestClient(app, base_url="http://127.0.0.1") as api:
        assert api.get("/api/v1/documents/odd").json()["text"] == "A ? text"


def test_feedback_names_an_answer_that_was_given(api, tmp_path):
    answer = api.post("/api/v1/chat", json={"question": "x"}, headers=JSON).json()
    said = {"answer_id": answer["answer_id"], "rating": "down", "comment": " Too old. "}
    assert api.post("/api/v1/feedback", json=said).status_code == 204
    [kept] = open_history(Settings(data_dir=tmp_path)).feedback()
    assert (kept.question, kept.rating, kept.comment) == ("x", "down", "Too old.")
    assert kept.person == "local"
    del answer["answer_id"]
    assert kept.answer == answer


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"answer_id": "guessed", "rating": "up"}, 404),
        ({"answer_id": "guessed", "rating": "sideways"}, 422),
        ({"answer_id": "guessed", "rating": "up", "comment": "x" * 2001}, 422),
    ],
)
def test_feedback_on_nothing_is_refused(api, said, status):
    assert api.post("/api/v1/feedback", json=said).status_code == status


def test_an_answer_is_remembered_for_its_asker_and_not_for_ever(assistant):
    first, second, third = (list(assistant.stream(Question(t)))[-1] for t in "abc")
    answers = RecentAnswers(capacity=2)
    ids = [answers.add(answer, "ann") for answer in (first, second, third)]
    found = [answers.get(answer_id, "ann") for answer_id in ids]
    assert found[0] is None
    assert list(map(answer_to_dict, found[1:])) == list(map(answer_to_dict, (second, third)))
    assert answers.get(ids[1], "bob") is None


def test_an_answer_is_remembered_with_what_came_before_it():
    history = (Turn("Who?", "Ann \ud800."), Turn("When?", ""))
    asked = answered(Question("And where?", history))
    answers = RecentAnswers()
    found = answers.get(answers.add(asked, "ann"), "ann")
    assert found.question == Question("And where?", history)
    assert found.answer_span == asked.answer_span


def test_what_is_remembered_takes_little_room():
    """As much as the passages of 500 answers do, it would be 30 MB."""
    words = [f"word{number * 7919 % 10_007}" for number in range(10_000)]
    texts = [" ".join(words[start : start + 150]) for start in range(0, 9_000, 300)]

    def answer(number: int) -> Answer:
        passages = [
            Passage(f"{number}:{place}", "d", text, 0, len(text), "", "")
            for place, text in enumerate(f"{number} {text}" for text in texts)
        ]
        hits = tuple(Hit(passage, 1.0, rank) for rank, passage in enumerate(passages, start=1))
        return Answer(Question(f"{number}?"), "", (), (), hits, True, 0.1)

    answers = RecentAnswers(capacity=50)
    tracemalloc.start()
    try:
        for number in range(60):
            answers.add(answer(number), "ann")
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    chars = 50 * sum(map(len, texts))
    assert chars > 1_500_000
    assert held < chars / 2


def test_documents_are_not_changed_without_a_writer(api):
    sent = api.post(
        "/api/v1/documents?name=a.md",
        content=b"x",
        headers={"content-type": "application/octet-stream"},
    )
    assert (sent.status_code, error_of(sent)["code"]) == (403, "forbidden")
    assert api.delete("/api/v1/documents/other").status_code == 403


def test_a_full_line_is_refused_with_when_to_come_back(tmp_path, monkeypatch):
    release, began = threading.Event(), threading.Semaphore(0)

    class Slow(ScriptedAssistant):
        def stream(self, question, filters=(), *, cancelled=lambda: False):
            began.release()
            release.wait(10)
            yield from super().stream(question, filters, cancelled=cancelled)

    few = Workers(threads=1, waiting=0)
    monkeypatch.setattr("rag.web.server.question_workers", lambda **_: few)
    app = make_app(Slow(), data_dir=tmp_path)
    first = []
    with TestClient(app, base_url="http://127.0.0.1") as api:

        def ask() -> None:
            first.append(api.post("/api/v1/chat", json={"question": "x"}, headers=JSON))

        thread = threading.Thread(target=ask)
        thread.start()
        assert began.acquire(timeout=10)
        refused = api.post("/api/v1/chat", json={"question": "x"}, headers=JSON)
        release.set()
        thread.join(10)
        again = api.post("/api/v1/chat", json={"question": "x"}, headers=JSON)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert error_of(refused)["code"] == "busy"
    assert [first[0].status_code, again.status_code] == [200, 200]


def test_the_server_says_when_it_is_ready(tmp_path):
    from rag.settings import Settings
    from rag.web.server import create_app

    ready = threading.Event()
    app = create_app(
        ScriptedAssistant(), MemoryCatalog(), Settings(data_dir=tmp_path), is_ready=ready.is_set
    )
    with TestClient(app, base_url="http://127.0.0.1") as api:
        assert api.get("/readyz").status_code == 503
        ready.set()
        assert api.get("/readyz").json() == {"status": "ready"}
        assert api.get("/healthz").json() == {"status": "ok"}
