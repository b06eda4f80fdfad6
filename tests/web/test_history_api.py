"""One's own conversations over the API: list, read, rename, export, delete; nobody else's."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from web_fakes import OTHER, QUOTE, TALKS, MemoryCatalog, ScriptedAssistant, answered

from rag.answer_json import answer_to_dict
from rag.errors import ConfigurationError
from rag.history.opening import open_history
from rag.history.records import KeptTurn, Said, now
from rag.settings import Settings
from rag.types import Question
from rag.web.api.history_models import ConversationBody, HistoryBody
from rag.web.people.access import Right
from rag.web.people.keys import KeyFile
from rag.web.server import create_app

OURS = "/api/v1/conversations/ours"
THEIRS = "/api/v1/conversations/theirs"
NONE = "/api/v1/conversations/none"
PORTAL = "https://portal.corp"


def serve(folder, catalog=None, **settings) -> TestClient:
    chosen = {"access": "token", "questions_per_minute": 10_000} | settings
    made = Settings(data_dir=folder, **chosen)
    app = create_app(ScriptedAssistant(), catalog or MemoryCatalog(), made)
    return TestClient(app, base_url="http://127.0.0.1", client=("10.0.0.7", 5000))


def turn(name: str, question: str = "What did China ask?") -> KeptTurn:
    return KeptTurn(name, question, answer_to_dict(answered(Question(question))), now())


@pytest.fixture
def people(tmp_path):
    """Ann and Bob with a key each: (headers, name)."""
    held = KeyFile(tmp_path / "keys.json")
    made = [held.create(name, [Right.ASK], days=1) for name in ("ann", "bob")]
    return [({"authorization": f"Bearer {secret}"}, f"key {key.key_id}") for key, secret in made]


@pytest.fixture
def history(tmp_path, people):
    """A conversation of two turns of Ann's, with feedback, and one of Bob's."""
    (_, ann), (_, bob) = people
    made = open_history(Settings(data_dir=tmp_path))
    made.keep_turn(ann, "ours", turn("t1"))
    made.keep_turn(ann, "ours", turn("t2", "And who was there?"))
    made.keep_turn(bob, "theirs", turn("t3", "What does Bob want?"))
    answer = answer_to_dict(answered(Question("x")))
    said = Said(now(), "And who was there?", (), answer, "down", "Too old", ann, "t2", "ours")
    made.say(said)
    return made


@pytest.fixture
def api(tmp_path, people, history):
    with serve(tmp_path, embeds={"handbook": (PORTAL,)}) as client:
        client.headers.update(people[0][0])
        yield client


def error_of(response) -> dict:
    found = response.json()["error"]
    del found["request_id"]
    return found


def test_ones_own_are_listed_and_searched(api):
    found = api.get("/api/v1/conversations").json()
    assert found["total"] == 1
    [listed] = found["conversations"]
    assert (listed["conversation_id"], listed["title"]) == ("ours", "What did China ask?")
    assert listed["turns"] == 2
    assert listed["updated"].endswith("+00:00")
    for words, total in (("devote", 1), ("WHO china", 1), ("bob", 0)):
        assert api.get("/api/v1/conversations", params={"search": words}).json()["total"] == total


def test_one_comes_back_with_its_answers_as_they_were(api):
    found = api.get(OURS).json()
    assert ConversationBody.model_validate(found, strict=True).turns[1].comment == "Too old"
    assert HistoryBody.model_validate(api.get("/api/v1/history").json(), strict=True).feedback
    first, second = found["turns"]
    assert first["answer"] == json.loads(json.dumps(turn("t1").answer))
    assert (first["rating"], second["rating"], second["comment"]) == ("", "down", "Too old")
    assert second["question"] == "And who was there?"


def test_it_is_renamed_and_deleted_with_its_feedback(api, history, people):
    assert api.patch(OURS, json={"title": "  China's\nwishes "}).status_code == 204
    assert api.get(OURS).json()["title"] == "China's wishes"
    for wrong in ({"title": " "}, {"title": ""}, {"title": "x" * 121}, {}, {"title": "x", "y": 1}):
        assert api.patch(OURS, json=wrong).status_code == 422
    assert api.delete(OURS).status_code == 204
    assert api.get(OURS).status_code == 404
    assert api.get("/api/v1/conversations").json() == {"conversations": [], "total": 0}
    assert history.feedback() == []
    assert history.conversation(people[1][1], "theirs") is not None


def test_it_is_exported_with_numbered_footnotes(api):
    response = api.get(f"{OURS}/markdown")
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    disposition = response.headers["content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''What%20did%20China%20ask%3F.md"
    text = response.text
    assert text.startswith("# What did China ask?\n\n*20")
    assert "## And who was there?\n\n" in text
    assert f"{QUOTE}[^3] Both said the meeting had been useful.[^4]" in text
    notes = [line for line in text.splitlines() if line.startswith("[^")]
    assert len(notes) == 4
    assert notes[0] == f"[^1]: {TALKS.title} (corpus/talks.md): “{QUOTE}”"


def test_a_forbidden_and_an_absent_one_answer_alike(api, history, people):
    for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/markdown")):
        body = {"json": {"title": "Mine"}} if method == "PATCH" else {}
        theirs = api.request(method, THEIRS + more, **body)
        absent = api.request(method, NONE + more, **body)
        assert theirs.status_code == absent.status_code == 404
        assert error_of(theirs) == error_of(absent)
    assert history.conversation(people[1][1], "theirs").listed.title == "What does Bob want?"


def test_all_of_a_person_is_exported_and_deleted_by_themselves(api, history, people):
    response = api.get("/api/v1/history")
    assert response.headers["content-disposition"].startswith("attachment")
    found = response.json()
    assert found["person"] == people[0][1]
    assert [each["title"] for each in found["conversations"]] == ["What did China ask?"]
    assert [each["comment"] for each in found["feedback"]] == ["Too old"]
    assert "Bob" not in response.text
    assert api.delete("/api/v1/history").json() == {"conversations": 1, "feedback": 1}
    assert api.get("/api/v1/history").json()["conversations"] == []
    assert dict(history.people()).keys() == {people[1][1]}


def test_pages_of_embeds_may_ask_but_not_look_at_what_was_asked(tmp_path, history):
    with serve(tmp_path, access="local", embeds={"handbook": (PORTAL,)}) as client:
        paths = ("/api/v1/conversations", "/api/v1/history")
        for path in paths:
            assert client.get(path, headers={"origin": PORTAL}).status_code == 403
            assert client.get(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
            assert client.get(path, headers={"sec-fetch-site": "same-origin"}).status_code == 200
        gone = client.delete("/api/v1/history", headers={"origin": PORTAL})
        assert gone.status_code == 403
        asked = {"question": "Who?"}
        answer = client.post("/api/v1/chat", json=asked, headers={"origin": PORTAL})
        assert answer.status_code == 200


def test_where_nobody_is_known_or_wanted_nothing_is_kept(tmp_path, history, people):
    for settings in ({"access": "open"}, {"keep_conversations": False}):
        with serve(tmp_path, **settings) as client:
            client.headers.update(people[0][0])
            assert client.get("/api/v1/conversations").json()["total"] == 0
            assert client.get(OURS).status_code == 404
            assert client.delete(OURS).status_code == 404


def test_what_may_not_be_read_any_more_is_withheld(tmp_path, people, history):
    """The document that the answers cite is gone; one that was only found is, too."""
    gone = MemoryCatalog((OTHER,))
    with serve(tmp_path, gone) as client:
        client.headers.update(people[0][0])
        answers = [each["answer"] for each in client.get(OURS).json()["turns"]]
        assert answers == [None, None]
        everything = client.get("/api/v1/history").text + client.get(f"{OURS}/markdown").text
        assert "individual cases" not in everything
        assert "This answer is not shown" in everything
    silent = answer_to_dict(replace(answered(Question("x")), sentences=(), citations=()))
    history.keep_turn(people[0][1], "silent", replace(turn("t9"), answer=silent))
    with serve(tmp_path, gone) as client:
        client.headers.update(people[0][0])
        [kept] = client.get("/api/v1/conversations/silent").json()["turns"]
        assert kept["answer"]["hits"] == []


def test_what_earlier_answers_said_is_withheld_with_feedback_too(tmp_path, people, history):
    before = (("What did China ask?", QUOTE), ("And then?", "The canary sings."))
    told = Said(now(), "Who?", before, None, "up", "", people[0][1])
    history.say(told)
    with serve(tmp_path) as client:
        client.headers.update(people[0][0])
        *_, said = client.get("/api/v1/history").json()["feedback"]
    assert said["history"] == [["What did China ask?", ""], ["And then?", ""]]


def without_citations(**changed) -> dict:
    answer = answer_to_dict(replace(answered(Question("x")), sentences=(), citations=()))
    return answer | {"text": "", "abstained": True} | changed


@pytest.mark.parametrize(
    "changed",
    [
        {
            "clarification": {
                "question": "Which?",
                "choices": [{"label": "Canary", "question": "?"}],
            }
        },
        {
            "text": "The canary sings.",
            "abstained": False,
            "sentences": [{"text": "The canary sings.", "citations": [], "support": ""}],
        },
    ],
)
def test_what_is_said_without_a_citation_is_withheld_with_what_was_found(
    tmp_path, people, history, changed
):
    history.keep_turn(
        people[0][1], "said", replace(turn("t9"), answer=without_citations(**changed))
    )
    for catalog, is_shown in ((MemoryCatalog(), True), (MemoryCatalog((OTHER,)), False)):
        with serve(tmp_path, catalog) as client:
            client.headers.update(people[0][0])
            [kept] = client.get("/api/v1/conversations/said").json()["turns"]
            assert (kept["answer"] is not None) is is_shown
            assert ("canary" in client.get("/api/v1/history").text.casefold()) is is_shown


def test_a_server_forgets_what_is_old_when_it_starts(tmp_path, people, history):
    old = replace(turn("t7"), time=now() - timedelta(days=31))
    history.keep_turn(people[0][1], "old", old)
    with serve(tmp_path, keep_days=30) as client:
        client.headers.update(people[0][0])
        deadline = time.monotonic() + 20
        while client.get("/api/v1/conversations").json()["total"] == 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert client.get("/api/v1/conversations/old").status_code == 404
        assert client.get(OURS).status_code == 200


def test_a_broken_database_says_so_and_answers_go_on(tmp_path, people):
    (tmp_path / "history.db").mkdir()
    with serve(tmp_path) as client:
        client.headers.update(people[0][0])
        for method, path in (
            ("GET", "/api/v1/conversations"),
            ("GET", OURS),
            ("DELETE", OURS),
            ("GET", "/api/v1/history"),
            ("DELETE", "/api/v1/history"),
        ):
            response = client.request(method, path)
            assert response.status_code == 503
            assert response.headers["retry-after"] == "30"
            error = error_of(response)
            assert error["code"] == "history_unavailable"
            assert "Answers are not affected" in error["hint"]
            assert str(tmp_path) not in response.text
        accepted = {"accept": "application/json"}
        answer = client.post("/api/v1/chat", json={"question": "Who?"}, headers=accepted)
        assert answer.status_code == 200


def test_a_url_that_cannot_be_used_stops_the_server_before_it_starts(tmp_path):
    with pytest.raises(ConfigurationError, match="FOOTNOTE_HISTORY_URL"):
        serve(tmp_path, history_url="mysql://host/history")
