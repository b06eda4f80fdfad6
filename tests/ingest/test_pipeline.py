"""A file's walk into a real catalogue, with an embedder that counts what it is asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rag.errors import DocumentError, ProcessError, StoreError
from rag.ingest.files import Action
from rag.ingest.pipeline import Ingestor, remove_sources
from rag.ingest.report import Progress
from rag.ingest.sandbox import Sandbox
from rag.types import Document


@pytest.fixture
def ingestor(catalog, embedder):
    return Ingestor(catalog, embedder, passage_chars=120, overlap_chars=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("The apple is a fruit that grows on trees in the garden.")
    (folder / "b.txt").write_text("The pear is another fruit that people like to eat in autumn.")
    return folder


def titles(catalog):
    return [info.source for info in catalog.documents()]


def test_files_become_documents(ingestor, catalog, folder, embedder):
    report = ingestor.ingest(["docs"])
    assert titles(catalog) == ["docs/a.txt", "docs/b.txt"]
    assert (report.count(Action.ADD), report.documents, report.passages) == (2, 2, 2)
    assert len(embedder.embedded) == report.embedded == 2
    assert report.characters == sum(map(len, embedder.embedded))


def test_a_second_ingest_embeds_and_changes_nothing(ingestor, catalog, folder, embedder):
    ingestor.ingest(["docs"])
    seq = catalog.seq
    report = ingestor.ingest(["docs"])
    assert report.count(Action.KEEP) == 2
    assert len(embedder.embedded) == 2
    assert catalog.seq == seq


def test_an_edit_embeds_only_what_changed(ingestor, catalog, folder, embedder):
    paragraphs = [f"Paragraph {n} speaks of the apple at length, {n} times." for n in "abcdef"]
    (folder / "a.txt").write_text("\n\n".join(paragraphs))
    ingestor.ingest(["docs"])
    count = len(embedder.embedded)
    paragraphs[3] = "Paragraph d speaks of the plum at length, and 4 times."
    (folder / "a.txt").write_text("\n\n".join(paragraphs))
    report = ingestor.ingest(["docs"])
    assert report.count(Action.REPLACE) == 1
    assert 1 <= len(embedder.embedded) - count <= 2


def test_a_file_that_no_child_could_be_started_for_is_read_the_next_time(
    catalog, embedder, folder, ingestor
):
    with Sandbox(start="raise SystemExit(3)") as sandbox:
        without = Ingestor(catalog, embedder, passage_chars=120, overlap_chars=0, read=sandbox.read)
        with pytest.raises(ProcessError):
            without.ingest(["docs"])
    assert catalog.files() == {}
    assert ingestor.ingest(["docs"]).count(Action.ADD) == 2
    assert titles(catalog) == ["docs/a.txt", "docs/b.txt"]


def test_a_removed_file_disappears_everywhere(ingestor, catalog, folder):
    ingestor.ingest(["docs"])
    (folder / "a.txt").unlink()
    report = ingestor.ingest(["docs"])
    assert (report.removed_documents, report.count(Action.GONE)) == (0, 1)
    report = ingestor.ingest(["docs"], prune=True)
    assert report.removed_documents == 1
    assert titles(catalog) == ["docs/b.txt"]
    assert catalog.counts().passages == catalog.counts().vectors == 1
    assert len(catalog.files()) == 1


def test_a_moved_file_is_there_once_under_its_new_name(ingestor, catalog, folder, embedder):
    (folder / "a.md").write_text("# Apples\n\nThe apple is a fruit that grows on trees.")
    ingestor.ingest(["docs"])
    count = len(embedder.embedded)
    (folder / "deep").mkdir()
    (folder / "a.md").rename(folder / "deep" / "b.md")
    report = ingestor.ingest(["docs"])
    assert titles(catalog) == ["docs/a.txt", "docs/b.txt", "docs/deep/b.md"]
    assert (report.count(Action.MOVE), report.removed_documents) == (1, 1)
    assert len(embedder.embedded) == count, "nothing was embedded again"
    assert str(folder / "a.md") not in catalog.files()
    assert ingestor.ingest(["docs"]).count(Action.KEEP) == 3


def test_records_of_a_moved_file_keep_their_ids(ingestor, catalog, folder):
    record = {"_id": "r1", "title": "T", "text": "The only record of this file."}
    (folder / "x.jsonl").write_text(json.dumps(record))
    ingestor.ingest(["docs/x.jsonl"])
    (folder / "x.jsonl").rename(folder / "y.jsonl")
    ingestor.ingest(["docs/y.jsonl"])
    (info,) = catalog.documents()
    assert (info.doc_id, info.path) == ("r1", str(folder / "y.jsonl"))


def test_a_file_brought_back_from_a_backup_replaces_the_edited_one(ingestor, catalog, folder):
    path = folder / "a.txt"
    ingestor.ingest(["docs"])
    original, long_ago = path.read_bytes(), 1_500_000_000
    path.write_text("Something else entirely stands here for a day or two.")
    ingestor.ingest(["docs"])
    path.write_bytes(original)
    os.utime(path, (long_ago, long_ago))
    assert ingestor.ingest(["docs"]).count(Action.REPLACE) == 1
    (info,) = [info for info in catalog.documents() if info.source == "docs/a.txt"]
    document = catalog.document(info.doc_id)
    assert document is not None
    assert document.text == original.decode()


def has_every_vector(catalog):
    return len(catalog.changes(0, limit=1000).passages) == catalog.counts().passages


def test_a_record_that_changes_its_id_keeps_its_vector(ingestor, catalog, folder):
    record = {"title": "T", "text": "The only record of this file, under one id or another."}
    path = folder / "x.jsonl"
    path.write_text(json.dumps({"_id": "before", **record}))
    ingestor.ingest(["docs/x.jsonl"])
    path.write_text(json.dumps({"_id": "afterwards", **record}))
    report = ingestor.ingest(["docs/x.jsonl"])
    assert [info.doc_id for info in catalog.documents()] == ["afterwards"]
    assert (report.embedded, report.removed_documents) == (0, 1)
    assert has_every_vector(catalog)


def test_a_paragraph_that_moves_to_another_file_keeps_its_vector(ingestor, catalog, folder):
    head = "# One title\n\nEach letter begins with some words of its own, and these are of letter"
    moving = "This paragraph of some length moves from the one letter to the other letter today."
    (folder / "a.md").write_text(f"{head} a, the first of two.\n\n{moving}")
    (folder / "b.md").write_text(f"{head} b, the second of two.")
    ingestor.ingest(["docs/a.md", "docs/b.md"])
    (folder / "a.md").write_text(f"{head} a, the first of two.")
    (folder / "b.md").write_text(f"{head} b, the second of two.\n\n{moving}")
    ingestor.ingest(["docs/a.md", "docs/b.md"])
    assert catalog.counts().passages == 3
    assert has_every_vector(catalog)


def test_a_file_that_cannot_be_read_stops_nothing_and_is_on_record(ingestor, catalog, folder):
    (folder / "aa.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    report = ingestor.ingest(["docs"])
    assert titles(catalog) == ["docs/a.txt", "docs/b.txt"]
    assert [p.source for p in report.problems] == ["docs/aa.pdf"]
    stored = catalog.files()[str(folder / "aa.pdf")]
    assert stored.reason
    assert stored.message
    assert stored.hint


def test_what_was_read_before_stays_when_a_file_breaks(ingestor, catalog, folder):
    ingestor.ingest(["docs"])
    (folder / "a.txt").write_bytes(b"")
    report = ingestor.ingest(["docs"])
    assert [p.reason for p in report.problems] == ["empty"]
    assert titles(catalog) == ["docs/a.txt", "docs/b.txt"]


def test_records_of_a_jsonl_file_are_documents(ingestor, catalog, folder):
    records = [{"_id": f"r{n}", "title": f"T{n}", "text": f"Record number {n}."} for n in range(3)]
    path = folder / "set.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    ingestor.ingest(["docs/set.jsonl"])
    assert [i.doc_id for i in catalog.documents()] == ["r0", "r1", "r2"]
    path.write_text("\n".join(map(json.dumps, records[1:])))
    report = ingestor.ingest(["docs/set.jsonl"])
    assert [i.doc_id for i in catalog.documents()] == ["r1", "r2"]
    assert report.removed_documents == 1
    assert report.documents == 0, "records that did not change are not written again"


def test_equal_record_ids_of_two_files_are_two_documents(ingestor, catalog, folder):
    for name in ("x", "y"):
        record = {"_id": "1", "title": name, "text": f"This is the only record of file {name}."}
        (folder / f"{name}.jsonl").write_text(json.dumps(record))
    ingestor.ingest(["docs/*.jsonl"])
    assert sorted(info.title for info in catalog.documents()) == ["x", "y"]
    ingestor.ingest(["docs/*.jsonl"])
    assert len(catalog.documents()) == 2


def test_two_files_with_equal_text_are_both_documents(ingestor, catalog, folder):
    (folder / "copy.txt").write_text((folder / "a.txt").read_text())
    ingestor.ingest(["docs"])
    assert "docs/copy.txt" in titles(catalog)
    assert catalog.counts().passages == 3


def test_progress_ends_at_the_total(catalog, embedder, folder):
    told: list[Progress] = []
    Ingestor(catalog, embedder, passage_chars=500, overlap_chars=0, on_progress=told.append).ingest(
        ["docs"]
    )
    assert (
        told[-1].bytes_done
        == told[-1].bytes_total
        == sum(f.stat().st_size for f in folder.iterdir())
    )


def test_an_ingest_that_breaks_off_goes_on_where_it_stopped(catalog, embedder, folder):
    class Failing(type(embedder)):
        def embed_passages(self, texts):
            raise StoreError("out of memory")

    with pytest.raises(StoreError):
        Ingestor(catalog, Failing(), passage_chars=500, overlap_chars=0).ingest(["docs"])
    assert catalog.files() == {}
    report = Ingestor(catalog, embedder, passage_chars=500, overlap_chars=0).ingest(["docs"])
    assert report.count(Action.ADD) == 2
    assert len(titles(catalog)) == 2


def test_reindex_splits_the_stored_text_again(catalog, embedder, folder):
    (folder / "a.txt").write_text("One sentence about the apple. " * 10)
    Ingestor(catalog, embedder, passage_chars=1000, overlap_chars=0).ingest(["docs"])
    few = catalog.counts().passages
    (folder / "a.txt").unlink()
    Ingestor(catalog, embedder, passage_chars=100, overlap_chars=0).reindex()
    assert catalog.counts().passages > few
    assert len(titles(catalog)) == 2


@pytest.mark.parametrize("argument", ["docs/a.txt", "docs", "./docs/../docs/a.txt"])
def test_documents_are_removed_by_path_or_folder(ingestor, catalog, folder, argument):
    ingestor.ingest(["docs"])
    assert "docs/a.txt" in list(remove_sources(catalog, [argument]))
    assert "docs/a.txt" not in titles(catalog)


@pytest.mark.parametrize("argument", ["docs/torn.pdf", "docs"])
def test_a_file_that_could_not_be_read_is_taken_out_too(ingestor, catalog, folder, argument):
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7 torn")
    (folder / "b.txt").rename(folder.parent / "b.txt")
    assert len(ingestor.ingest(["docs", "b.txt"]).problems) == 1
    assert "docs/torn.pdf" in list(remove_sources(catalog, [argument]))
    assert str(folder / "torn.pdf") not in catalog.files()
    assert str(folder.parent / "b.txt") in catalog.files(), "what was not named stays"
    # As with any other file: while it is there, the next ingest looks at it again.
    (looked_at,) = ingestor.ingest(["docs/torn.pdf"]).steps
    assert (looked_at.action, looked_at.unread) == (Action.ADD, True)


@pytest.mark.parametrize("argument", ["docs/a", ""])
def test_removing_what_is_not_there_removes_nothing(ingestor, catalog, folder, argument):
    ingestor.ingest(["docs"])
    assert list(remove_sources(catalog, [argument])) == []
    assert len(titles(catalog)) == 2


def test_a_file_that_breaks_in_the_middle_loses_nothing_read_before(catalog, embedder, folder):
    sound = [Document(str(n), f"T{n}", f"docs/a.txt#{n}", f"The fig number {n}.") for n in range(3)]

    def whole(path, source):
        yield from sound

    def cut(path, source):
        yield sound[0]
        raise DocumentError("docs/a.txt: cut", "Copy it again.", reason="crashed")

    def ingest(read):
        return Ingestor(catalog, embedder, passage_chars=500, overlap_chars=0, read=read).ingest(
            ["docs/a.txt"]
        )

    ingest(whole)
    (folder / "a.txt").write_text("changed")
    report = ingest(cut)
    assert [p.reason for p in report.problems] == ["crashed"]
    assert len(catalog.documents()) == 3
    (folder / "a.txt").write_text("changed again")
    assert ingest(whole).problems == []
    assert {record.reason for record in catalog.files().values()} == {""}
