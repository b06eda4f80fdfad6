"""What a person expects of files that are copied, renamed, moved, edited, deleted, brought back."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from rag.build import open_ingestor, open_parts, plan_ingest
from rag.settings import Settings
from rag.terminal import print_plan, print_report

TEXT = "The quartermaster counted the lanterns twice and found that one of them was missing."


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs" / "old").mkdir(parents=True)
    (tmp_path / "docs" / "letter.txt").write_text(TEXT)
    return tmp_path / "docs"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "store", embedding_model="hashing", reader="similarity")


def ingest(settings: Settings, prune: bool = False) -> str:
    """Ingest the folder; returns what a person is shown."""
    with open_ingestor(settings) as ingestor:
        report = ingestor.ingest(["docs"], prune=prune)
    console = Console(file=io.StringIO(), width=200)
    print_report(console, report)
    return console.file.getvalue()


def found(settings: Settings) -> list[str]:
    with open_parts(settings) as parts:
        hits = parts.assistant.search("quartermaster lanterns missing", 10)
    return sorted(hit.passage.source for hit in hits)


def test_two_files_with_equal_text_are_both_found_and_both_named(docs, settings):
    shutil.copy(docs / "letter.txt", docs / "old" / "copy.txt")
    assert "2 added" in ingest(settings)
    assert found(settings) == ["docs/letter.txt", "docs/old/copy.txt"]
    (docs / "letter.txt").unlink()
    ingest(settings, prune=True)
    assert found(settings) == ["docs/old/copy.txt"], "the other keeps its vector"


def test_a_moved_file_is_found_once_where_it_lies_now(docs, settings):
    ingest(settings)
    (docs / "letter.txt").rename(docs / "old" / "letter.txt")
    assert "1 moved" in ingest(settings)
    assert found(settings) == ["docs/old/letter.txt"]


def test_a_renamed_folder_moves_all_of_its_files(docs, settings):
    for number in range(3):
        (docs / "old" / f"{number}.txt").write_text(f"{TEXT} It was number {number}.")
    ingest(settings)
    (docs / "old").rename(docs / "new")
    assert "3 moved" in ingest(settings)
    assert found(settings) == ["docs/letter.txt", *(f"docs/new/{n}.txt" for n in range(3))]


def test_a_moved_and_edited_file_is_new_and_the_old_one_is_told_of(docs, settings):
    ingest(settings)
    (docs / "letter.txt").unlink()
    (docs / "other.txt").write_text(TEXT.replace("twice", "thrice"))
    said = ingest(settings)
    assert "1 added, 1 gone" in said
    assert "1 file(s) are gone; their documents are kept." in said
    assert "footnote ingest --prune" in said
    assert found(settings) == ["docs/letter.txt", "docs/other.txt"]
    assert "1 removed" in ingest(settings, prune=True)
    assert found(settings) == ["docs/other.txt"]


def test_a_deleted_file_that_comes_back_is_the_same_document(docs, settings):
    ingest(settings)
    (docs / "letter.txt").rename(docs.parent / "elsewhere.txt")
    ingest(settings)
    (docs.parent / "elsewhere.txt").rename(docs / "letter.txt")
    assert "1 unchanged" in ingest(settings)
    assert found(settings) == ["docs/letter.txt"]


def test_a_dry_run_tells_all_of_this_and_changes_nothing(docs, settings):
    (docs / "gone.txt").write_text("Something that will not stay.")
    ingest(settings)
    (docs / "gone.txt").unlink()
    (docs / "letter.txt").rename(docs / "old" / "letter.txt")
    (docs / "new.txt").write_text("Something new.")
    for prune, fate in ((False, "gone"), (True, "removed")):
        console = Console(file=io.StringIO(), width=200)
        print_plan(console, plan_ingest(settings, ["docs"], prune=prune))
        lines = [line.strip() for line in console.file.getvalue().splitlines()]
        assert lines[:3] == [
            f"{fate}  docs/gone.txt",
            "added  docs/new.txt",
            "moved  docs/old/letter.txt (from docs/letter.txt)",
        ]
    assert found(settings) == ["docs/gone.txt", "docs/letter.txt"]
