from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.errors import StoreError
from rag.store.catalog import Catalog
from rag.store.faults import arm
from rag.store.filters import Filter, Within
from rag.store.records import FileRecord
from tests.conftest import make_passages


def test_a_document_comes_back_as_it_was_put(catalog, put):
    document = put("d1", "An apple.\nA pear.", title="Fruit", date="2011-04-27")
    assert catalog.document("d1") == document
    assert catalog.document("nobody") is None
    info = catalog.documents()[0]
    assert (info.doc_id, info.title, info.passages) == ("d1", "Fruit", 2)
    assert catalog.counts().documents == 1


def test_passages_come_in_the_order_asked_and_missing_ones_are_left_out(catalog, put):
    put("d1", "An apple.\nA pear.", title="Fruit", date="2011-04-27")
    found = catalog.passages(["d1/A pear.", "nobody", "d1/An apple."])
    assert [p.text for p in found] == ["A pear.", "An apple."]
    assert (found[0].start, found[0].end, found[0].date) == (10, 17, "2011-04-27")


def test_every_change_takes_the_next_number_and_changes_tells_what_an_index_missed(catalog, put):
    put("d1", "An apple.\nA pear.")
    put("d2", "A plum.")
    assert catalog.seq == 2
    everything = catalog.changes(0, limit=100)
    assert [p.text for p in everything.passages] == ["An apple.", "A pear.", "A plum."]
    assert everything.seq == 2
    np.testing.assert_allclose(everything.vectors[2], [0, 0, 1, 0, 0], atol=1e-3)
    assert [p.text for p in catalog.changes(1, limit=100).passages] == ["A plum."]
    assert not catalog.changes(2, limit=100)


def test_changes_come_in_whole_transactions(catalog, put):
    put("d1", "An apple.\nA pear.")
    put("d2", "A plum.\nA fig.")
    first = catalog.changes(0, limit=1)
    assert [p.text for p in first.passages] == ["An apple.", "A pear."]
    assert first.seq == 1
    assert [p.text for p in catalog.changes(1, limit=1).passages] == ["A plum.", "A fig."]


def test_an_edit_concerns_only_the_passages_that_changed(catalog, put):
    put("d1", "An apple.\nA pear.")
    put("d1", "Two apples.\nA pear.")
    edit = catalog.changes(1, limit=100)
    assert edit.removed == ("d1/An apple.",)
    assert [p.text for p in edit.passages] == ["Two apples."]
    # The passage that stayed has moved: its new offsets are there all the same.
    assert catalog.passages(["d1/A pear."])[0].start == 12


def test_a_passage_taken_out_and_put_back_is_put_last(catalog, put):
    put("d1", "An apple.")
    catalog.remove(["d1"])
    put("d1", "An apple.")
    changes = catalog.changes(0, limit=100)
    assert changes.removed == ("d1/An apple.",)
    assert [p.passage_id for p in changes.passages] == ["d1/An apple."]


def test_removing_a_document_removes_its_passages_and_vectors(catalog, put):
    put("d1", "An apple.\nA pear.")
    put("d2", "A pear.")
    assert catalog.counts().vectors == 2, "equal texts share a vector"
    assert catalog.remove(["d1", "nobody"]) == 1
    counts = catalog.counts()
    assert (counts.documents, counts.passages, counts.vectors) == (1, 1, 1)


def test_all_or_nothing_when_a_write_fails(catalog, put):
    put("d1", "An apple.")
    unhashable = {"d1/x": (make_passages(catalog.document("d1"), "An apple.")[0], ["no key"])}
    with pytest.raises((sqlite3.InterfaceError, sqlite3.ProgrammingError)):
        catalog.put(catalog.document("d1"), unhashable, {}, path="/x", content_hash="x")
    assert catalog.counts().passages == 1


def test_known_vectors_are_not_asked_for_again(catalog, put, embedder):
    put("d1", "An apple.")
    key = catalog._database.connection.execute("SELECT vector_key FROM vectors").fetchone()[0]
    assert catalog.missing_vectors([key, "unknown"]) == {"unknown"}


def test_vectors_are_float16_within_its_precision(catalog, put):
    put("d1", "apple pear pear")
    _, _, matrix = catalog.all_vectors()
    np.testing.assert_allclose(matrix[0], np.array([1, 2, 0, 0, 0]) / 5**0.5, atol=5e-4)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([Filter("author", "=", "Ann*")], {"d1"}),
        ([Filter("date", ">=", "2011-05")], {"d2"}),
        ([Filter("date", "<=", "2011-05"), Filter("author", "=", "Bob")], set()),
        ([Filter("title", "=", "*")], {"d1", "d2"}),
        ([Filter("source", "=", "d2.txt")], {"d2"}),
        ([Filter('x" OR "1', "=", "1")], set()),
    ],
)
def test_filters(catalog, put, filters, expected):
    put("d1", "An apple.", title="One", author="Ann Lee", date="2011-04-27")
    put("d2", "A pear.", title="Two", author="Bob", date="2011-06-01")
    assert catalog.matching(filters) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("report[1].pdf", {"d1"}),
        ("report[[]1].pdf", set()),
        ("report[*", {"d1"}),
        ("r*1.pdf", {"d2"}),
    ],
)
def test_brackets_in_a_filter_stand_for_themselves(catalog, put, value, expected):
    put("d1", "An apple.", title="report[1].pdf")
    put("d2", "A pear.", title="report1.pdf")
    assert catalog.matching([Filter("title", "=", value)]) == expected


def test_files_are_recorded_replaced_and_forgotten(catalog):
    record = FileRecord("/a.txt", "a.txt", "00", 3, 1, 2, 1)
    catalog.put_file(record)
    problem = FileRecord("/a.txt", "a.txt", "01", 3, 1, 2, 1, "empty", "a.txt: empty.", "Fill it.")
    catalog.put_file(problem)
    assert catalog.files() == {"/a.txt": problem}
    catalog.remove([], forget=["/a.txt"])
    assert catalog.files() == {}


def test_threads_read_while_one_writes(catalog, put):
    put("d1", "An apple.")
    failures: list[Exception] = []

    def read() -> None:
        try:
            for _ in range(50):
                assert catalog.counts().documents >= 1
        except (AssertionError, StoreError) as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        put(f"e{number}", "A pear.")
    for thread in threads:
        thread.join()
    assert not failures
    assert catalog.counts().documents == 21


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path):
    path = tmp_path / "catalog.sqlite3"
    path.write_bytes(b"this is not a database, it is a letter" * 100)
    with pytest.raises(StoreError, match="damaged or not a catalogue") as caught:
        Catalog(path)
    assert "backup" in caught.value.hint


def test_a_catalogue_of_another_version_is_refused(tmp_path: Path, catalog):
    catalog.set_meta({"schema": "99"})
    with pytest.raises(StoreError, match="has version 99"):
        Catalog(catalog.path)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match="cannot be created"):
        Catalog(tmp_path / "taken" / "store" / "catalog.sqlite3")


def test_a_full_disk_is_reported_and_what_was_there_stays(catalog, put):
    put("d1", "An apple.")
    # SQLite's own limit on the file stands in for a full disk: it gives the same error.
    pages = catalog._database.connection.execute("PRAGMA page_count").fetchone()[0]
    catalog._database.connection.execute(f"PRAGMA max_page_count = {pages}")
    import random

    noise = "".join(random.Random(1).choices("abcdefgh ", k=100_000))
    with pytest.raises(StoreError, match="The disk is full") as caught:
        put("d2", noise)
    assert "run the same command again" in caught.value.hint
    assert [info.doc_id for info in catalog.documents()] == ["d1"]


def test_a_writer_that_never_ends_is_reported_and_readers_do_not_wait(catalog, put):
    put("d1", "apple")
    other = sqlite3.connect(catalog.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    hasty = Catalog(catalog.path, busy_seconds=0.05)
    try:
        assert hasty.counts().documents == 1
        with pytest.raises(StoreError, match="in use by another process"):
            hasty.set_meta({"a": "b"})
    finally:
        other.execute("ROLLBACK")
        other.close()
        hasty.close()


def test_documents_belong_to_collections(catalog, put):
    put("d1", "An apple.")
    put("d2", "A pear.", collection="hr")
    put("d3", "A plum.", collection="law")
    assert catalog.collection_names() == {"default", "hr", "law"}
    assert catalog.collections_of(["d1", "d3", "nobody"]) == {"d1": "default", "d3": "law"}
    assert [(c.name, c.documents, c.passages) for c in catalog.collection_counts()] == [
        ("default", 1, 1),
        ("hr", 1, 1),
        ("law", 1, 1),
    ]
    assert [info.collection for info in catalog.documents()] == ["default", "hr", "law"]


def test_a_search_can_be_kept_within_collections(catalog, put):
    put("d1", "An apple.", title="Fruit")
    put("d2", "A pear.", title="Fruit", collection="hr")
    put("d3", "A plum.", title="Pie", collection="hr")
    assert catalog.matching([Within(frozenset({"hr"}))]) == {"d2", "d3"}
    assert catalog.matching([Within(frozenset({"hr", "default", "none"}))]) == {"d1", "d2", "d3"}
    assert catalog.matching([Within(frozenset())]) == frozenset()
    within = Within(frozenset({"hr"}))
    assert catalog.matching([Filter("title", "=", "Fruit"), within]) == {"d2"}
    # Whatever a person filters by, it is a condition more.
    assert catalog.matching([Filter("collection", "=", "*"), within]) == {"d2", "d3"}
    assert catalog.matching([Filter("collection", "=", "default"), within]) == frozenset()


def test_what_is_held_of_a_file_moves_with_it(catalog, put):
    put("d1", "An apple.")
    record = FileRecord("/files/d1.txt", "d1", "sha", 1, 1, 1, 1)
    catalog.put_file(record)
    seq = catalog.seq
    catalog.put_file(record)
    assert catalog.seq == seq  # nothing moved
    catalog.collect(["/files/d1.txt", "/unknown"], "hr")
    assert catalog.collection_of_path("/files/d1.txt") == "hr"
    assert catalog.collections_of(["d1"]) == {"d1": "hr"}
    assert catalog.seq == seq + 1  # the indexes see that something has changed
    assert not catalog.changes(seq, limit=10)
    assert catalog.collection_of_path("/unknown") is None
    catalog.put_file(replace(record, collection="law"))
    assert catalog.collections_of(["d1"]) == {"d1": "law"}


def as_before_collections(path: Path) -> None:
    """Make of a catalogue one of version 1."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP INDEX documents_by_collection")
        connection.execute("ALTER TABLE documents DROP COLUMN collection")
        connection.execute("ALTER TABLE files DROP COLUMN collection")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")


def test_a_catalogue_of_before_collections_is_brought_up_to_date(catalog, put):
    put("d1", "An apple.")
    catalog.put_file(FileRecord("/files/d1.txt", "d1", "sha", 1, 1, 1, 1))
    head = catalog.head
    catalog.close()
    as_before_collections(catalog.path)
    with closing(Catalog(catalog.path)) as opened:
        assert opened.meta("schema") == "2"
        assert opened.head == head  # the indexes need not follow
        assert opened.collections_of(["d1"]) == {"d1": "default"}
        assert opened.files()["/files/d1.txt"].collection == "default"
        opened.collect(["/files/d1.txt"], "hr")
    with closing(Catalog(catalog.path)) as again:
        assert again.collections_of(["d1"]) == {"d1": "hr"}


@pytest.mark.parametrize("point", ["begun", "columns", "written"])
def test_bringing_up_to_date_is_all_or_nothing(catalog, put, point):
    put("d1", "An apple.")
    catalog.close()
    as_before_collections(catalog.path)

    def fail(reached: str) -> None:
        if reached == f"catalog.migrate.{point}":
            raise sqlite3.OperationalError("disk I/O error")

    arm(fail)
    try:
        with pytest.raises(StoreError, match="cannot be used"):
            Catalog(catalog.path)
    finally:
        arm(None)
    with closing(sqlite3.connect(catalog.path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(documents)")]
        assert "collection" not in columns
    with closing(Catalog(catalog.path)) as opened:
        assert opened.collections_of(["d1"]) == {"d1": "default"}
