"""What is kept of whom, on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from rag.errors import InputError
from rag.history.opening import open_history
from rag.history.records import AuditLine, KeptTurn, Said, now
from rag.history.retention import forget_old, forgetting
from rag.history_cli import history_app
from rag.settings import Settings

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def history(tmp_path):
    made = open_history(Settings(data_dir=tmp_path))
    for name in ("ann", "bob"):
        person = f"user {name}"
        answer = {"text": f"{name}'s answer", "citations": [], "sentences": []}
        made.keep_turn(person, f"c-{name}", KeptTurn(f"t-{name}", f"I am {name}", answer, DAY))
        made.say(Said(DAY, "Who?", (), answer, "up", f"{name} says", person))
        details = {"question": f"I am {name}"}
        made.note(AuditLine(DAY, "1", person, "10.0.0.7", "POST /api/v1/chat", 200, details))
    return made


@pytest.fixture
def command(tmp_path):
    def command(*arguments: str, **more):
        return CliRunner().invoke(history_app, [*arguments, "--data-dir", str(tmp_path)], **more)

    return command


def test_people_are_listed(history, command):
    lines = command("people").stdout.splitlines()
    assert lines == [
        f"user {name}: 1 conversations, 1 feedback, 1 audit lines, 0 sign-ins"
        for name in ("ann", "bob")
    ]


def test_all_of_a_person_is_exported_and_nothing_of_others(history, command, tmp_path):
    found = json.loads(command("export", "user ann").stdout)
    assert found["person"] == "user ann"
    [conversation] = found["conversations"]
    assert conversation["turns"][0]["answer"]["text"] == "ann's answer"
    assert [each["comment"] for each in found["feedback"]] == ["ann says"]
    assert [line["question"] for line in found["audit"]] == ["I am ann"]
    assert "bob" not in json.dumps(found)
    assert command("export", "user ann", "--out", str(tmp_path / "ann.json")).exit_code == 0
    assert json.loads((tmp_path / "ann.json").read_text()) == found


def test_a_person_is_erased_after_a_question(history, command, tmp_path):
    (tmp_path / "audit.jsonl").write_text("")
    assert command("erase", "user ann", input="n\n").exit_code == 1
    assert "user ann" in history.people()
    done = command("erase", "user ann", "--yes")
    assert "Deleted 1 conversations and 1 feedback, ended 0 sign-ins; 1 audit lines" in done.stdout
    assert "audit.jsonlofanearlierversion" in "".join(done.stderr.split()), "wherever lines end"
    assert "user ann" not in history.people()
    written = command("audit").stdout
    assert "ann" not in written.replace("I am bob", "")
    lines = [json.loads(line) for line in written.splitlines()]
    assert [(line["status"], line["from"]) for line in lines] == [(200, ""), (200, "10.0.0.7")]
    assert (tmp_path / "history.db").read_bytes().find(b"ann's answer") == -1


def test_somebody_unknown_is_said(history, command):
    for name in ("export", "erase"):
        done = command(name, "ann")
        assert isinstance(done.exception, InputError)
        assert "Nothing is kept of 'ann'" in str(done.exception)


def test_the_audit_is_written_line_by_line(history, command):
    [line] = [
        json.loads(line)
        for line in command("audit", "--person", "user bob").stdout.split("\n")
        if line
    ]
    assert line == {
        "time": "2026-03-01T00:00:00.000+00:00",
        "request": "1",
        "who": "user bob",
        "from": "10.0.0.7",
        "what": "POST /api/v1/chat",
        "status": 200,
        "question": "I am bob",
    }


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({}, (1, 1, 1)),
        ({"keep_days": 30}, (1, 1, 1)),
        ({"keep_days": 10}, (0, 0, 1)),
        ({"keep_audit_days": 10}, (1, 1, 0)),
    ],
)
def test_the_settings_say_what_is_too_old(history, tmp_path, settings, left):
    chosen = Settings(data_dir=tmp_path, **settings)
    forget_old(history, chosen, lambda: DAY + timedelta(days=20))
    people = history.people()
    counts = people.get("user ann")
    found = (counts.conversations, counts.feedback, counts.audit_lines) if counts else (0, 0, 0)
    assert found == left


def test_a_server_forgets_at_its_start_and_again(history, tmp_path, caplog):
    settings = Settings(data_dir=tmp_path, keep_days=10)
    with forgetting(history, settings, seconds=0.02):
        _until(lambda: history.conversations("user ann").total == 0)
        history.keep_turn("user ann", "again", KeptTurn("t9", "Old", {}, DAY))
        _until(lambda: history.conversations("user ann").total == 0)
        history.keep_turn("user ann", "new", KeptTurn("t10", "New", {}, now()))
    assert history.conversations("user ann").total == 1


def _until(condition):
    deadline = now() + timedelta(seconds=20)
    while not condition():
        assert now() < deadline
