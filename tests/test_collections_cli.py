"""Collections on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.cli import app
from rag.errors import InputError


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("EMBEDDING_MODEL", "hashing"), ("READER", "similarity")):
        monkeypatch.setenv(f"FOOTNOTE_{name}", value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The apple is a fruit that grows in the garden.")
    (tmp_path / "docs" / "b.txt").write_text("The pear is a fruit that grows in the garden too.")

    def run(*arguments: str):
        return CliRunner().invoke(app, [*arguments, "--data-dir", "store"])

    return run


def test_collections_are_named_counted_and_searched(run):
    assert "2 added" in run("ingest", "docs").output
    planned = run("ingest", "docs/a.txt", "--collection", "hr", "--dry-run").output
    assert "1 reassigned" in planned
    assert "hr:" not in run("status").output
    moved = run("ingest", "docs/a.txt", "--collection", "hr").output
    assert "0 embedded" in moved
    status = run("status").output
    assert "default: 1 documents, 1 passages, read by everybody" in status
    assert "hr: 1 documents, 1 passages, read by everybody" in status
    told = json.loads(run("status", "--json").stdout)
    assert [(c["name"], c["documents"], c["readers"]) for c in told["collections"]] == [
        ("default", 1, ["everybody"]),
        ("hr", 1, ["everybody"]),
    ]
    found = json.loads(run("search", "fruit", "--collection", "hr", "--json").stdout)
    assert [hit["source"] for hit in found["hits"]] == ["docs/a.txt"]
    every = json.loads(run("search", "fruit", "--json").stdout)
    assert len(every["hits"]) == 2
    answer = json.loads(run("ask", "Which fruit?", "--collection", "default", "--json").stdout)
    assert {hit["source"] for hit in answer["hits"]} == {"docs/b.txt"}
    nothing = json.loads(run("search", "fruit", "--collection", "law", "--json").stdout)
    assert nothing["hits"] == []


def test_the_groups_of_a_served_store_are_told(run, monkeypatch):
    run("ingest", "docs/a.txt", "--collection", "hr")
    run("ingest", "docs/b.txt", "--collection", "law")
    monkeypatch.setenv("FOOTNOTE_ACCESS", "token")
    monkeypatch.setenv("FOOTNOTE_COLLECTIONS", '{"hr": ["hr-staff", "board"]}')
    status = run("status").output
    assert "hr: 1 documents, 1 passages, read by board, hr-staff" in status
    assert "law: 1 documents, 1 passages, read by nobody" in status


@pytest.mark.parametrize("command", [("ingest", "docs"), ("search", "x"), ("ask", "x")])
def test_a_name_that_is_none_is_refused(run, command):
    result = run(*command, "--collection", "../HR")
    assert isinstance(result.exception, InputError)
