"""The followers: lexical, dense, and the two together under one owner."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from rag.errors import StoreError
from rag.store.exact import ExactSearch
from rag.store.indexes import Indexes
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorIndex

APPLE = np.array([1, 0, 0, 0, 0], dtype=np.float32)


@pytest.fixture
def indexes(catalog):
    indexes = Indexes(catalog, catalog.path.parent)
    yield indexes
    indexes.close()


@pytest.fixture
def lexical(catalog, tmp_path):
    index = LexicalIndex(tmp_path / "lexical.sqlite3", catalog.store_id)
    yield index
    index.close()


def follow(index, catalog):
    index.apply(catalog.changes(index.applied, limit=1000))


class TestLexical:
    def test_finds_stems_and_ranks_rarer_words_higher(self, catalog, put, lexical):
        put("d1", "Talks were held.\nThe dialogue began in 1990.\nTalks again.\nMore talks.")
        follow(lexical, catalog)
        hits = lexical.search("when did dialogues begin, talk?", 10)
        assert hits[0][0] == "d1/The dialogue began in 1990."
        assert len(hits) == 4
        assert [score for _, score in hits] == sorted((s for _, s in hits), reverse=True)
        assert all(score > 0 for _, score in hits)

    def test_titles_are_searched_too(self, catalog, put, lexical):
        put("d1", "It began in 1990.", title="The Geneva protocol")
        put("d2", "It began in 1991.", title="Another")
        follow(lexical, catalog)
        assert [i for i, _ in lexical.search("geneva", 10)] == ["d1/It began in 1990."]

    def test_query_syntax_is_only_text(self, catalog, put, lexical):
        put("d1", 'Someone wrote "NEAR(a b)".')
        follow(lexical, catalog)
        for query in ('NEAR("', "AND OR NOT", "text:*", "^wrote", "a - b", "'); --"):
            lexical.search(query, 5)
        assert lexical.search("", 5) == []
        assert lexical.search("?!", 5) == []

    def test_a_query_of_stop_words_still_finds(self, catalog, put, lexical):
        put("d1", "To be or not to be.")
        follow(lexical, catalog)
        assert lexical.search("to be or not to be", 5)

    def test_document_filter(self, catalog, put, lexical):
        put("d1", "An apple.")
        put("d2", "An apple pie.")
        follow(lexical, catalog)
        assert [i for i, _ in lexical.search("apple", 5, {"d2"})] == ["d2/An apple pie."]
        assert lexical.search("apple", 5, set()) == []

    def test_removed_and_changed_passages_are_gone(self, catalog, put, lexical):
        put("d1", "An apple.\nA pear.")
        follow(lexical, catalog)
        put("d1", "A plum.\nA pear.")
        follow(lexical, catalog)
        assert lexical.search("apple", 5) == []
        assert len(lexical.search("pear plum", 5)) == 2

    def test_a_title_counts_as_much_as_the_text(self, catalog, put, lexical):
        put("d1", "Nothing of it here.", title="Visas")
        put("d2", "Visas here.", title="Nothing of it")
        put("d3", "Something else.", title="Other")
        follow(lexical, catalog)
        (_, first), (_, second) = lexical.search("visas", 10)
        assert first == pytest.approx(second)

    @pytest.mark.parametrize("typo", ["protcol", "protoocol", "protacol", "portocol"])
    def test_a_word_that_no_passage_has_stands_for_those_one_letter_away(
        self, catalog, put, lexical, typo
    ):
        put("d1", "The protocol was signed.\nThe minister left.")
        follow(lexical, catalog)
        assert [i for i, _ in lexical.search(typo, 5)] == ["d1/The protocol was signed."]

    def test_words_that_a_passage_has_are_taken_as_written(self, catalog, put, lexical):
        put("d1", "The rights were read.\nThe lights were red.")
        follow(lexical, catalog)
        assert [i for i, _ in lexical.search("rights", 5)] == ["d1/The rights were read."]

    @pytest.mark.parametrize("short", ["form", "20111"])
    def test_short_words_and_numbers_are_not_mended(self, catalog, put, lexical, short):
        put("d1", "It came from Geneva in 20110.")
        follow(lexical, catalog)
        assert lexical.search(short, 5) == []

    def test_a_question_of_unknown_words_stays_cheap(self, catalog, put, lexical):
        put("d1", "An apple.")
        follow(lexical, catalog)
        unknown = [f"{'x' * 17}{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)]
        started = time.perf_counter()
        assert [i for i, _ in lexical.search(" ".join([*unknown, "apple"]), 5)] == ["d1/An apple."]
        assert time.perf_counter() - started < 2  # 200 mended words would be 200,000 look-ups

    @pytest.mark.parametrize(
        ("text", "query", "elsewhere"),
        [
            ("法国的新教在一六八五年被废止。", "法国何时废止新教?", "德国的经济在增长。"),
            ("東京は日本の首都です。", "日本の首都は?", "猫が好きです。"),
            ("서울에서 회담이 열렸다.", "서울은 어디인가?", "고양이를 좋아한다."),
            ("यह प्रोटोकॉल जिनेवा में लिखा गया।", "जिनेवा", "वह घर चला गया।"),
        ],
    )
    def test_finds_words_of_other_scripts(self, catalog, put, lexical, text, query, elsewhere):
        put("d1", text)
        put("d2", elsewhere)
        follow(lexical, catalog)
        assert [i for i, _ in lexical.search(query, 5)] == [f"d1/{text}"]

    def test_vowel_signs_do_not_part_a_word_of_hindi(self, catalog, put, lexical):
        put("d1", "वह घर की ओर गया।")  # के and की share their first letter
        follow(lexical, catalog)
        assert lexical.search("के", 5) == []

    def test_an_index_of_an_earlier_version_is_begun_again(self, catalog, put, lexical, tmp_path):
        put("d1", "An apple.")
        follow(lexical, catalog)
        lexical.close()
        with sqlite3.connect(tmp_path / "lexical.sqlite3") as connection:
            connection.execute("PRAGMA user_version = 1")
        connection.close()
        again = LexicalIndex(tmp_path / "lexical.sqlite3", catalog.store_id)
        assert again.applied == 0
        again.close()

    def test_an_index_that_another_version_owns_is_not_called_damaged(
        self, catalog, put, lexical, tmp_path
    ):
        put("d1", "An apple.")
        follow(lexical, catalog)
        with closing(sqlite3.connect(tmp_path / "lexical.sqlite3")) as connection:
            connection.execute("PRAGMA user_version = 3")
        second = LexicalIndex(tmp_path / "lexical.sqlite3", catalog.store_id, owner=False)
        with pytest.raises(StoreError, match="has version 3, expected 4") as refused:
            second.search("apple", 5)
        assert "Restart the server" in refused.value.hint
        second.close()

    def test_another_catalogues_index_is_begun_again(self, catalog, put, lexical, tmp_path):
        put("d1", "An apple.")
        follow(lexical, catalog)
        lexical.close()
        other = LexicalIndex(tmp_path / "lexical.sqlite3", "another store")
        assert other.applied == 0
        assert other.search("apple", 5) == []
        other.close()


class TestVectors:
    def test_nearest_first_with_cosine_scores(self, catalog, put, tmp_path):
        put("d1", "apple\npear\napple pear")
        index = VectorIndex(tmp_path / "v", catalog.store_id)
        follow(index, catalog)
        hits = index.search(APPLE, 2)
        assert [i for i, _ in hits] == ["d1/apple", "d1/apple pear"]
        assert [s for _, s in hits] == pytest.approx([1.0, 2**-0.5], abs=1e-3)
        index.close()

    def test_reopening_keeps_what_was_applied(self, catalog, put, tmp_path):
        put("d1", "apple\npear")
        index = VectorIndex(tmp_path / "v", catalog.store_id)
        follow(index, catalog)
        index.close()
        again = VectorIndex(tmp_path / "v", catalog.store_id)
        assert again.applied == 1
        assert [i for i, _ in again.search(APPLE, 1)] == ["d1/apple"]
        again.close()

    def test_a_missing_state_file_means_begin_again(self, catalog, put, tmp_path):
        put("d1", "apple")
        index = VectorIndex(tmp_path / "v", catalog.store_id)
        follow(index, catalog)
        index.close()
        (tmp_path / "v" / "state.json").unlink()  # as a kill in the middle of a write leaves it
        again = VectorIndex(tmp_path / "v", catalog.store_id)
        assert again.applied == 0
        follow(again, catalog)
        assert [i for i, _ in again.search(APPLE, 1)] == ["d1/apple"]
        assert len(list((tmp_path / "v").glob("gen-*"))) == 1
        again.close()


class TestIndexes:
    def test_follow_brings_both_in_step(self, catalog, put, indexes):
        put("d1", "apple\npear")
        assert indexes.behind
        indexes.follow()
        assert not indexes.behind
        assert indexes.search_lexical("pear", 5)[0][0] == "d1/pear"
        assert indexes.search_dense(APPLE, 5)[0][0] == "d1/apple"

    def test_dense_search_sees_a_new_document_before_the_index_does(self, catalog, put, indexes):
        put("d1", "pear")
        indexes.follow()
        put("d2", "apple")
        assert indexes.search_dense(APPLE, 1)[0][0] == "d2/apple"

    def test_the_second_process_searches_without_the_index(self, catalog, put, indexes):
        put("d1", "apple\npear")
        indexes.follow()
        second = Indexes(catalog, catalog.path.parent)
        assert indexes.owner
        assert not second.owner
        assert second.search_dense(APPLE, 1)[0][0] == "d1/apple"
        assert second.search_lexical("pear", 1)[0][0] == "d1/pear"
        second.close()

    @pytest.mark.parametrize("damage", ["state", "sqlite", "folder", "lexical", "lexical-gone"])
    def test_a_damaged_index_heals_from_the_catalogue(self, catalog, put, damage):
        put("d1", "apple\npear")
        folder = catalog.path.parent
        first = Indexes(catalog, folder)
        first.follow()
        first.close()
        generation = next((folder / "vectors").glob("gen-*"))
        if damage == "state":
            (folder / "vectors" / "state.json").write_text("{half")
        elif damage == "sqlite":
            database = generation / "chroma.sqlite3"
            os.truncate(database, database.stat().st_size // 2)
        elif damage == "folder":
            shutil.rmtree(generation)
        elif damage == "lexical":
            (folder / "lexical.sqlite3").write_bytes(b"\0" * 5000)
        else:
            (folder / "lexical.sqlite3").unlink()
        healed = Indexes(catalog, folder)
        healed.follow()
        assert healed.search_dense(APPLE, 1)[0][0] == "d1/apple"
        assert healed.search_lexical("pear", 1)[0][0] == "d1/pear"
        healed.close()

    def test_a_restored_older_catalogue_is_followed_again(self, catalog, put, indexes):
        put("d1", "apple")
        indexes.follow()
        state = catalog.path.parent / "vectors" / "state.json"
        assert json.loads(state.read_text())["seq"] == 1
        catalog.set_meta({"seq": "0"})
        indexes.follow()
        assert indexes.vectors is not None
        assert indexes.vectors.applied == 0


class TestExact:
    def test_orders_by_cosine_and_filters(self, catalog, put):
        put("d1", "apple\npear")
        put("d2", "apple pear")
        exact = ExactSearch(catalog)
        assert [i for i, _ in exact.search(APPLE, 2)] == ["d1/apple", "d2/apple pear"]
        assert [i for i, _ in exact.search(APPLE, 5, {"d2"})] == ["d2/apple pear"]
        catalog.remove(["d1"])
        assert [i for i, _ in exact.search(APPLE, 5)] == ["d2/apple pear"]

    def test_ties_go_by_passage_id(self, catalog, put):
        put("d2", "apple")
        exact = ExactSearch(catalog)
        exact.search(APPLE, 1)
        put("d3", "apple")
        put("d1", "apple")
        assert [i for i, _ in exact.search(APPLE, 2)] == ["d1/apple", "d2/apple"]

    def test_what_has_changed_is_followed_step_by_step(self, catalog, put):
        """Read at once or change by change, the same is found."""
        following = ExactSearch(catalog)
        fruit = ("apple", "pear", "plum", "fig", "apple fig", "pear plum")
        for number in range(30):
            put(f"d{number % 11}", "\n".join(f"{one} {number % 7}" for one in fruit))
            if number % 4 == 3:
                catalog.remove([f"d{number % 5}"])
            for wanted in (None, {"d1", "d4", "elsewhere"}):
                expected = ExactSearch(catalog).search(APPLE, 9, wanted)
                assert following.search(APPLE, 9, wanted) == [
                    (i, pytest.approx(score)) for i, score in expected
                ]

    def test_only_what_has_changed_is_read(self, catalog, put):
        put("d1", "\n".join(f"apple {number}" for number in range(8)))
        exact = ExactSearch(catalog)
        exact.search(APPLE, 1)
        held = exact._view.matrix
        put("d2", "apple fig")
        exact.search(APPLE, 1)
        room = exact._matrix
        put("d3", "plum fig")
        assert len(exact.search(APPLE, 99)) == 10
        assert exact._matrix is room  # added to where it lay
        assert len(held) == 8  # and what another search may be reading is as it was

    def test_a_catalogue_of_another_past_is_read_again(self, catalog, put, tmp_path):
        put("d1", "apple\npear")
        exact = ExactSearch(catalog)
        exact.search(APPLE, 1)
        with closing(
            sqlite3.connect(catalog.path)
        ) as connection:  # a copy where all went otherwise
            connection.execute("UPDATE history SET token = 'another'")
            connection.execute("DELETE FROM passages WHERE text = 'apple'")
            connection.commit()
        put("d2", "plum")
        assert {i for i, _ in exact.search(APPLE, 5)} == {"d1/pear", "d2/plum"}


def test_searches_go_on_while_the_indexes_are_begun_again(catalog, put, indexes):
    for number in range(40):
        put(f"d{number}", f"apple {number}\npear {number}")
    indexes.follow()
    stop = threading.Event()
    failures: list[Exception] = []

    def search() -> None:
        while not stop.is_set():
            try:
                assert len(indexes.search_dense(APPLE, 5)) == 5
                indexes.search_lexical("pear", 5)  # may find fewer while it is being filled
            except Exception as error:
                failures.append(error)
                raise

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        indexes.reset()
        indexes.follow()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(indexes.search_lexical("pear", 100)) == 40


def test_a_search_among_very_many_documents_finds_what_one_among_few_finds(
    catalog, put, indexes, monkeypatch
):
    for number in range(40):
        fruit = ("apple", "pear", "plum")[number % 3]
        put(f"d{number}", f"The {fruit} and the apple, number {number}.\nAn apple, {number}.")
    wanted = frozenset(f"d{number}" for number in range(0, 40, 7))
    indexes.follow()

    def found():
        return indexes.search_lexical("apple number", 5, wanted), indexes.search_dense(
            APPLE, 5, wanted
        )

    few = found()
    monkeypatch.setattr("rag.store.indexes._MOST_LISTED", 2)
    many = found()
    for hits, expected in zip(many, few, strict=True):
        scores = [score for _, score in expected]
        assert [score for _, score in hits] == pytest.approx(scores, abs=1e-3)
        assert {passage_id.partition("/")[0] for passage_id, _ in hits} <= wanted
    assert len(indexes.search_lexical("apple", 100, wanted)) == 2 * len(wanted)
