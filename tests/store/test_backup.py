"""Backup and restore: one file, taken and put back while the store is in use."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from rag.answer_json import answer_to_dict, hit_to_dict
from rag.backup_command import run_backup, run_restore
from rag.build import open_ingestor, open_parts
from rag.errors import InputError, RagError, StoreBusyError, StoreError
from rag.settings import Settings
from rag.store.catalog import Catalog
from rag.store.following import following
from rag.store.indexes import Indexes
from rag.types import Question
from tests.conftest import PROJECT
from tests.store.test_catalog import as_before_collections

QUESTIONS = [
    json.loads(line)["question"]
    for line in (PROJECT / "eval" / "datasets" / "corpus.jsonl").read_text("utf-8").splitlines()
][:100]
LETTER = "The quartermaster wrote a letter about copper and lanterns in the winter of {year}."


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Vectors and answers that need no model; the store lies in a folder of its own."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("backup") / "store",
        embedding_model="hashing",
        reader="similarity",
    )


@pytest.fixture(scope="module")
def golden(settings) -> list[str]:
    """A store of the sample corpus, backed up; what it answers to every question."""
    with open_ingestor(settings) as ingestor:
        ingestor.ingest([str(PROJECT / "corpus")])
    assert run_backup(settings, backup_of(settings)).documents == 5
    return answers(settings)


@pytest.fixture
def store(settings, golden, tmp_path) -> Settings:
    """A copy of that store, for each test to spoil."""
    shutil.copytree(settings.data_dir, tmp_path / "store")
    shutil.copy(backup_of(settings), tmp_path / "saved.footnote")
    return settings.model_copy(update={"data_dir": tmp_path / "store"})


def backup_of(settings: Settings) -> Path:
    return settings.data_dir.parent / "saved.footnote"


def answers(settings: Settings) -> list[str]:
    found = []
    with open_parts(settings) as parts:
        for text in QUESTIONS:
            answer = answer_to_dict(parts.assistant.answer(Question(text)))
            del answer["timings_ms"]
            hits = [hit_to_dict(hit) for hit in parts.assistant.search(text, 10)]
            found.append(json.dumps([answer, hits], sort_keys=True))
    return found


def spoil(settings: Settings, tmp_path: Path) -> None:
    """Add a document and take another out."""
    letter = tmp_path / "letter.txt"
    letter.write_text(LETTER.format(year=1871))
    with open_ingestor(settings) as ingestor:
        ingestor.ingest([str(letter)])
    with closing(Catalog(settings.data_dir / "catalog.sqlite3")) as catalog:
        others = [info for info in catalog.documents() if not info.source.endswith(letter.name)]
        catalog.remove([others[-1].doc_id])


def test_a_hundred_answers_are_the_same_afterwards(store, golden, tmp_path):
    assert len(golden) >= 50
    spoil(store, tmp_path)
    assert answers(store) != golden
    assert run_restore(store, backup_of(store)).documents == 5
    assert answers(store) == golden
    assert sorted(p.name for p in tmp_path.iterdir()) == ["letter.txt", "saved.footnote", "store"]
    assert not (store.data_dir / "before-restore").exists()


@pytest.mark.parametrize("damage", ["half", "empty", "missing", "folder"])
def test_a_damaged_catalogue_is_replaced(store, golden, damage):
    path = store.data_dir / "catalog.sqlite3"
    if damage == "half":
        os.truncate(path, path.stat().st_size // 2)
    elif damage == "empty":
        os.truncate(path, 0)
    elif damage == "missing":
        path.unlink()
    else:
        shutil.rmtree(store.data_dir)
    run_restore(store, backup_of(store))
    assert answers(store)[:10] == golden[:10]


@pytest.mark.parametrize("kind", ["half", "empty", "text", "other database", "overwritten"])
def test_what_is_no_sound_backup_changes_nothing(store, golden, kind):
    file = backup_of(store)
    size = file.stat().st_size
    if kind == "half":
        os.truncate(file, size // 2)
    elif kind == "empty":
        os.truncate(file, 0)
    elif kind == "text":
        file.write_text("Dear diary, ...")
    elif kind == "other database":
        file.unlink()
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE other (x)")
    else:
        with file.open("r+b") as opened:
            opened.seek(size // 4)
            opened.write(b"\0" * (size // 4))
    with pytest.raises(StoreError, match="not a sound backup"):
        run_restore(store, file)
    assert answers(store)[:5] == golden[:5]


def test_a_backup_that_is_not_there(store):
    with pytest.raises(InputError, match=r"no backup .*nowhere"):
        run_restore(store, store.data_dir / "nowhere")


def test_a_backup_of_another_model_is_refused(store, golden):
    other = store.model_copy(update={"passage_chars": 500})
    with pytest.raises(StoreError, match="passage_chars = 1000"):
        run_restore(other, backup_of(store))
    assert answers(store)[:5] == golden[:5]


def test_a_backup_of_before_collections_is_brought_up_to_date(store, golden, tmp_path):
    as_before_collections(tmp_path / "saved.footnote")
    with closing(Catalog(store.data_dir / "catalog.sqlite3")) as catalog:
        catalog.collect(catalog.files(), "hr")
    assert run_restore(store, tmp_path / "saved.footnote").documents == 5
    with closing(Catalog(store.data_dir / "catalog.sqlite3")) as catalog:
        assert catalog.collection_names() == {"default"}
    assert answers(store) == golden


def test_an_earlier_backup_stays_when_the_new_one_fails(store, golden):
    path = store.data_dir / "catalog.sqlite3"
    before = backup_of(store).read_bytes()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4)
        file.write(b"\0" * (path.stat().st_size // 2))
    with pytest.raises(StoreError):
        run_backup(store, backup_of(store))
    assert backup_of(store).read_bytes() == before
    assert not backup_of(store).with_name("saved.footnote.part").exists()


def test_a_store_that_is_served_and_damaged_is_not_touched(store):
    with closing(Catalog(store.data_dir / "catalog.sqlite3")) as catalog:
        catalog.checkpoint()
        with closing(Indexes(catalog, store.data_dir)):
            path = store.data_dir / "catalog.sqlite3"
            os.truncate(path, 0)
            with pytest.raises(StoreBusyError, match="has it open"):
                run_restore(store, backup_of(store))
            assert path.stat().st_size == 0


def test_while_it_is_used(store, golden, tmp_path):
    """Ingest and ask, back up in between; restore under a server that goes on answering."""
    failures: list[RagError] = []
    done = threading.Event()

    def write() -> None:
        try:
            for year in range(1800, 1830):
                (tmp_path / f"{year}.txt").write_text(LETTER.format(year=year))
                with open_ingestor(store) as ingestor:
                    ingestor.ingest([str(tmp_path / f"{year}.txt")])
        except RagError as error:
            failures.append(error)
        finally:
            done.set()

    with open_parts(store) as parts, following(parts.indexes):
        writer = threading.Thread(target=write)
        writer.start()
        counts = []
        while not done.is_set():
            counts.append(run_backup(store, tmp_path / "meanwhile.footnote").documents)
            assert parts.assistant.search("winter", 5)
        writer.join()
        assert failures == []
        assert counts == sorted(counts)
        run_restore(store, tmp_path / "meanwhile.footnote")
        assert parts.catalog.counts().documents == counts[-1]
        run_restore(store, backup_of(store))
        sources = {hit.passage.source for hit in parts.assistant.search("quartermaster copper", 20)}
        assert not any(source.endswith(".txt") for source in sources), "what is gone is not found"
    assert answers(store)[:10] == golden[:10]
