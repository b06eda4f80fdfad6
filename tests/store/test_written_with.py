from __future__ import annotations

from contextlib import closing

import pytest

from rag.build import open_catalog, open_catalog_for_writing, reindex
from rag.errors import StoreError
from rag.settings import Settings
from rag.store.catalog import Catalog
from rag.store.written_with import written_with


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "store", embedding_model="hashing")


def test_another_passage_size_is_refused_with_the_way_there_and_the_way_back(settings, put):
    put("d1", "An apple.")
    with closing(Catalog(settings.data_dir / "catalog.sqlite3")) as catalog:
        catalog.set_meta(written_with(settings) | {"passage_chars": "77"})
    with pytest.raises(StoreError, match="passage_chars = 77") as refused, open_catalog(settings):
        pass
    assert "footnote reindex" in refused.value.hint
    assert "FOOTNOTE_PASSAGE_CHARS=77" in refused.value.hint


def test_a_reindex_that_was_cut_off_is_told_as_such_and_can_be_run_again(settings, put):
    put("d1", "An apple.")

    def cut_off(progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(settings, cut_off)
    with pytest.raises(StoreError) as refused, open_catalog(settings):
        pass
    assert "reindex" in refused.value.message
    assert "footnote reindex" in refused.value.hint
    assert "(reindexing)" not in refused.value.message + refused.value.hint
    reindex(settings)
    with open_catalog_for_writing(settings) as catalog:
        assert catalog.meta("embedding_model") == "hashing"
