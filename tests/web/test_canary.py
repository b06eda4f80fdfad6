"""A document that only members may read: asked for in every way, others never meet a word of it."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import serving
from shared_store import PAYROLL, QUESTION, SECRETS, Shared, shared_store
from starlette.testclient import TestClient
from web_fakes import QUOTE, TALKS, MemoryCatalog, ScriptedAssistant

from rag.settings import Settings
from rag.web.api.mcp_server import PATH as MCP
from rag.web.api.mcp_server import is_installed
from rag.web.links import document_url
from rag.web.people.access import Right
from rag.web.people.keys import KeyFile
from rag.web.server import create_app

JSON = {"accept": "application/json"}
OTHERS = ("other", "other member")
SHOWN = {
    "chat", "chat stream", "search", "OpenAI", "OpenAI stream", "documents", "document", "passage",
    "page", "panel", "chat page opens", "chat page answers",
} | ({"MCP ask", "MCP search"} if is_installed() else set())  # fmt: skip
"""The ways on which a member meets the document."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Shared]:
    with shared_store(tmp_path_factory.mktemp("canary")) as shared:
        yield shared


@pytest.fixture(scope="module")
def url(shared) -> Iterator[str]:
    with serving(shared.app) as url:
        yield url


def every_way(shared: Shared, url: str, person: str) -> Iterator[tuple[str, str]]:
    """Ask for the document in every way; yield each way and all that came back."""
    with httpx.Client(base_url=url, headers=shared.headers(person), timeout=60) as client:

        def post(path: str, body: Any, **headers: str) -> str:
            return whole(client.post(path, json=body, headers=headers))

        def get(path: str) -> str:
            return whole(client.get(path))

        yield "chat", post("/api/v1/chat", {"question": QUESTION}, **JSON)
        yield "chat stream", post("/api/v1/chat", {"question": QUESTION})
        yield "search", post("/api/v1/search", {"query": QUESTION, "k": 100})
        for number, text in enumerate(
            ("collection=hr", "title=*", "source=*", f"doc_id={shared.secret_id}", "collection>=a")
        ):
            for path, words in (("chat", {"question": "vault"}), ("search", {"query": "vault"})):
                body = {**words, "filters": [text]}
                yield f"{path} with filter {number}", post(f"/api/v1/{path}", body, **JSON)
        messages = [{"role": "user", "content": QUESTION}]
        yield "OpenAI", post("/v1/chat/completions", {"messages": messages})
        yield "OpenAI stream", post("/v1/chat/completions", {"messages": messages, "stream": True})
        yield "models", get("/v1/models")
        yield "documents", get("/api/v1/documents?limit=1000")
        for offset in range(4):
            yield f"documents from {offset}", get(f"/api/v1/documents?limit=1&offset={offset}")
        yield "document", get(f"/api/v1/documents/{shared.secret_id}")
        yield "passage", get(f"/api/v1/passages/{shared.secret_passage}")
        yield "page", get(f"/documents/{shared.secret_id}")
        yield "panel", get(f"/documents/{shared.secret_id}?view=panel&start=0&end=20")
        yield "picture", get(f"/pages/{shared.secret_id}?page=1")
        for path in ("/api/v1/conversations", "/api/v1/history", "/runs", "/", "/config"):
            yield path, get(path)
        if is_installed():
            yield "MCP ask", post(MCP, _call("ask", question=QUESTION), **_MCP)
            yield "MCP search", post(MCP, _call("search", query=QUESTION, k=20), **_MCP)
        yield from _mistakes(shared, post, get)
        yield from _chat_page(client)


_MCP = {"accept": "application/json, text/event-stream"}


def _call(tool: str, **arguments: object) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def _mistakes(shared: Shared, post: Any, get: Any) -> Iterator[tuple[str, str]]:
    """Ask for what is refused: no refusal may tell more than another."""
    yield "empty question", post("/api/v1/chat", {"question": ""})
    yield "bad filter", post("/api/v1/search", {"query": "vault", "filters": ["hr"]})
    yield "long question", post("/api/v1/chat", {"question": "vault " * 500})
    yield "bad stretch", get(f"/api/v1/documents/{shared.secret_id}?start=-1")
    yield "bad place", get(f"/documents/{shared.secret_id}?start=x&end=y")
    yield "no rating", post("/api/v1/feedback", {"answer_id": "x" * 22, "rating": "up"})
    yield "method", post(f"/api/v1/passages/{shared.secret_passage}", {})


def _chat_page(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Do what the chat page's script does: open the page, then ask."""
    functions = client.get("/config").json()["dependencies"]
    by_target = {
        (component, event): number
        for number, function in enumerate(functions)
        for component, event in function["targets"]
    }
    load = next(number for (_, event), number in by_target.items() if event == "load")
    ask = next(number for (_, event), number in by_target.items() if event == "submit")
    for name, number in (("chat page opens", load), ("chat page answers", ask)):
        yield name, "".join(_run(client, functions[number], number))


SESSIONS = itertools.count()


def _run(client: httpx.Client, function: dict[str, Any], number: int) -> Iterator[str]:
    session = f"canary{next(SESSIONS)}"
    data = [QUESTION if place == 0 else None for place in range(len(function["inputs"]))]
    body = {"data": data, "fn_index": number, "session_hash": session}
    if not function["queue"]:
        yield whole(client.post("/gradio_api/run/predict", json=body))
        return
    yield whole(client.post("/gradio_api/queue/join", json=body))
    path = f"/gradio_api/queue/data?session_hash={session}"
    with client.stream("GET", path) as response:
        for line in response.iter_lines():
            yield line + "\n"
            if '"close_stream"' in line or '"process_completed"' in line:
                return


def whole(response: httpx.Response) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    return f"{response.status_code}\n{headers}\n{response.text}"


def told(text: str) -> list[str]:
    return [word for word in SECRETS if word in text.casefold()]


@pytest.mark.parametrize("person", OTHERS)
def test_others_never_meet_a_word_of_it(shared, url, person, caplog, capfd):
    caplog.set_level(logging.INFO)
    ways = dict(every_way(shared, url, person))
    assert {way: told(text) for way, text in ways.items() if told(text)} == {}
    assert ways.keys() >= SHOWN
    for way in ("chat", "search", "chat page answers"):
        assert "handbook" in ways[way], f"{way} finds what may be found"
    out, err = capfd.readouterr()
    assert told(caplog.text + out + err) == []


def test_a_member_meets_it_on_every_way(shared, url, caplog, capfd):
    ways = dict(every_way(shared, url, "member"))
    assert {way for way, text in ways.items() if told(text)} >= SHOWN
    # What is logged, for members as for all, says nothing of the documents.
    out, err = capfd.readouterr()
    assert told(caplog.text + out + err) == []


def test_an_answer_of_a_member_is_nothing_to_others(shared, url):
    """Not by its id, and not because somebody has asked the same before."""
    with httpx.Client(base_url=url, timeout=60) as client:
        member, other = shared.headers("member"), shared.headers("other")
        question = {"question": QUESTION}
        answer = client.post("/api/v1/chat", json=question, headers=member | JSON).json()
        assert told(json.dumps(answer))
        said = {"answer_id": answer["answer_id"], "rating": "up", "comment": "me too"}
        assert client.post("/api/v1/feedback", json=said, headers=other).status_code == 404
        again = client.post("/api/v1/chat", json=question, headers=other | JSON)
        assert again.status_code == 200
        assert told(again.text) == []
        kept = client.get("/api/v1/history", headers=other).text
        assert told(kept) == []


def test_nothing_forbidden_counts(shared, url):
    with httpx.Client(base_url=url, timeout=60) as client:
        totals = {
            person: client.get("/api/v1/documents", headers=shared.headers(person)).json()["total"]
            for person in ("other", "other member", "member")
        }
    assert totals == {"other": 1, "other member": 2, "member": 2}


class CarelessAssistant(ScriptedAssistant):
    """Answers from everything, whatever it is told to keep to."""


class WithSecrets(MemoryCatalog):
    """A catalogue in which the talks are in a collection of their own."""

    def collection_names(self) -> frozenset[str]:
        return frozenset({"default", "hr"})

    def collections_of(self, doc_ids):
        held = super().collections_of(doc_ids)
        return {doc_id: "hr" if doc_id == TALKS.doc_id else name for doc_id, name in held.items()}


class OnlySecrets(WithSecrets):
    def collection_names(self) -> frozenset[str]:
        return frozenset({"hr"})


def careless(tmp_path, catalog, groups=()) -> tuple[TestClient, ScriptedAssistant]:
    _, key = KeyFile(tmp_path / "keys.json").create("x", [Right.ASK], days=1, groups=groups)
    settings = Settings(data_dir=tmp_path, access="token", collections={"hr": ("hr-staff",)})
    assistant = CarelessAssistant()
    app = create_app(assistant, catalog, settings)
    headers = {"authorization": f"Bearer {key}"}
    return TestClient(app, base_url="http://127.0.0.1", headers=headers), assistant


def test_what_a_search_lets_through_is_stopped_before_it_is_handed_on(tmp_path, caplog):
    client, assistant = careless(tmp_path, WithSecrets())
    for path, body in (
        ("/api/v1/chat", {"question": "What did China ask?"}),
        ("/api/v1/search", {"query": "China"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "China?"}]}),
    ):
        response = client.post(path, json=body, headers=JSON)
        assert response.status_code == 503
        assert QUOTE not in response.text
        assert assistant.filters != ()
    assert "withheld" in caplog.text
    assert QUOTE not in caplog.text
    stream = client.post("/api/v1/chat", json={"question": "What did China ask?"})
    assert "event: error" in stream.text
    assert "event: found" not in stream.text
    assert "individual cases" not in stream.text


def test_whoever_may_read_everything_is_asked_without_a_condition(tmp_path):
    client, assistant = careless(tmp_path, WithSecrets(), groups=["hr-staff"])
    assistant.filters = ("nothing asked yet",)
    response = client.post("/api/v1/chat", json={"question": "China?"}, headers=JSON)
    assert response.status_code == 200
    assert assistant.filters == ()


def test_forbidden_documents_are_as_none(tmp_path):
    """Where there is nothing to read, nobody learns that there is something to forbid."""
    answers = []
    for name, catalog in (("secret", OnlySecrets((TALKS,))), ("empty", MemoryCatalog(()))):
        (tmp_path / name).mkdir()
        client, _ = careless(tmp_path / name, catalog)
        listed = client.get("/api/v1/documents").json()
        assert listed == {"documents": [], "total": 0}
        answers.append(client.get(document_url(TALKS.doc_id)).text)
    assert answers[0] == answers[1]
    client, _ = careless(tmp_path / "secret", OnlySecrets((TALKS,)))
    response = client.post("/api/v1/chat", json={"question": "China?"}, headers=JSON)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "no_documents")


def test_the_words_looked_for_are_those_of_the_document():
    assert [word for word in SECRETS if word in PAYROLL + "zephyrine.md"] == list(SECRETS)
