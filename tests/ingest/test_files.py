from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from rag.errors import InputError
from rag.ingest.files import Action, file_hash, plan
from rag.ingest.readers import reader_for
from rag.store.records import FileRecord

LONG_AGO_NS = 1_000_000_000 * 10**9


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "a.txt").write_text("An apple.")
    (tmp_path / "docs" / "deep" / "b.md").write_text("A pear.")
    (tmp_path / "docs" / "deep" / "c.xyz").write_text("?")
    (tmp_path / "docs" / ".hidden.txt").write_text("no")
    (tmp_path / "docs" / ".git").mkdir()
    (tmp_path / "docs" / ".git" / "d.txt").write_text("no")
    (tmp_path / "docs" / "store").mkdir()
    (tmp_path / "docs" / "store" / "e.txt").write_text("no")
    return tmp_path


def actions(steps):
    return {step.source: step.action.value for step in steps}


def known(path: Path, source: str) -> dict[str, FileRecord]:
    status = path.stat()
    return {
        str(path.resolve()): FileRecord(
            path=str(path.resolve()),
            source=source,
            sha256=file_hash(path),
            size_bytes=status.st_size,
            mtime_ns=status.st_mtime_ns,
            seen_ns=time.time_ns(),
            reader_version=reader_for(path).version,
        )
    }


def test_a_folder_is_walked_without_hidden_files_and_the_store(folder):
    steps = plan(["docs"], {}, exclude=folder / "docs" / "store")
    assert actions(steps) == {
        "docs/a.txt": "added",
        "docs/deep/b.md": "added",
        "docs/deep/c.xyz": "skipped",
    }
    assert [step.reason for step in steps] == ["", "", "unknown-format"]


def test_files_patterns_and_folders_together_count_once(folder):
    steps = plan(["docs/a.txt", "docs/**/*.md", "./docs"], {}, exclude=folder / "docs" / "store")
    assert [step.source for step in steps] == ["docs/a.txt", "docs/deep/b.md", "docs/deep/c.xyz"]


def test_what_names_nothing_is_an_error(folder):
    with pytest.raises(InputError, match="no file or folder 'nowhere'"):
        plan(["docs", "nowhere"], {}, exclude=folder / "x")
    with pytest.raises(InputError):
        plan(["docs/*.pdf"], {}, exclude=folder / "x")


def test_a_file_of_unknown_format_named_by_itself_is_an_error(folder):
    with pytest.raises(InputError, match=r"c\.xyz"):
        plan(["docs/deep/c.xyz"], {}, exclude=folder / "x")


def test_unchanged_edited_and_gone(folder):
    a = folder / "docs" / "a.txt"
    gone = folder / "docs" / "gone.txt"
    gone.write_text("x")
    files = known(a, "docs/a.txt") | known(gone, "docs/gone.txt")
    gone.unlink()
    steps = actions(plan(["docs"], files, exclude=folder / "docs" / "store"))
    assert steps["docs/a.txt"] == Action.KEEP
    assert steps["docs/gone.txt"] == Action.REMOVE
    a.write_text("An apple!")  # the same length, within the clock's tick
    steps = actions(plan(["docs/a.txt"], files, exclude=folder / "x"))
    assert steps == {"docs/a.txt": "replaced"}, "a file that is named alone removes nothing else"


def test_a_touched_file_is_unchanged(folder):
    a = folder / "docs" / "a.txt"
    files = known(a, "docs/a.txt")
    os.utime(a, ns=(LONG_AGO_NS, LONG_AGO_NS))
    assert actions(plan(["docs/a.txt"], files, exclude=folder)) == {"docs/a.txt": "unchanged"}


def test_a_settled_file_is_not_read_again(folder):
    a = folder / "docs" / "a.txt"
    os.utime(a, ns=(LONG_AGO_NS, LONG_AGO_NS))
    files = known(a, "docs/a.txt")
    a.write_text("An apple?")
    os.utime(a, ns=(LONG_AGO_NS, LONG_AGO_NS))  # a lie that only reading would find out
    assert actions(plan(["docs/a.txt"], files, exclude=folder)) == {"docs/a.txt": "unchanged"}


def test_a_newer_reader_reads_again(folder):
    from dataclasses import replace

    a = folder / "docs" / "a.txt"
    files = {path: replace(r, reader_version=0) for path, r in known(a, "docs/a.txt").items()}
    assert actions(plan(["docs/a.txt"], files, exclude=folder)) == {"docs/a.txt": "replaced"}
