"""Which groups somebody is in, what they open, and who is suspended."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner
from web_fakes import TALKS, MemoryCatalog, ScriptedAssistant

from rag.access_cli import access_app, token_app
from rag.errors import ConfigurationError, InputError, StoreError
from rag.settings import Settings
from rag.web.links import document_url
from rag.web.people.access import ANYBODY, Principal, Right
from rag.web.people.keys import KeyFile
from rag.web.people.readable import read_collections
from rag.web.people.suspended import SuspendedFile
from rag.web.server import create_app

SECRET = "s" * 32
PROXY = {"access": "proxy", "proxy_networks": ("10.1.2.3",)}


class Kept(MemoryCatalog):
    """The talks are for the group `hr-staff`."""

    def collection_names(self) -> frozenset[str]:
        return frozenset({"default", "hr"})

    def collections_of(self, doc_ids):
        held = super().collections_of(doc_ids)
        return {doc_id: "hr" if doc_id == TALKS.doc_id else name for doc_id, name in held.items()}


def serve(folder: Path, **settings) -> TestClient:
    given = {"collections": {"hr": ("hr-staff",)}, "embed_secret": SECRET} | settings
    app = create_app(ScriptedAssistant(), Kept(), Settings(data_dir=folder, **given))
    return TestClient(app, base_url="http://127.0.0.1", client=("10.1.2.3", 5000))


def reads_the_talks(client: TestClient, headers) -> bool:
    status = client.get(document_url(TALKS.doc_id), headers=headers).status_code
    assert status in (200, 404)
    return status == 200


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def token(**claims: object) -> dict[str, str]:
    now = int(time.time())
    whole = {"sub": "ann", "aud": "footnote", "iat": now, "exp": now + 300} | claims
    return bearer(jwt.encode(whole, SECRET, algorithm="HS256"))


def test_a_key_is_in_the_groups_that_it_was_made_for(tmp_path):
    keys = KeyFile(tmp_path / "keys.json")
    _, member = keys.create("bot", [Right.ASK], days=1, groups=["hr-staff", " singers "])
    _, other = keys.create("bot", [Right.ASK], days=1, groups=["HR-STAFF"])
    assert keys.all()[0].groups == ("hr-staff", "singers")
    client = serve(tmp_path, access="token")
    assert reads_the_talks(client, bearer(member))
    assert not reads_the_talks(client, bearer(other))


def test_keys_of_before_there_were_groups_still_open(tmp_path):
    keys = KeyFile(tmp_path / "keys.json")
    _, secret = keys.create("old", [Right.ASK], days=1)
    rows = json.loads((tmp_path / "keys.json").read_text())
    for row in rows:
        del row["groups"]
    (tmp_path / "keys.json").write_text(json.dumps(rows))
    found = KeyFile(tmp_path / "keys.json").find(secret)
    assert found is not None
    assert found.groups == ()


@pytest.mark.parametrize(
    ("groups", "reads"),
    [("hr-staff", True), ("singers, hr-staff ,", True), ("singers", False), ("", False)],
)
def test_the_proxy_names_the_groups(tmp_path, groups, reads):
    client = serve(tmp_path, **PROXY)
    headers = {"x-forwarded-user": "ann", "x-forwarded-groups": groups}
    assert reads_the_talks(client, headers) is reads
    named = serve(tmp_path, **PROXY, proxy_groups_header="Remote-Groups")
    assert not reads_the_talks(named, headers)
    assert reads_the_talks(named, headers | {"remote-groups": groups}) is reads


def test_a_header_of_groups_that_came_twice_is_nobodys(tmp_path):
    client = serve(tmp_path, **PROXY)
    headers = [
        ("x-forwarded-user", "ann"),
        ("x-forwarded-groups", "a"),
        ("X-Forwarded-Groups", "b"),
    ]
    assert client.get("/api/v1/documents", headers=headers).status_code == 401


def test_groups_from_elsewhere_than_the_proxy_are_void(tmp_path):
    client = serve(tmp_path, access="token", proxy_networks=("10.1.2.3",))
    _, key = KeyFile(tmp_path / "keys.json").create("bot", [Right.ASK], days=1)
    headers = bearer(key) | {"x-forwarded-groups": "hr-staff", "x-forwarded-user": "ann"}
    assert not reads_the_talks(client, headers)


def test_a_token_names_groups(tmp_path):
    client = serve(tmp_path, access="token")
    assert reads_the_talks(client, token(groups=["hr-staff"]))
    assert not reads_the_talks(client, token(groups=["singers"]))
    assert not reads_the_talks(client, token())


@pytest.mark.parametrize("groups", ["hr-staff", {"hr-staff": 1}, [1], ["a\nb"], ["x" * 201], None])
def test_a_token_whose_groups_are_no_names_proves_nothing(tmp_path, groups):
    client = serve(tmp_path, access="token")
    assert client.get("/api/v1/documents", headers=token(groups=groups)).status_code == 401


def test_a_token_may_narrow_what_its_page_shows(tmp_path):
    client = serve(tmp_path, access="token")
    member = {"groups": ["hr-staff"]}
    for within, talks, other in ((["hr"], 200, 404), (["default"], 404, 200), ([], 404, 404)):
        headers = token(**member, collections=within)
        assert client.get(document_url(TALKS.doc_id), headers=headers).status_code == talks
        assert client.get("/documents/other", headers=headers).status_code == other
    # It never opens what the groups do not.
    assert not reads_the_talks(client, token(collections=["hr"]))
    assert client.get("/api/v1/documents", headers=token(collections="hr")).status_code == 401


def test_in_the_mode_local_everything_is_open(tmp_path):
    assert reads_the_talks(serve(tmp_path), {})
    assert not reads_the_talks(serve(tmp_path, access="open"), {})


@pytest.mark.parametrize(
    ("collections", "collection", "groups", "reads"),
    [
        ({}, "default", (), True),
        ({}, "hr", ("hr",), False),
        ({"hr": ("a", "b")}, "hr", ("b", "c"), True),
        ({"hr": ("a", "b")}, "hr", (), False),
        ({"hr": ()}, "hr", ("hr",), False),
        ({"hr": ("*",)}, "hr", (), True),
        ({"default": ("staff",)}, "default", (), False),
        ({"default": ("staff",)}, "default", ("staff",), True),
        ({"hr": ("a",)}, None, ("a",), False),
    ],
)
def test_the_rules(collections, collection, groups, reads):
    rules = read_collections(Settings(access="token", collections=collections))
    somebody = Principal("user ann", groups=frozenset(groups))
    assert rules.may_read(collection, somebody) is reads
    assert not rules.may_read(collection, ANYBODY)


@pytest.mark.parametrize(
    "collections", [{"HR": ("a",)}, {"../x": ("a",)}, {"": ("a",)}, {"hr": ("",)}, {"hr": (" a",)}]
)
def test_names_that_are_none_are_refused(collections):
    with pytest.raises(ConfigurationError):
        read_collections(Settings(collections=collections))


# -- suspended ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ann", "ANN", "user ann"])
def test_a_suspended_person_is_refused_behind_a_proxy(tmp_path, name):
    client = serve(tmp_path, **PROXY)
    headers = {"x-forwarded-user": "ann"}
    suspended = SuspendedFile(tmp_path / "suspended.json")
    assert client.get("/api/v1/documents", headers=headers).status_code == 200
    suspended.suspend(name)
    refused = client.get("/api/v1/documents", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "suspended")
    assert client.get("/", headers=headers).status_code == 403
    assert client.get("/healthz", headers=headers).status_code == 200
    other = {"x-forwarded-user": "annabel"}
    assert client.get("/api/v1/documents", headers=other).status_code == 200
    suspended.resume(name.lower())
    assert client.get("/api/v1/documents", headers=headers).status_code == 200


def test_suspension_holds_for_every_proof_of_a_name(tmp_path):
    keys = KeyFile(tmp_path / "keys.json")
    _, named = keys.create("ann", [Right.ASK], days=1)
    robot, by_id = keys.create("robot", [Right.ASK], days=1)
    suspended = SuspendedFile(tmp_path / "suspended.json")
    suspended.suspend("ann")
    suspended.suspend(robot.key_id)
    client = serve(tmp_path, access="token")
    for headers in (bearer(named), bearer(by_id), token()):
        assert client.get("/api/v1/documents", headers=headers).status_code == 403
    # Who holds nothing is told nothing of it.
    assert client.get("/api/v1/documents", headers=bearer("fn_x")).status_code == 401


def test_a_spoilt_file_of_suspended_names_lets_nobody_in(tmp_path):
    (tmp_path / "suspended.json").write_text("[]")
    app = serve(tmp_path, **PROXY).app
    peer = ("10.1.2.3", 5000)
    client = TestClient(app, "http://127.0.0.1", raise_server_exceptions=False, client=peer)
    response = client.get("/api/v1/documents", headers={"x-forwarded-user": "ann"})
    assert response.status_code == 500
    assert str(tmp_path) not in response.text
    with pytest.raises(StoreError, match=r"suspended\.json"):
        SuspendedFile(tmp_path / "suspended.json").all()


def test_the_commands(tmp_path):
    def run(app, *arguments: str):
        return CliRunner().invoke(app, [*arguments, "--data-dir", str(tmp_path)])

    made = run(token_app, "create", "bot", "--group", "hr-staff", "--group", "law").output
    assert "fn_" in made
    assert "in hr-staff, law" in run(token_app, "list").output
    assert "Nobody is suspended." in run(access_app, "list").output
    assert run(access_app, "suspend", "ann").exit_code == 0
    assert "ann  since 20" in run(access_app, "list").output
    assert run(access_app, "resume", "ann").exit_code == 0
    again = run(access_app, "resume", "ann")
    assert isinstance(again.exception, InputError)
    wrong = run(token_app, "create", "bot", "--group", "a\nb")
    assert isinstance(wrong.exception, InputError)
