"""Every kind of damage: an index heals by itself, a catalogue is refused, no answer is wrong."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.retrieval.hashing import HashingEmbedder
from rag.store.catalog import Catalog
from rag.store.indexes import Indexes
from rag.store.records import content_hash, embedded_text, vector_key
from rag.store.vectors import VectorIndex
from rag.types import Document
from tests.conftest import make_passages

WORDS = [f"word{n}" for n in range(300)]
EMBEDDER = HashingEmbedder()
QUERIES = ["word1 word2 word3", "word40 word50", "word299 word7 word77 word8", "word123"]
CHROMA_FILES = [
    "chroma.sqlite3",
    "data_level0.bin",
    "header.bin",
    "index_metadata.pickle",
    "length.bin",
    "link_lists.bin",
]


def put(catalog: Catalog, number: int, lines: int = 60) -> None:
    """Store a document of random words; its embedding is done here, and nowhere below."""
    draw = random.Random(number)
    text = "\n".join(f"{n} " + " ".join(draw.choices(WORDS, k=12)) for n in range(lines))
    document = Document(f"d{number}", f"Title {number}", f"d{number}.txt", text)
    keyed = {
        passage.passage_id: (passage, vector_key("hashing", passage))
        for passage in make_passages(document, *text.splitlines())
    }
    vectors = {key: EMBEDDER.embed_query(embedded_text(p)) for p, key in keyed.values()}
    path = f"/files/d{number}.txt"
    catalog.put(document, keyed, vectors, path=path, content_hash=content_hash(document))


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """A store whose vector index has written its files down, and an older state of it."""
    root = tmp_path_factory.mktemp("kept")
    store = root / "store"
    with closing(Catalog(store / "catalog.sqlite3")) as catalog:
        for number in range(18):
            put(catalog, number)
        with closing(Indexes(catalog, store)) as indexes:
            indexes.follow()
        catalog.checkpoint()
        shutil.copytree(store, root / "older")
        for number in range(18, 36):
            put(catalog, number)
        catalog.remove(["d3", *(f"d{number}" for number in range(5, 8))])
        with closing(Indexes(catalog, store)) as indexes:
            indexes.follow()
        catalog.checkpoint()
    assert len(list((store / "vectors").rglob("index_metadata.pickle"))) == 1
    return root


@pytest.fixture
def store(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept / "store", tmp_path / "store")
    return tmp_path / "store"


def expect_right_answers(store: Path) -> None:
    """Search both indexes after healing and compare with the catalogue itself."""
    with (
        closing(Catalog(store / "catalog.sqlite3")) as catalog,
        closing(Indexes(catalog, store)) as indexes,
    ):
        indexes.follow()
        assert not indexes.behind
        assert indexes.vectors is not None
        expect_right_neighbours(catalog, indexes.vectors)
        passages = catalog.passages(catalog.all_vectors()[0])
        for query in QUERIES:
            wanted = set(query.split())
            having = {p.passage_id for p in passages if wanted & set(p.text.split())}
            assert {i for i, _ in indexes.search_lexical(query, 10_000)} == having


def expect_right_neighbours(catalog: Catalog, index: VectorIndex) -> None:
    ids, _, matrix = catalog.all_vectors()
    for query in QUERIES:
        vector = EMBEDDER.embed_query(query)
        similarity = dict(zip(ids, matrix @ vector, strict=True))
        tenth = sorted(similarity.values())[-10]
        found = index.search(vector, 10)
        for passage_id, score in found:
            assert score == pytest.approx(similarity[passage_id], abs=2e-3)
        # The graph is approximate: a neighbour or two may be missed, not half of them.
        assert sum(score >= tenth - 2e-3 for _, score in found) >= 8


def damage(path: Path, how: str, older: Path) -> None:
    size = path.stat().st_size
    if how == "half":
        os.truncate(path, size // 2)
    elif how == "empty":
        os.truncate(path, 0)
    elif how == "missing":
        path.unlink()
    elif how == "overwritten":
        with path.open("r+b") as file:
            file.seek(size // 2)
            file.write(b"\0" * min(4096, size - size // 2))
    else:
        shutil.copy(next(older.rglob(path.name)), path)


class TestIndexDamageHeals:
    @pytest.mark.parametrize("how", ["half", "empty", "missing", "overwritten", "older"])
    @pytest.mark.parametrize("name", CHROMA_FILES)
    def test_each_file_of_chroma(self, kept, store, name, how):
        damage(next((store / "vectors").rglob(name)), how, kept / "older" / "vectors")
        with closing(Catalog(store / "catalog.sqlite3")) as catalog:
            index = VectorIndex(store / "vectors", catalog.store_id)
            # Begun again, to be filled from the catalogue; or the damage is of no consequence.
            if index.applied:
                expect_right_neighbours(catalog, index)
            else:
                assert index.search(EMBEDDER.embed_query("word1"), 10) == []
            index.close()

    def test_a_graph_that_was_begun_again_is_filled_without_embedding(self, store):
        os.truncate(next((store / "vectors").rglob("data_level0.bin")), 1000)
        expect_right_answers(store)  # and there is no embedder here

    @pytest.mark.parametrize("how", ["half", "empty", "missing", "overwritten", "older"])
    @pytest.mark.parametrize("name", ["vectors/state.json", "lexical.sqlite3"])
    def test_the_state_file_and_the_lexical_index(self, kept, store, name, how):
        damage(store / name, how, kept / "older")
        expect_right_answers(store)

    @pytest.mark.parametrize("content", ["", "{}", "[]", "\0\0"])
    def test_garbage_in_the_state_file(self, store, content):
        (store / "vectors" / "state.json").write_text(content)
        expect_right_answers(store)

    @pytest.mark.parametrize("name", ["vectors", "lexical.sqlite3"])
    def test_a_follower_of_an_older_generation(self, kept, store, name):
        if (store / name).is_dir():
            shutil.rmtree(store / name)
            shutil.copytree(kept / "older" / name, store / name)
        else:
            shutil.copy(kept / "older" / name, store / name)
        expect_right_answers(store)

    def test_a_follower_of_another_past(self, kept, store):
        """The catalogue was put back by hand and then went its own way, as far and farther."""
        for suffix in ("", "-wal", "-shm"):
            (store / f"catalog.sqlite3{suffix}").unlink(missing_ok=True)
        shutil.copy(kept / "older" / "catalog.sqlite3", store / "catalog.sqlite3")
        with closing(Catalog(store / "catalog.sqlite3")) as catalog:
            for number in range(100, 130):
                put(catalog, number, lines=20)
        expect_right_answers(store)

    def test_an_index_that_breaks_in_use_is_filled_again(self, store):
        with (
            closing(Catalog(store / "catalog.sqlite3")) as catalog,
            closing(Indexes(catalog, store)) as indexes,
        ):
            before = indexes.search_lexical(QUERIES[0], 10)
            with closing(sqlite3.connect(store / "lexical.sqlite3")) as connection:
                connection.execute("DROP TABLE words")
                connection.commit()
            assert indexes.search_lexical(QUERIES[0], 10) == before

    def test_another_process_is_told_of_damage_that_it_may_not_mend(self, store):
        with (
            closing(Catalog(store / "catalog.sqlite3")) as catalog,
            closing(Indexes(catalog, store)),
            closing(Indexes(catalog, store)) as second,
        ):
            assert not second.owner
            (store / "lexical.sqlite3").unlink()
            with pytest.raises(StoreError):
                second.search_lexical(QUERIES[0], 10)
            assert not (store / "lexical.sqlite3").exists()


class TestCatalogueDamageIsRefused:
    @pytest.mark.parametrize("how", ["half", "empty", "missing"])
    def test_half_a_catalogue_or_none(self, kept, store, how):
        damage(store / "catalog.sqlite3", how, kept / "older")
        with pytest.raises(StoreError) as refused:
            expect_right_answers(store)
        assert "footnote restore FILE" in refused.value.hint
        assert (store / "lexical.sqlite3").stat().st_size > 0, "nothing else was touched"

    def test_another_file_in_its_place(self, store):
        (store / "catalog.sqlite3").write_bytes(b"This is no database. " * 500)
        with pytest.raises(StoreError) as refused:
            expect_right_answers(store)
        assert "footnote restore FILE" in refused.value.hint

    @pytest.mark.parametrize("table", ["meta", "passages", "vectors"])
    def test_a_catalogue_without_one_of_its_tables(self, store, table):
        with closing(sqlite3.connect(store / "catalog.sqlite3")) as connection:
            connection.execute(f"DROP TABLE {table}")
            connection.commit()
        with pytest.raises(StoreError) as refused:
            expect_right_answers(store)
        assert "footnote restore FILE" in refused.value.hint

    def test_pages_overwritten_with_zeros(self, store):
        path = store / "catalog.sqlite3"
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(size // 8)
            file.write(b"\0" * (size // 2))
        (store / "lexical.sqlite3").unlink()  # so that everything must be read again
        with pytest.raises(StoreError) as refused:
            expect_right_answers(store)
        assert "footnote restore FILE" in refused.value.hint
