"""The command line as a person meets it: real processes, a real model, the sample corpus."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from rag.cli import main
from tests.conftest import PROJECT

pytestmark = pytest.mark.model

FLAGSHIP = "what did China ask the US to avoid?"


@pytest.fixture(scope="module")
def store(tmp_path_factory, footnote) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "store"
    done = run(footnote, "ingest", "corpus", "--data-dir", str(folder))
    assert done.returncode == 0, done.stderr
    assert "5 added" in done.stdout
    return folder


def run(footnote, *arguments: str, stdin: str | None = None, cwd: Path = PROJECT):
    return subprocess.run(
        [*footnote, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_ask_prints_an_answer_with_numbered_footnotes(footnote, store):
    done = run(footnote, "ask", FLAGSHIP, "--data-dir", str(store))
    assert done.returncode == 0, done.stderr
    flat = " ".join(done.stdout.split())
    assert "not devote too much energy to individual cases" in flat
    assert "[1]" in flat
    assert "corpus/2011-05-09-mattimore-both-can-learn.md" in flat
    assert done.stderr == ""


def test_ask_json_is_one_object_whose_quotes_hold(footnote, store):
    done = run(footnote, "ask", FLAGSHIP, "--json", "--data-dir", str(store))
    answer = json.loads(done.stdout)
    assert not answer["abstained"]
    assert any("individual cases" in citation["quote"] for citation in answer["citations"][:2])
    for citation in answer["citations"]:
        assert citation["quote"] in citation["passage"]
        assert citation["source"].startswith("corpus/")
    for sentence in answer["sentences"]:
        assert sentence["citations"], "every sentence the reader shows is cited"


def test_batch_answers_line_by_line_and_goes_on_after_a_bad_one(footnote, store):
    lines = [
        json.dumps({"id": "a", "question": FLAGSHIP}),
        "not json",
        json.dumps({"id": "c", "question": ""}),
        json.dumps({"id": 4, "question": "Who painted the ceiling of the Sistine Chapel?"}),
        json.dumps({"id": "e", "question": "and when?", "history": [["What did Hu say?", "A."]]}),
    ]
    done = run(
        footnote, "ask", "--batch", "-", "--data-dir", str(store), stdin="\n".join(lines) + "\n"
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", None, "c", 4, "e"]
    assert "individual cases" in answers[0]["text"]
    assert "Line 2" in answers[1]["error"]["message"]
    assert "empty" in answers[2]["error"]["message"]
    assert answers[3]["abstained"]
    assert answers[3]["text"] == ""
    assert answers[3]["citations"] == []
    assert answers[4]["query"] != "and when?"
    assert done.returncode == 65


def test_search_shows_hits(footnote, store):
    done = run(
        footnote, "search", "Cui Tiankai individual cases", "-k", "3", "--json",
        "--filter", "publisher=China Daily*", "--data-dir", str(store),
    )  # fmt: skip
    hits = json.loads(done.stdout)["hits"]
    assert 1 <= len(hits) <= 3
    assert {hit["source"] for hit in hits} == {"corpus/2011-05-09-mattimore-both-can-learn.md"}
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))


def test_a_second_ingest_does_nothing_and_a_dry_run_says_so(footnote, store):
    assert "5 unchanged" in run(footnote, "ingest", "corpus", "--data-dir", str(store)).stdout
    dry = run(footnote, "ingest", "corpus", "README.md", "--dry-run", "--data-dir", str(store))
    assert "added  README.md" in dry.stdout
    assert "1 added, 5 unchanged" in dry.stdout
    status = json.loads(run(footnote, "status", "--json", "--data-dir", str(store)).stdout)
    assert status["documents"] == 5
    assert status["indexes"] == {"vectors": "in step", "lexical": "in step"}


def test_other_passage_settings_are_refused_with_the_command_that_helps(
    footnote, store, monkeypatch
):
    monkeypatch.setenv("FOOTNOTE_PASSAGE_CHARS", "300")
    done = run(footnote, "ask", FLAGSHIP, "--data-dir", str(store))
    assert done.returncode == 74
    assert "passage_chars = 1000" in " ".join(done.stderr.split())
    assert "footnote reindex" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ask", "Anything?"], 66, "no documents"),
        (["ask"], 64, "no question"),
        (["ingest", "nowhere"], 64, "no file or folder"),
        (["ingest", "pyproject.toml"], 64, "pyproject.toml"),
        (["search", "x", "--filter", "nonsense"], 64, "FIELD=VALUE"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_do(
    tmp_path, monkeypatch, capsys, arguments, code, message
):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(
        sys, "argv", ["footnote", *arguments, "--data-dir", str(tmp_path / "empty")]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr().err
    assert stopped.value.code == code, printed
    assert message in " ".join(printed.split())
    assert "Traceback" not in printed
    assert len(printed.strip().splitlines()) >= 2, "there is a hint"


def test_a_question_that_is_too_long_is_refused(footnote, store):
    done = run(footnote, "ask", "a" * 100_000, "--data-dir", str(store))
    assert done.returncode == 64
    assert "100,000 characters" in " ".join(done.stderr.split())


def test_a_bad_setting_is_named(footnote, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTNOTE_PORT", "http")
    done = run(footnote, "status", "--data-dir", str(tmp_path))
    assert done.returncode == 78
    assert "FOOTNOTE_PORT" in done.stderr


def test_a_second_writer_is_told_to_wait(footnote, store, tmp_path):
    from filelock import FileLock

    with FileLock(store / "write.lock"):
        done = run(footnote, "ingest", "corpus", "--data-dir", str(store))
    assert done.returncode == 75
    assert "Another process" in done.stderr


def test_a_batch_that_is_not_there_is_named(footnote, store):
    done = run(footnote, "ask", "--batch", "nowhere.jsonl", "--data-dir", str(store))
    assert done.returncode == 64
    assert "nowhere.jsonl: cannot be opened" in done.stderr


def test_removing_what_is_not_there_says_so(footnote, store):
    done = run(footnote, "remove", "nothing.txt", "--data-dir", str(store))
    assert done.returncode == 64
    assert "no document 'nothing.txt'" in done.stderr


def test_removing_takes_a_document_out_of_answers(footnote, tmp_path):
    store = str(tmp_path / "store")
    run(footnote, "ingest", "corpus", "--data-dir", store)
    gone = "corpus/2011-05-09-mattimore-both-can-learn.md"
    assert "Removed 1" in run(footnote, "remove", gone, "--data-dir", store).stdout
    found = run(footnote, "search", FLAGSHIP, "--json", "--data-dir", store).stdout
    assert gone not in found


def test_an_ingest_that_is_stopped_says_so_and_goes_on_later(footnote, tmp_path):
    for number in range(1500):
        (tmp_path / f"{number}.txt").write_text(f"The ship {number} left the harbour.\n" * 20)
    (tmp_path / "footnote.toml").write_text('embedding_model = "hashing"\n')
    command = [*footnote, "ingest", ".", "--data-dir", "store"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # jobs of a shell ignore it
    ) as stopped:
        until = time.monotonic() + 60
        while documents_in(tmp_path / "store") == 0 and time.monotonic() < until:
            time.sleep(0.02)
        stopped.send_signal(signal.SIGINT)
        _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert "the same command goes on" in " ".join(said.split())
    assert "Traceback" not in said
    kept = documents_in(tmp_path / "store")
    assert 0 < kept < 1500
    done = run(footnote, "ingest", ".", "--data-dir", "store", cwd=tmp_path)
    assert documents_in(tmp_path / "store") == 1500, done.stderr
    assert f"{1500 - kept} written" in " ".join(done.stdout.split())


def documents_in(store: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{store}/catalog.sqlite3?mode=ro", uri=True)) as found:
            return int(found.execute("SELECT count(*) FROM documents").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0
