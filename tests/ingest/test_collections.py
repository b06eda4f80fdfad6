"""Which collection a file's documents go into, and that moving them embeds nothing."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from rag.ingest.files import Action
from rag.ingest.pipeline import Ingestor
from rag.retrieval.retriever import HybridRetriever
from rag.store.filters import Within
from rag.store.indexes import Indexes


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


def held(catalog) -> dict[str, str]:
    return {info.source: info.collection for info in catalog.documents()}


def test_files_go_where_the_person_says_or_into_default(ingestor, catalog, folder):
    ingestor.ingest(["docs/a.txt"], collection="hr")
    ingestor.ingest(["docs"])
    assert held(catalog) == {"docs/a.txt": "hr", "docs/b.txt": "default"}


def test_a_file_is_moved_by_ingesting_it_elsewhere_without_embedding(
    ingestor, catalog, folder, embedder
):
    ingestor.ingest(["docs"])
    count, seq = len(embedder.embedded), catalog.seq
    assert [s.action for s in ingestor.plan(["docs"], collection="hr")] == [Action.ASSIGN] * 2
    assert held(catalog) == {"docs/a.txt": "default", "docs/b.txt": "default"}
    report = ingestor.ingest(["docs"], collection="hr")
    assert (report.count(Action.ASSIGN), report.documents) == (2, 0)
    assert held(catalog) == {"docs/a.txt": "hr", "docs/b.txt": "hr"}
    assert len(embedder.embedded) == count
    assert catalog.seq == seq + 1
    assert ingestor.ingest(["docs"], collection="hr").count(Action.KEEP) == 2
    assert catalog.seq == seq + 1


@pytest.mark.parametrize("wanted", [None, "hr"])
def test_an_edited_file_stays_in_its_collection(ingestor, catalog, folder, wanted):
    ingestor.ingest(["docs"], collection="hr")
    (folder / "a.txt").write_text("The plum has taken the place of the apple altogether.")
    ingestor.ingest(["docs"], collection=wanted)
    assert set(held(catalog).values()) == {"hr"}


def test_an_edited_file_that_moves_brings_all_its_documents(ingestor, catalog, folder):
    records = [{"_id": f"r{n}", "title": "T", "text": f"Record {n} is of apples."} for n in "123"]
    path = folder / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    ingestor.ingest(["docs/x.jsonl"], collection="hr")
    records[1]["text"] = "Record 2 speaks of plums now."
    path.write_text("\n".join(map(json.dumps, records)))
    report = ingestor.ingest(["docs/x.jsonl"], collection="law")
    assert report.documents == 1
    assert catalog.collections_of(["r1", "r2", "r3"]) == dict.fromkeys(["r1", "r2", "r3"], "law")


def test_a_renamed_file_keeps_its_collection(ingestor, catalog, folder):
    ingestor.ingest(["docs"], collection="hr")
    (folder / "a.txt").rename(folder / "c.txt")
    assert ingestor.ingest(["docs"]).count(Action.MOVE) == 1
    assert held(catalog) == {"docs/b.txt": "hr", "docs/c.txt": "hr"}


def test_a_file_that_breaks_moves_with_what_was_read_of_it(ingestor, catalog, folder):
    ingestor.ingest(["docs"])
    (folder / "a.txt").write_bytes(b"%PDF-1.7 not a text" + bytes(2000) + b"at all")
    assert len(ingestor.ingest(["docs"], collection="hr").problems) == 1
    assert held(catalog) == {"docs/a.txt": "hr", "docs/b.txt": "hr"}
    again = ingestor.ingest(["docs"], collection="law")
    assert [step.source for step in again.still_unread] == ["docs/a.txt"]


def test_documents_of_an_ingest_that_broke_off_stay_where_they_went(ingestor, catalog, folder):
    ingestor.ingest(["docs/a.txt"], collection="hr")
    catalog.remove([], forget=[str(folder / "a.txt")])  # killed before the file was recorded
    ingestor.ingest(["docs"])
    assert held(catalog) == {"docs/a.txt": "hr", "docs/b.txt": "default"}


def test_reindexing_moves_nothing(ingestor, catalog, folder):
    ingestor.ingest(["docs"], collection="hr")
    ingestor.reindex()
    assert set(held(catalog).values()) == {"hr"}


def test_equal_text_is_embedded_once_and_found_in_each_collection_by_its_own_name(
    ingestor, catalog, folder, embedder, tmp_path
):
    (folder / "copy.txt").write_text((folder / "a.txt").read_text())
    ingestor.ingest(["docs/a.txt"], collection="hr")
    count = len(embedder.embedded)
    ingestor.ingest(["docs/copy.txt"], collection="law")
    assert embedder.embedded[count:] == []
    with closing(Indexes(catalog, tmp_path / "indexes")) as indexes:
        indexes.follow()
        search = HybridRetriever(catalog, indexes, embedder, search_k=5, dense_share=0.5)

        def found(*collections: str) -> set[str]:
            within = [Within(frozenset(collections))]
            return {h.passage.source for h in search.search("apple garden", 5, within).hits}

        assert found("hr") == {"docs/a.txt"}
        assert found("law") == {"docs/copy.txt"}
        assert found("hr", "law") == {"docs/a.txt", "docs/copy.txt"}
        assert found("default") == set()
        # A move holds at once, before the indexes have followed.
        ingestor.ingest(["docs/a.txt"], collection="law")
        assert found("hr") == set()
        assert found("law") == {"docs/a.txt", "docs/copy.txt"}


def test_what_may_be_found_is_not_crowded_out_by_what_may_not(
    ingestor, catalog, folder, embedder, tmp_path
):
    """The filter is in the query: sixty better passages elsewhere leave the one in place."""
    for number in range(60):
        text = f"The apple in the garden, and the apple of the garden, number {number}."
        (folder / f"n{number}.txt").write_text(text)
    (folder / "b.txt").write_text("Somewhere far away an apple was seen by somebody, they say.")
    ingestor.ingest(["docs"], collection="hr")
    ingestor.ingest(["docs/b.txt"], collection="law")
    with closing(Indexes(catalog, tmp_path / "indexes")) as indexes:
        indexes.follow()
        search = HybridRetriever(catalog, indexes, embedder, search_k=5, dense_share=0.5)
        hits = search.search("apple garden", 5, [Within(frozenset({"law"}))]).hits
        assert [hit.passage.source for hit in hits] == ["docs/b.txt"]
