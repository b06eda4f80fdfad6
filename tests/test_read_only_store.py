"""The commands on a store that may only be read: other processes, without the right to write."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="takes rights from root the way Linux does"
)

_DROP_FROM_BOUNDS, _MAY_WRITE_ANYTHING = 24, 1  # prctl(2), capabilities(7)

SETTINGS = {
    "FOOTNOTE_EMBEDDING_MODEL": "hashing",
    "FOOTNOTE_READER": "similarity",
    "FOOTNOTE_ABSTAIN_BELOW": "0",
}
REFUSED = "may not be written by this user"


def without_root() -> None:
    """Make file modes count for the process to be: those of root do not, for root."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDS, _MAY_WRITE_ANYTHING, 0, 0, 0)


def close_to_writing(folder: Path, closed: bool) -> None:
    for parent, _, names in os.walk(folder):
        os.chmod(parent, 0o755)
        for name in names:
            os.chmod(Path(parent, name), 0o444 if closed else 0o644)
    for parent, _, _ in os.walk(folder, topdown=False):
        os.chmod(parent, 0o555 if closed else 0o755)


@contextmanager
def closed_to_writing(folder: Path) -> Iterator[None]:
    close_to_writing(folder, True)
    try:
        yield
    finally:
        close_to_writing(folder, False)


@pytest.fixture(scope="module")
def run(footnote) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*footnote, *map(str, arguments)],
            cwd=cwd, env=os.environ | SETTINGS, preexec_fn=without_root, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory, run) -> Path:
    """A folder with documents and their store, `store`."""
    folder = tmp_path_factory.mktemp("read-only")
    (folder / "docs").mkdir()
    (folder / "docs" / "a.txt").write_text("The bridge was built in 1931 by the city.")
    (folder / "docs" / "b.txt").write_text("The library opens at nine on Mondays.")
    done = run("ingest", "docs", "--data-dir", "store", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def flat(text: str) -> str:
    return " ".join(text.split())


def test_it_can_be_asked_and_looked_at(run, folder):
    with closed_to_writing(folder / "store"):
        before = sorted((folder / "store").iterdir())
        asked = run("ask", "When was it built?", "--json", "--data-dir", "store", cwd=folder)
        assert "1931" in json.loads(asked.stdout)["hits"][0]["text"], asked.stderr
        searched = run("search", "library", "--json", "--data-dir", "store", cwd=folder)
        assert json.loads(searched.stdout)["hits"][0]["source"] == "docs/b.txt", searched.stderr
        status = json.loads(run("status", "--json", "--data-dir", "store", cwd=folder).stdout)
        assert (status["writable"], status["served_by_another_process"]) == (False, False)
        assert (status["documents"], status["indexes"]["lexical"]) == (2, "in step")
        assert sorted((folder / "store").iterdir()) == before


@pytest.mark.parametrize(
    "command", [("ingest", "docs"), ("remove", "docs/a.txt"), ("reindex",)], ids=lambda c: c[0]
)
def test_what_would_change_it_says_in_a_sentence_that_it_may_not(run, folder, command):
    with closed_to_writing(folder / "store"):
        done = run(*command, "--data-dir", "store", cwd=folder)
    assert done.returncode == 74
    assert f"The store store {REFUSED}; nothing was changed." in flat(done.stderr)


def test_a_plan_and_a_backup_can_be_made_of_it(run, folder):
    with closed_to_writing(folder / "store"):
        planned = run("ingest", "docs", "--dry-run", "--data-dir", "store", cwd=folder)
        assert "2 unchanged" in planned.stdout, planned.stderr
        saved = run("backup", "saved.db", "--data-dir", "store", cwd=folder)
        assert "2 documents" in saved.stdout, saved.stderr


def test_without_a_word_index_one_is_made_elsewhere(run, folder):
    index, away = folder / "store" / "lexical.sqlite3", folder / "lexical.away"
    index.rename(away)
    try:
        with closed_to_writing(folder / "store"):
            done = run("search", "Mondays", "--json", "--data-dir", "store", cwd=folder)
        assert json.loads(done.stdout)["hits"][0]["source"] == "docs/b.txt", done.stderr
        assert not index.exists()
    finally:
        away.rename(index)


def test_where_there_is_none_that_is_said(run, folder):
    (folder / "empty").mkdir(exist_ok=True)
    with closed_to_writing(folder / "empty"):
        done = run("ingest", "docs", "--dry-run", "--data-dir", "empty", cwd=folder)
    assert done.returncode == 74
    assert "There is no store in empty" in flat(done.stderr)


def test_a_server_answers_from_it_and_sees_what_others_write(run, footnote, folder):
    """Whoever may write does, while the server has it open for reading alone."""
    with closed_to_writing(folder / "store"), (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*footnote, "serve", "--port", "0", "--data-dir", "store"],
            cwd=folder, env=os.environ | SETTINGS, preexec_fn=without_root, text=True,
            stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address, (folder / "log").read_text()
            url = address[0].rstrip("/")
            assert "1931" in nearest(url, "When was the bridge built?")
            close_to_writing(folder / "store", False)
            (folder / "docs" / "c.txt").write_text("The harbour froze in 1947 for a month.")
            done = run("ingest", "docs/c.txt", "--data-dir", "store", cwd=folder)
            assert done.returncode == 0, done.stderr
            assert "1947" in nearest(url, "When did the harbour freeze?")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
            assert server.stdout is not None
            server.stdout.close()
        assert (
            "conversations, feedback and audit lines are not kept" in (folder / "log").read_text()
        )
        assert not (folder / "store" / "history.db").exists()


def nearest(url: str, question: str) -> str:
    """Ask a server, and return the text of the nearest passage."""
    request = urllib.request.Request(
        f"{url}/api/v1/chat",
        json.dumps({"question": question}).encode(),
        {"Content-Type": "application/json", "Accept": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        return str(json.load(reply)["hits"][0]["text"])
