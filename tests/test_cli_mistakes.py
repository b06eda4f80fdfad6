"""What a person types wrongly, and what the command line says to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.cli import main


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """A working folder with one document, and a model that takes no time to load."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", "hashing")
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "ship.md").write_text(
        "---\nauthor: Ann Lee\ndate: 2011-05-09\n---\n# The ship\n\nIt left the harbour in May.\n",
        encoding="utf-8",
    )


@pytest.fixture
def footnote(monkeypatch, capsys):
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["footnote", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "Anything?"],
        ["search", "anything"],
        ["status"],
        ["remove", "docs"],
        ["reindex"],
        ["backup", "b.footnote"],
    ],
)
@pytest.mark.parametrize("name", ["nowhere", "docs", "docs/ship.md"])
def test_a_folder_without_a_store_is_not_made_one(footnote, tmp_path, arguments, name):
    before = sorted(tmp_path.rglob("*"))
    code, _, said = footnote(*arguments, "--data-dir", name)
    assert code == 66
    assert f"there is no store in {name}" in said
    assert "footnote ingest FOLDER" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_question_needs_no_quotes(footnote):
    footnote("ingest", "docs")
    code, answer, _ = footnote("search", "left", "the", "harbour", "-k", "1", "--json")
    assert code == 0
    assert '"query": "left the harbour"' in answer


@pytest.mark.parametrize("words", [[], [""], ["  "]])
def test_without_words_there_is_no_question(footnote, words):
    for command in ("ask", "search"):
        code, _, said = footnote(command, *words)
        assert code == 64
        assert "There is no question" in said


def test_a_question_beside_a_batch_is_not_lost(footnote):
    code, _, said = footnote("ask", "who?", "--batch", "questions.jsonl")
    assert code == 64
    assert "'who?'" in said
    assert "Give one of them" in said


def test_a_filter_that_fits_nothing_tells_what_could_be_meant(footnote):
    footnote("ingest", "docs")
    code, found, said = footnote("search", "harbour", "--filter", "autor=Ann*", "--json")
    assert (code, found) == (0, '{"query": "harbour", "hits": []}\n')
    assert "No document fits the filter 'autor=Ann*'." in said
    assert "title, source, collection" in " ".join(said.split())
    assert "author" in said
    assert footnote("search", "harbour", "--filter", "author=Ann*", "--json")[2] == ""


def test_a_collection_that_is_not_there_is_named(footnote):
    footnote("ingest", "docs", "--collection", "ships")
    code, _, said = footnote("search", "harbour", "--collection", "sihps")
    assert code == 0
    assert "No document is in the collection sihps. There are: ships." in said


def test_a_folder_without_files_is_told(footnote, tmp_path):
    (tmp_path / "empty").mkdir()
    code, said, _ = footnote("ingest", "empty")
    assert code == 0
    assert "There are no files under the paths given." in said


@pytest.mark.parametrize("command", [["people"], ["export", "user ann"], ["audit"], ["forget"]])
def test_a_history_is_not_begun_where_there_is_none(footnote, command):
    code, _, said = footnote("history", *command, "--data-dir", "nowhere")
    assert code == 64
    assert "There is no folder nowhere, so nothing is kept there." in said
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("text", ["date==2011", "date=>2011", "date>2011", "=2011", "date="])
def test_a_filter_of_another_form_is_refused(footnote, text):
    footnote("ingest", "docs")
    code, _, said = footnote("search", "harbour", "--filter", text)
    assert code == 64
    assert "FIELD>=VALUE" in said


def test_a_backup_needs_a_file_in_a_folder(footnote, tmp_path):
    footnote("ingest", "docs")
    code, _, said = footnote("backup", "docs")
    assert code == 64
    assert "docs is a folder" in said
    code, _, said = footnote("backup", str(tmp_path / "usb" / "b.footnote"))
    assert code == 64
    assert f"There is no folder {tmp_path / 'usb'}" in " ".join(said.split())


@pytest.mark.parametrize("name", ["", "  ", "a\nb"])
def test_a_key_needs_a_name(footnote, name):
    code, _, said = footnote("token", "create", name)
    assert code == 64
    assert "is no name" in said
    assert not Path(".footnote").exists()


def test_a_misspelt_command_or_group_is_recognised(footnote):
    assert "Did you mean 'ingest'" in footnote("ingset", "docs")[2]
    assert "Did you mean 'eval'" in footnote("evla", "run")[2]
    assert footnote("ingset", "docs")[0] == 2


def test_the_version_and_short_help(footnote):
    code, said, _ = footnote("--version")
    assert code == 0
    assert said.startswith("footnote 0.")
    assert "eval" in footnote("-h")[1]
    assert "--filter" in footnote("ask", "-h")[1]


def test_a_filter_that_is_no_text_is_refused(footnote):
    footnote("ingest", "docs")
    code, _, said = footnote("search", "harbour", "--filter", "author=\udcff")
    assert code == 64
    assert "is not UTF-8" in said


def test_a_place_that_may_not_be_written_is_named(footnote, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/there/store")

    monkeypatch.setattr("rag.cli_checks.os.path.exists", refuse)
    code, _, said = footnote("status")
    assert code == 74
    assert "Error: /there/store: Permission denied" in said
    assert "that you may write to" in said


def real(*arguments: str, **how: object) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", "from rag.cli import main; main()", *arguments]
    return subprocess.run(program, capture_output=True, check=False, **how)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_is_not_utf8_shows_what_it_can(footnote, tmp_path, encoding):
    text = "The whale “Moby” cost 5 €, said Ahab."
    (tmp_path / "docs" / "whale.md").write_text(text, encoding="utf-8")
    footnote("ingest", "docs")
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = real("search", "whale", "-k", "1", env=env)
    assert done.returncode == 0, done.stderr
    assert b"The whale ?Moby? cost 5 ?, said Ahab." in done.stdout
    found = json.loads(real("search", "whale", "-k", "1", "--json", env=env).stdout)
    assert found["hits"][0]["text"] == text


def test_who_closes_the_pipe_hears_no_more(footnote):
    footnote("ingest", "docs")
    for arguments in (["status"], ["search", "harbour"], ["search", "harbour", "--json"]):
        reader, writer = os.pipe()
        os.close(reader)
        program = [sys.executable, "-c", "from rag.cli import main; main()", *arguments]
        done = subprocess.run(program, stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (1, b"")


def test_a_terminal_of_no_width_shows_something(footnote):
    footnote("ingest", "docs")
    done = real("search", "harbour", env={**os.environ, "COLUMNS": "0"})
    assert b"harbour" in done.stdout
