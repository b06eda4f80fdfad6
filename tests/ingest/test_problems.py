"""A file that cannot be read: on record, named, shown, tried again when it changes.

The whole command line, in this process, with an embedder that needs no model.
"""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

from rag.cli import app
from rag.errors import InputError
from rag.retrieval.hashing import HASHING_MODEL
from tests.ingest.readers.test_archive import archive


@pytest.fixture
def footnote(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", HASHING_MODEL)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "sound.txt").write_text("The apple is a fruit that grows on trees.")

    def footnote(*arguments):
        result = CliRunner().invoke(app, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, " ".join(result.output.split())

    return footnote


def problems(footnote):
    return json.loads(footnote("status", "--json")[1])["problems"]


def test_a_problem_is_named_and_sets_the_exit_code(footnote, tmp_path):
    (tmp_path / "docs" / "cut.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    code, output = footnote("ingest", "docs")
    assert code == 65
    assert "docs/cut.pdf: the end of the file is missing. (truncated)" in output
    assert "Documents: 1 written" in output


def test_problems_are_listed_as_text_and_as_json(footnote, tmp_path):
    (tmp_path / "docs" / "cut.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    footnote("ingest", "docs")
    (problem,) = problems(footnote)
    assert problem == {
        "source": "docs/cut.pdf",
        "reason": "truncated",
        "message": "docs/cut.pdf: the end of the file is missing.",
        "hint": "Copy or download it again.",
    }
    _, text = footnote("status", "--problems")
    assert "truncated docs/cut.pdf: the end of the file is missing. Copy or download it" in text


def test_it_is_still_named_when_nothing_changed_and_tried_again_when_it_does(footnote, tmp_path):
    path = tmp_path / "docs" / "cut.md"
    path.write_bytes(b"\xff\xd8\xff\x00")
    footnote("ingest", "docs")
    code, output = footnote("ingest", "docs")
    assert code == 65
    assert "docs/cut.md (binary): as before, it cannot be read" in output
    assert "Files: 1 unchanged, 1 could not be read." in output
    path.write_text("# Pears\n\nThe pear is another fruit.")
    code, output = footnote("ingest", "docs")
    assert code == 0
    assert "1 changed" in output
    assert problems(footnote) == []


def test_several_problems_of_one_file_are_counted(footnote, tmp_path):
    members = [("a.pdf", "%PDF-1.4"), ("b.docx", "PK"), ("c.txt", "The fig is a fruit as well.")]
    (tmp_path / "docs" / "all.zip").write_bytes(archive(*members))
    assert footnote("ingest", "docs")[0] == 65
    (problem,) = problems(footnote)
    assert problem["message"].startswith("docs/all.zip!/a.pdf")
    assert problem["message"].endswith("And 1 more in this file.")
    sources = [d["source"] for d in json.loads(footnote("status", "--json")[1])["sources"]]
    assert sources == ["docs/all.zip!/c.txt", "docs/sound.txt"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX names and pipes")
def test_strange_entries_of_a_folder_are_skipped_with_a_reason(footnote, tmp_path):
    os.mkfifo(tmp_path / "docs" / "pipe.txt")
    (tmp_path / "docs" / os.fsdecode(b"caf\xe9.txt")).write_text("Coffee is a drink.")
    code, output = footnote("ingest", "docs")
    assert code == 0
    assert "docs/pipe.txt (not a file)" in output
    assert "docs/caf\\xe9.txt (name is not UTF-8)" in output


def test_each_file_counts_once_by_what_became_of_it(footnote, tmp_path):
    docs = tmp_path / "docs"
    (docs / "cut.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (docs / "part.zip").write_bytes(archive(("a.pdf", "%PDF-1.4"), ("b.txt", "A fig is sweet.")))
    _, output = footnote("ingest", "docs")
    assert "Files: 2 added, 1 could not be read. Documents: 2 written" in output
    (docs / "sound.txt").write_text("The apple has changed into a pear, which grows on trees too.")
    (docs / "new.txt").write_text("The plum is new.")
    _, output = footnote("ingest", "docs", "--dry-run")
    assert "unread docs/cut.pdf (truncated): as before, it cannot be read" in output
    assert output.endswith("1 added, 1 changed, 1 unchanged, 1 could not be read")
    _, output = footnote("ingest", "docs")
    assert "docs/cut.pdf (truncated): as before, it cannot be read" in output
    assert "docs/part.zip (truncated): as before, not all of it can be read" in output
    assert "Files: 1 added, 1 changed, 1 unchanged, 1 could not be read." in output


def test_a_file_that_breaks_is_not_counted_as_changed(footnote, tmp_path):
    footnote("ingest", "docs")
    (tmp_path / "docs" / "sound.txt").write_bytes(b"%PDF-1.7 no text" + bytes(2000) + b"at all")
    code, output = footnote("ingest", "docs")
    assert code == 65
    assert "Files: 1 could not be read. Documents: 0 written, 0 removed." in output


def test_programs_are_told_the_same(footnote, tmp_path):
    (tmp_path / "docs" / "cut.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (tmp_path / "docs" / "x.exe").write_bytes(b"MZ")
    code, output = footnote("ingest", "docs", "--json")
    said = json.loads(output)
    assert code == 65
    assert said["files"] == {"added": 1, "could_not_be_read": 1, "skipped": 1}
    assert (said["documents"], said["passages"], said["embedded"]) == (1, 1, 1)
    assert [(p["source"], p["reason"]) for p in said["problems"]] == [("docs/cut.pdf", "truncated")]
    assert [s["source"] for s in said["skipped"]] == ["docs/x.exe"]
    plan = json.loads(footnote("ingest", "docs", "--json", "--dry-run")[1])
    assert plan["files"] == {"unchanged": 1, "could_not_be_read": 1, "skipped": 1}
    assert [(s["source"], s["action"]) for s in plan["steps"]] == [
        ("docs/cut.pdf", "unread"),
        ("docs/x.exe", "skipped"),
    ]
    again = json.loads(footnote("ingest", "docs", "--json")[1])
    assert again["files"] == plan["files"]
    assert [p["reason"] for p in again["problems"]] == ["truncated"]


def test_what_goes_on_for_ever_has_no_json(footnote):
    with pytest.raises(InputError, match="--watch and --json do not go together"):
        CliRunner().invoke(app, ["ingest", "docs", "--watch", "--json"], catch_exceptions=False)
