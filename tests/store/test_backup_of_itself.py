"""A backup is a file of its own: not the store's, which it would take the place of."""

from __future__ import annotations

import os

import pytest

from rag.backup_command import run_backup, run_restore
from rag.build import open_catalog
from rag.errors import InputError
from rag.settings import Settings
from rag.store.written_with import written_with


@pytest.fixture
def settings(tmp_path, catalog, put):
    """A store whose last change is still in the write-ahead log, with the process that made it."""
    settings = Settings(data_dir=tmp_path / "store", embedding_model="hashing")
    put("d1", "An apple.")
    catalog.set_meta(written_with(settings))
    catalog.checkpoint()
    put("d2", "A pear.")
    return settings


@pytest.mark.parametrize("name", ["catalog.sqlite3", "catalog.sqlite3-wal"])
def test_a_store_is_not_backed_up_over_itself(settings, put, name):
    with pytest.raises(InputError, match="belongs to the store"):
        run_backup(settings, settings.data_dir / name)
    put("d3", "A plum.")
    with open_catalog(settings) as seen:
        assert {info.doc_id for info in seen.documents()} == {"d1", "d2", "d3"}


def test_a_store_is_not_restored_from_itself(settings, catalog):
    path = settings.data_dir / "catalog.sqlite3"
    os.link(path, settings.data_dir.parent / "linked")
    for file in (path, settings.data_dir.parent / "linked"):
        with pytest.raises(InputError, match="belongs to the store"):
            run_restore(settings, file)
    assert {info.doc_id for info in catalog.documents()} == {"d1", "d2"}


def test_a_backup_may_lie_in_the_folder_of_the_store(settings):
    file = settings.data_dir / "saved.footnote"
    assert run_backup(settings, file).documents == 2
    assert run_backup(settings, file).documents == 2, "and be replaced by a later one"
    assert run_restore(settings, file).documents == 2
