"""The files of a store are let go of: by threads that have ended, and when they are refused."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.store.catalog import Catalog
from rag.store.indexes import Indexes
from rag.store.lexical import LexicalIndex

DESCRIPTORS = Path("/proc/self/fd")
pytestmark = pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="needs Linux's /proc")


def opened_times(path: Path) -> int:
    """Count how many times this process has a file open."""
    held = []
    for descriptor in DESCRIPTORS.iterdir():
        try:
            held.append(os.readlink(descriptor))
        except FileNotFoundError:  # that of the listing itself
            continue
    return held.count(str(path.resolve()))


def in_a_thread(do) -> None:
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def test_threads_that_have_ended_keep_no_file_open(catalog, put):
    put("d1", "An apple.")
    for _ in range(20):
        in_a_thread(catalog.counts)
    # This thread's, that of the last one, and what SQLite itself keeps for the next.
    assert opened_times(catalog.path) <= 4
    assert catalog.counts().documents == 1


def test_neither_does_the_word_index(catalog, put, tmp_path):
    put("d1", "An apple.")
    path = tmp_path / "lexical.sqlite3"
    with closing(LexicalIndex(path, catalog.store_id)) as lexical:
        lexical.apply(catalog.changes(0, limit=1000))
        for _ in range(20):
            in_a_thread(lambda: lexical.search("apple", 5))
        assert opened_times(path) <= 4
        assert len(lexical.search("apple", 5)) == 1


def test_a_thread_keeps_its_own_while_others_come_and_go(catalog, put):
    put("d1", "An apple.")
    asked, answered = threading.Semaphore(0), threading.Semaphore(0)
    seen: list[int] = []

    def stay() -> None:
        for _ in range(3):
            asked.acquire()
            seen.append(catalog.counts().documents)
            answered.release()

    stays = threading.Thread(target=stay)
    stays.start()
    for _ in range(3):
        in_a_thread(catalog.counts)
        asked.release()
        assert answered.acquire(timeout=10)
    stays.join()
    assert seen == [1, 1, 1]


def test_a_catalogue_that_is_refused_is_not_kept_open(tmp_path):
    with_another_version = tmp_path / "other" / "catalog.sqlite3"
    made = Catalog(with_another_version)
    made.set_meta({"schema": "99"})
    made.close()
    no_catalogue = tmp_path / "catalog.sqlite3"
    no_catalogue.write_bytes(b"this is not a database, it is a letter" * 100)
    for path in (with_another_version, no_catalogue):
        with pytest.raises(StoreError) as refused:
            Catalog(path)
        # The error is still held, and its traceback with it.
        assert opened_times(path) == 0, refused.value.message


def test_indexes_that_cannot_be_opened_let_go_of_what_they_had(catalog):
    folder = catalog.path.parent
    (folder / "vectors").write_text("a file where a folder belongs")
    with pytest.raises(StoreError) as refused:
        Indexes(catalog, folder)
    assert opened_times(folder / "lexical.sqlite3") == 0, refused.value.message
    assert opened_times(folder / "indexes.lock") == 0
