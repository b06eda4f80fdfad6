from __future__ import annotations

import os
import time
from dataclasses import replace
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
    assert steps["docs/gone.txt"] == Action.GONE
    steps = actions(plan(["docs"], files, exclude=folder / "docs" / "store", prune=True))
    assert steps["docs/gone.txt"] == Action.REMOVE
    a.write_text("An apple!")  # the same length, within the clock's tick
    steps = actions(plan(["docs/a.txt"], files, exclude=folder / "x"))
    assert steps == {"docs/a.txt": "changed"}, "a file that is named alone removes nothing else"


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
    assert actions(plan(["docs/a.txt"], files, exclude=folder)) == {"docs/a.txt": "changed"}


def test_a_file_of_the_store_that_is_gone_may_be_named(folder):
    gone = folder / "docs" / "gone.txt"
    gone.write_text("x")
    files = known(gone, "docs/gone.txt")
    gone.unlink()
    assert actions(plan(["docs/gone.txt"], files, exclude=folder)) == {"docs/gone.txt": "gone"}
    steps = plan(["docs/gone.txt"], files, exclude=folder, prune=True)
    assert actions(steps) == {"docs/gone.txt": "removed"}


def test_only_what_lay_under_the_paths_is_pruned(folder):
    gone = folder / "docs" / "gone.txt"
    gone.write_text("x")
    files = known(gone, "docs/gone.txt")
    gone.unlink()
    assert "docs/gone.txt" not in actions(plan(["docs/deep"], files, exclude=folder, prune=True))
    (folder / "docs-2").mkdir()
    assert plan(["docs-2"], files, exclude=folder, prune=True) == []


def test_a_move_is_told_from_a_copy(folder):
    old, new = folder / "docs" / "a.txt", folder / "docs" / "deep" / "renamed.txt"
    files = known(old, "docs/a.txt")
    new.write_bytes(old.read_bytes())
    steps = actions(plan(["docs"], files, exclude=folder / "docs" / "store"))
    assert (steps["docs/a.txt"], steps["docs/deep/renamed.txt"]) == (Action.KEEP, Action.ADD)
    old.unlink()
    for arguments in (["docs"], ["docs/deep"], ["docs/deep/renamed.txt"]):
        steps = {s.source: s for s in plan(arguments, files, exclude=folder / "docs" / "store")}
        assert "docs/a.txt" not in steps
        moved = steps["docs/deep/renamed.txt"]
        assert (moved.action, moved.moved_from) == (Action.MOVE, str(old.resolve()))
        assert moved.reason == "from docs/a.txt"


def test_one_of_two_copies_of_what_is_gone_is_the_moved_one(folder):
    old = folder / "docs" / "a.txt"
    files = known(old, "docs/a.txt")
    (folder / "docs" / "x.txt").write_bytes(old.read_bytes())
    (folder / "docs" / "y.txt").write_bytes(old.read_bytes())
    old.unlink()
    steps = actions(plan(["docs"], files, exclude=folder / "docs" / "store"))
    assert sorted([steps["docs/x.txt"], steps["docs/y.txt"]]) == ["added", "moved"]


def test_a_file_that_is_being_written_is_left(folder):
    leave = {str((folder / "docs" / "a.txt").resolve())}
    steps = actions(plan(["docs"], {}, exclude=folder / "docs" / "store", leave=leave))
    assert "docs/a.txt" not in steps
    assert "docs/deep/b.md" in steps


@pytest.fixture
def no_privilege(tmp_path):
    """Let permissions count, also for root, who otherwise passes them over."""
    if os.geteuid() != 0:
        yield
        return
    modes = {parent: parent.stat().st_mode for parent in (tmp_path, *tmp_path.parents)}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o011)
    os.seteuid(65534)
    yield
    os.seteuid(0)
    for parent, mode in modes.items():
        parent.chmod(mode)


def test_links_that_lead_nowhere_or_round_in_a_circle_are_named(folder):
    (folder / "docs" / "loop.txt").symlink_to("loop.txt")
    (folder / "docs" / "lost.txt").symlink_to("nowhere.txt")
    (folder / "docs" / "deep" / "up").symlink_to("..")
    (folder / "docs" / ".up").symlink_to("..")
    steps = plan(["docs"], {}, exclude=folder / "docs" / "store")
    assert {step.source: step.reason for step in steps if step.action == Action.SKIP} == {
        "docs/deep/c.xyz": "unknown-format",
        "docs/deep/up": "link to a folder",
        "docs/loop.txt": "Too many levels of symbolic links",
        "docs/lost.txt": "No such file or directory",
    }
    (step,) = plan(["docs/loop.txt"], {}, exclude=folder / "store")
    assert step.reason == "Too many levels of symbolic links"


def test_a_link_to_a_folder_is_followed_when_it_is_named(folder):
    (folder / "link").symlink_to("docs/deep")
    steps = plan(["link"], {}, exclude=folder / "store")
    assert actions(steps) == {"link/b.md": "added", "link/c.xyz": "skipped"}
    assert steps[0].path == str(folder / "docs" / "deep" / "b.md")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_what_lies_in_a_closed_folder_is_not_gone(folder, request):
    store = known(folder / "docs" / "deep" / "b.md", "docs/deep/b.md")
    (folder / "docs" / "deep").chmod(0)
    request.addfinalizer(lambda: (folder / "docs" / "deep").chmod(0o700))
    request.getfixturevalue("no_privilege")
    steps = plan(["docs"], store, exclude=folder / "docs" / "store", prune=True)
    assert [(step.source, step.action.value, step.reason) for step in steps] == [
        ("docs/a.txt", "added", ""),
        ("docs/deep", "skipped", "Permission denied"),
    ]
    for held in ({}, store):
        with pytest.raises(InputError, match="permission denied"):
            plan(["docs/deep/b.md"], held, exclude=folder / "store", prune=True)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_that_could_not_be_opened_is_tried_again(folder, request):
    path = folder / "docs" / "a.txt"
    record = replace(known(path, "docs/a.txt")[str(path)], sha256="", reason="unreadable")
    path.chmod(0)
    request.addfinalizer(lambda: path.chmod(0o600))
    request.getfixturevalue("no_privilege")
    (step,) = plan([str(path)], {str(path): record}, exclude=folder / "store")
    assert step.action == Action.REPLACE
