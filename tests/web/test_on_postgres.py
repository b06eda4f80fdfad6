"""The whole server on PostgreSQL: two processes, one database that begins as an older version's."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from login import Login, provider_process
from page_calls import PageCalls
from provider import CLIENT, SECRET

from rag.build import open_ingestor
from rag.history.database import database_url, open_engine
from rag.history.opening import open_history
from rag.history.records import Counts, History
from rag.settings import Settings
from rag.web.people.identity import suspended_file
from tests.history import postgres as postgres_of_tests
from tests.history.postgres import Server

FIRST_VERSION = Path(postgres_of_tests.__file__).parent / "first_version.sql"
HANDBOOK = "# The handbook\n\nThe canteen opens at noon. The library opens at nine.\n"
NOON, NINE = "When does the canteen open?", "When does the library open?"
JSON = {"accept": "application/json"}
ANN, BOB = "ann-1", "bob-2"
AWAY = "They cannot be reached at the moment, and this one may not be kept."
NOT_NOW = "Who is signed in cannot be looked up at the moment."
OLD_LINE = {
    "time": "2026-03-01T12:00:00+00:00", "request": "of-old", "who": "user bob-2",
    "from": "10.0.0.8", "what": "POST /api/v1/chat", "status": 200,
}  # fmt: skip


@dataclass
class World:
    """Two servers of one store behind one address, that of the first; and what they share."""

    urls: tuple[str, str]
    database: Server
    settings: Settings
    provider: Login
    log: Path
    said_while_away: list[httpx.Response]
    start: Callable[[], contextlib.AbstractContextManager[str]]

    def signed_in(self, url: str, who: str, *, back_at: str = "") -> httpx.Client:
        """Sign somebody in at a server, or beginning there; return their browser at the last."""
        begun = httpx.get(f"{url}/auth/login", timeout=60)
        assert begun.status_code == 303, begun.text
        # The cookies are for TLS, which is not there: a browser makes an exception of localhost.
        back = self.provider.consent(begun.headers["location"], who)
        client = httpx.Client(base_url=back_at or url, timeout=60)
        here = back.removeprefix(self.urls[0])
        answer = client.get(here, headers={"cookie": _cookies(begun)})
        assert answer.status_code == 303, answer.text
        client.headers["cookie"] = _cookies(answer)
        return client

    @contextlib.contextmanager
    def also_at(self, url: str, browser: httpx.Client) -> Iterator[httpx.Client]:
        """Have somebody's browser sent to another server."""
        cookie = {"cookie": browser.headers["cookie"]}
        with httpx.Client(base_url=url, timeout=60, headers=cookie) as client:
            yield client

    def history(self) -> contextlib.closing[History]:
        return contextlib.closing(open_history(self.settings))


def _cookies(answer: httpx.Response) -> str:
    return "; ".join(line.partition(";")[0] for line in answer.headers.get_list("set-cookie"))


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with postgres_of_tests.running_server() as server:
        yield server


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, database: Server, footnote: list[str]):
    """Start both servers while the database is away; it comes back as an older version's."""
    folder = tmp_path_factory.mktemp("replicas")
    store, log = folder / "store", folder / "log"
    url = f"postgresql://footnote@/postgres?host={database.folder}"
    settings = Settings(data_dir=store, embedding_model="hashing", history_url=url)
    (folder / "handbook.md").write_text(HANDBOOK)
    with open_ingestor(settings) as ingestor:
        ingestor.ingest([str(folder / "handbook.md")])
    (store / "audit.jsonl").write_text(json.dumps(OLD_LINE) + "\n")
    engine = open_engine(database_url(url, store))
    with engine.begin() as connection:
        for statement in re.sub("--.*", "", FIRST_VERSION.read_text()).split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()
    given = {
        "FOOTNOTE_ACCESS": "oidc", "FOOTNOTE_AUDIT": "questions", "FOOTNOTE_HISTORY_URL": url,
        "FOOTNOTE_EMBEDDING_MODEL": "hashing", "FOOTNOTE_READER": "similarity",
        "FOOTNOTE_ABSTAIN_BELOW": "0", "FOOTNOTE_OIDC_CLIENT_ID": CLIENT,
        "FOOTNOTE_OIDC_CLIENT_SECRET": SECRET, "FOOTNOTE_QUESTIONS_PER_MINUTE": "1000",
    }  # fmt: skip
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(provider_process())
        given["FOOTNOTE_OIDC_ISSUER"] = provider.url
        database.stop()
        try:
            errors = stack.enter_context(log.open("w"))
            commands = [*footnote, "serve", "--data-dir", str(store), "--port"]
            ports = [_free_port() for _ in range(2)]
            given["FOOTNOTE_PUBLIC_URL"] = public = f"http://localhost:{ports[0]}"
            provider.tell("/register", redirect_uri=f"{public}/auth/callback")
            urls = tuple(
                stack.enter_context(_serving([*commands, str(port)], given, errors))
                for port in ports
            )
            for each in urls:
                _wait_until_ready(each)
            # Each server finds out by itself that the database is away, and that it is back.
            said = [httpx.get(f"{each}/auth/login", timeout=60) for each in urls]
        finally:
            database.start()
        for each in urls:
            _wait_until(lambda at=each: httpx.get(f"{at}/auth/login").status_code == 303)

        def start() -> contextlib.AbstractContextManager[str]:
            return _serving([*commands, str(_free_port())], given, errors)

        yield World(urls, database, settings, provider, log, said, start)


@contextlib.contextmanager
def _serving(command: list[str], given: dict[str, str], log: Any) -> Iterator[str]:
    """Run a server; its port is the last word of the command."""
    process = subprocess.Popen(command, env={**os.environ, **given}, stdout=log, stderr=log)
    try:
        yield f"http://localhost:{command[-1]}"
        process.terminate()
        assert process.wait(30) in (0, 130, -15)
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    """Choose a port before the server runs: the provider has to know it."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait_until_ready(url: str) -> None:
    def is_ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz", timeout=30).status_code == 200
        except httpx.TransportError:
            return False

    _wait_until(is_ready, seconds=180)


def _wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def person(world: World) -> Iterator[Callable[[int, str], httpx.Client]]:
    """Sign somebody in at one of the servers; nothing is kept of them before."""
    opened: list[httpx.Client] = []

    def person(server: int, who: str) -> httpx.Client:
        opened.append(world.signed_in(world.urls[server], who))
        return opened[-1]

    yield person
    for client in opened:
        client.close()


def listed(client: httpx.Client, **sought: str) -> list[tuple[str, int]]:
    answer = client.get("/api/v1/conversations", params=sought).raise_for_status()
    return [(each["title"], each["turns"]) for each in answer.json()["conversations"]]


def only_id(client: httpx.Client, title: str) -> str:
    found = client.get("/api/v1/conversations").json()["conversations"]
    (wanted,) = [each["conversation_id"] for each in found if each["title"] == title]
    return str(wanted)


def test_it_starts_without_the_database_and_finds_what_an_older_version_kept(world, person):
    for said in world.said_while_away:  # nobody comes in while nobody can look who is in
        assert (said.status_code, NOT_NOW in said.text) == (503, True)
    ann, bob = person(0, ANN), person(1, BOB)
    kept = ann.get("/api/v1/conversations/kept-of-old").json()
    assert [turn["comment"] for turn in kept["turns"]] == ["It stands at the dock"]
    page = PageCalls(ann)
    page.open()
    assert "Where is the crane?" in page.shown["past"]
    (turn,) = page.happen("past", "select", id="kept-of-old")["conversation"]
    assert "The documents do not say." in turn
    assert bob.get("/api/v1/conversations/kept-of-old").status_code == 404
    with world.history() as history:
        # Both servers found the file of before; its line was taken over once.
        assert [line.request for line in history.audit("user bob-2")][:1] == ["of-old"]
        assert [line.request for line in history.audit()].count("of-old") == 1


def test_who_signed_in_at_one_server_is_known_at_the_other_until_they_sign_out(world, person):
    here = person(0, ANN)
    with world.also_at(world.urls[1], here) as there:
        assert "signed in as ann-1" in there.get("/auth/me").text
        assert there.get("/api/v1/conversations").status_code == 200
        suspended = suspended_file(world.settings)
        suspended.suspend(ANN)
        assert [each.get("/api/v1/documents").status_code for each in (here, there)] == [403, 403]
        suspended.resume(ANN)
        assert [each.get("/api/v1/documents").status_code for each in (here, there)] == [200, 200]
        assert there.post("/auth/logout").status_code == 303
        assert [each.get("/api/v1/documents").status_code for each in (here, there)] == [401, 401]


@pytest.mark.parametrize(("begins", "ends"), [(0, 1), (1, 0)])
def test_a_sign_in_that_begins_at_one_server_ends_at_the_other(world, begins, ends):
    came_back = world.signed_in(world.urls[begins], BOB, back_at=world.urls[ends])
    with contextlib.closing(came_back) as bob:
        assert bob.get("/api/v1/history").json()["person"] == "user bob-2"
        with world.also_at(world.urls[begins], bob) as where_it_began:
            assert "signed in as bob-2" in where_it_began.get("/auth/me").text


def test_a_server_that_is_started_later_knows_who_is_signed_in(world, person):
    ann = person(0, ANN)
    with world.start() as url, world.also_at(url, ann) as there:
        _wait_until_ready(url)
        assert "signed in as ann-1" in there.get("/auth/me").text
        page = PageCalls(there)
        page.ask("And when does the canteen open?")
        assert "opens at noon" in page.shown["conversation"][-1]
    assert "signed in as ann-1" in ann.get("/auth/me").text


def test_a_conversation_goes_on_at_another_server(world, person):
    here, there = person(0, ANN), person(1, ANN)
    page = PageCalls(here)
    page.ask(NOON)
    page.ask("And the library?")
    (first, _) = page.shown["conversation"]
    assert "opens at noon" in first
    assert NOON in page.shown["past"]
    assert (NOON, 2) in listed(there)
    wanted = only_id(there, NOON)
    other = PageCalls(there)
    other.happen("past", "select", id=wanted)
    other.ask(NINE)
    assert len(other.shown["conversation"]) == 3
    kept = here.get(f"/api/v1/conversations/{wanted}").json()
    assert [turn["question"] for turn in kept["turns"]] == [NOON, "And the library?", NINE]
    assert here.delete(f"/api/v1/conversations/{wanted}").status_code == 204
    assert there.get(f"/api/v1/conversations/{wanted}").status_code == 404


def test_it_is_searched_renamed_rated_exported_and_deleted_from_either(world, person):
    here, there = person(0, BOB), person(1, BOB)
    page = PageCalls(here)
    page.ask(NOON)
    assert [title for title, _ in listed(there, search="CANTEEN noon")] == [NOON]
    assert listed(there, search="crane") == []
    assert "None holds these words" in page.happen("past-head", "input", words="\0%")["past"]
    assert listed(there, search="\0") == []
    wanted = only_id(there, NOON)
    address = f"/api/v1/conversations/{wanted}"
    assert there.patch(address, json={"title": "Lunch \0\U0001f600"}).status_code == 204
    assert "Lunch \ufffd\U0001f600" in page.open()["past"]
    page.happen("past", "edit", id=wanted, title="Noon")
    page.happen("past", "select", id=wanted)
    page.happen("conversation", "like", turn=1, rating="down")
    page.happen("conversation", "submit", turn=1, comment="Too late \0")
    (turn,) = there.get(address).json()["turns"]
    assert (turn["rating"], turn["comment"]) == ("down", "Too late \ufffd")
    text = there.get(f"{address}/markdown").text
    assert text.startswith("# Noon\n\n*20")
    assert "[^1]: The handbook (" in text
    all_of_it = there.get("/api/v1/history").json()
    assert [each["title"] for each in all_of_it["conversations"]] == ["Noon"]
    assert [each["comment"] for each in all_of_it["feedback"]] == ["", "Too late \ufffd"]
    assert page.happen("past", "apply", wanted, id=wanted)["past"] == ""
    assert there.get(address).status_code == 404
    assert there.get("/api/v1/history").json()["feedback"] == []


def test_each_has_their_own_alone(person):
    ann, bob = person(0, ANN), person(1, BOB)
    PageCalls(ann).ask(NINE)
    wanted = only_id(ann, NINE)
    assert NINE not in [title for title, _ in listed(bob)]
    page = PageCalls(bob)
    page.happen("past", "select", id=wanted)
    assert "not there any more" in page.shown["notice"]
    for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/markdown")):
        body = {"json": {"title": "Mine"}} if method == "PATCH" else {}
        address = f"/api/v1/conversations/{wanted}{more}"
        assert bob.request(method, address, **body).status_code == 404
    assert ann.delete(f"/api/v1/conversations/{wanted}").status_code == 204


def test_answers_go_on_while_the_database_is_away(world, person):
    ann = person(0, ANN)
    page = PageCalls(ann)
    page.ask(NOON)
    page.happen("side-top", "clear")
    world.database.stop()
    try:
        page.ask(NINE)
        assert "opens at nine" in page.shown["conversation"][-1]
        assert AWAY in page.shown["past"]
        page.happen("conversation", "like", turn=1, rating="up")
        assert "could not be stored" in page.shown["notice"]
        answer = ann.post("/api/v1/chat", json={"question": NOON}, headers=JSON)
        assert "noon" in answer.json()["text"]
        said = {"answer_id": answer.json()["answer_id"], "rating": "up"}
        stranger = httpx.get(f"{world.urls[0]}/auth/login", timeout=60)
        assert (stranger.status_code, NOT_NOW in stranger.text) == (503, True)
        refused = [
            ann.post("/api/v1/feedback", json=said),
            ann.get("/api/v1/conversations"),
            ann.get("/api/v1/conversations/kept-of-old"),
            ann.get("/api/v1/history"),
            ann.delete("/api/v1/history"),
        ]
        for each in refused:
            error = each.json()["error"]
            assert (each.status_code, error["code"]) == (503, "history_unavailable"), each.text
            assert each.headers["retry-after"]
            assert str(world.database.folder) not in each.text
    finally:
        world.database.start()
    _wait_until(lambda: ann.get("/api/v1/conversations").status_code == 200)
    assert (NOON, 1) in listed(ann)
    page.ask("And the canteen?")
    kept = ann.get(f"/api/v1/conversations/{only_id(ann, 'And the canteen?')}").json()
    assert len(kept["turns"]) == 1, "the turn that was not kept leaves no hole"
    assert ann.post("/api/v1/feedback", json=said).status_code == 204
    log = world.log.read_text()
    assert "a turn of a conversation was not kept" in log
    assert "Traceback" not in log
    assert NINE not in log, "no log repeats the words of people"


def test_who_did_what_is_in_the_audit_until_somebody_is_erased(world, person, footnote):
    bob, there = person(0, BOB), person(1, BOB)
    page = PageCalls(bob)
    page.ask(NOON)
    there.post("/api/v1/chat", json={"question": NINE}, headers=JSON)
    httpx.get(f"{world.urls[1]}/api/v1/history", headers={"authorization": "Bearer fn_x"})
    assert listed(bob) == [(NOON, 1)]
    assert bob.get("/api/v1/history").json()["person"] == "user bob-2"

    def run(*arguments: str) -> str:
        environment = {**os.environ, "FOOTNOTE_HISTORY_URL": _url(world)}
        command = [*footnote, "history", *arguments, "--data-dir", str(world.settings.data_dir)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in run("audit").splitlines()]

    _wait_until(lambda: [each for each in lines() if each["status"] == 401])
    theirs = [each for each in lines() if each["who"] == "user bob-2"]
    assert {each["what"] for each in theirs} >= {"POST /api/v1/chat", "POST /gradio_api/queue/join"}
    assert [each["question"] for each in theirs if "question" in each][-1:] == [NINE]
    assert "Deleted 1 conversations" in run("erase", "user bob-2", "--yes")
    assert "bob" not in run("audit") + run("people")
    assert len(lines()) >= len(theirs), "the lines stay, without the name"
    for client in (bob, there):
        assert client.get("/api/v1/conversations").status_code == 401, "signed out everywhere"
    with world.history() as history:
        assert history.people().get("user bob-2", Counts()) == Counts()


def _url(world: World) -> str:
    return world.settings.history_url.get_secret_value()
