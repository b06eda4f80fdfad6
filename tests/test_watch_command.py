"""Following a folder: files come in when they have come to rest, and only then."""

from __future__ import annotations

import io
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from rag.settings import Settings
from rag.store.catalog import Catalog
from rag.watch_command import Unsettled, run_watch

LONG = 20.0  # seconds, for a machine that has other things to do


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "docs" / "store", embedding_model="hashing")


@pytest.fixture
def watching(settings, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "first.txt").write_text("The first letter was there before anyone watched.")
    stop = threading.Event()
    console = Console(file=io.StringIO())
    thread = threading.Thread(
        target=run_watch,
        args=(settings, [str(docs)], console, console),
        kwargs={"prune": True, "stop": stop, "look_seconds": 0.3},
    )
    thread.start()
    until(lambda: "Watching" in console.file.getvalue())
    yield docs
    stop.set()
    thread.join(LONG)
    assert not thread.is_alive()


def until(holds) -> None:
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


def texts(settings: Settings) -> dict[str, str]:
    with closing(Catalog(settings.data_dir / "catalog.sqlite3")) as catalog:
        found = {}
        for info in catalog.documents():
            document = catalog.document(info.doc_id)
            assert document is not None
            found[Path(info.source).name] = document.text
        return found


def test_new_changed_renamed_and_deleted_files_are_followed(watching, settings):
    assert list(texts(settings)) == ["first.txt"]
    (watching / "second.txt").write_text("The second letter arrived later than the first.")
    until(lambda: "second.txt" in texts(settings))
    (watching / "first.txt").write_text("The first letter has been written anew.")
    until(lambda: "anew" in texts(settings)["first.txt"])
    (watching / "second.txt").rename(watching / "third.txt")
    until(lambda: sorted(texts(settings)) == ["first.txt", "third.txt"])
    (watching / "first.txt").unlink()
    until(lambda: sorted(texts(settings)) == ["third.txt"])


def test_a_file_still_being_written_is_left_until_it_is_still(watching, settings):
    seen = set()
    with (watching / "slow.txt").open("w") as file:
        for number in range(25):
            file.write(f"Sentence {number} of a long letter. ")
            file.flush()
            time.sleep(0.1)
            seen.add(texts(settings).get("slow.txt"))
    until(lambda: "Sentence 24 " in texts(settings).get("slow.txt", ""))
    assert seen == {None}


def test_two_equal_looks_make_a_file_still(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a")
    unsettled = Unsettled()
    assert not unsettled.settle([str(path)])
    path.write_text("ab")
    assert not unsettled.settle([])
    assert unsettled.paths == {str(path)}
    assert unsettled.settle([])
    assert unsettled.paths == set()
    path.unlink()
    assert not unsettled.settle([str(path)])
    assert unsettled.settle([]), "a file that is gone for two looks is gone"
