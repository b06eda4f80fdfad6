"""Files that programs send, read into a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.build import open_catalog
from rag.errors import DocumentError, InputError, StoreError
from rag.settings import Settings
from rag.web.api.writing import StoreWriter, checked_name

MARKDOWN = b"# Handbook\n\nHolidays are announced in May.\n"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(
        data_dir=tmp_path / "store", uploads_dir=tmp_path / "uploads", embedding_model="hashing"
    )


def test_a_file_becomes_documents_and_goes_again(settings):
    with open_catalog(settings) as catalog:
        writer = StoreWriter(settings, catalog)
        (doc_id,) = writer.add("handbook.md", MARKDOWN)
        document = catalog.document(doc_id)
        assert document is not None
        assert document.title == "Handbook"
        assert document.source.endswith("uploads/handbook.md")
        assert list(writer.add("handbook.md", MARKDOWN.replace(b"May", b"June"))) == [doc_id]
        changed = catalog.document(doc_id)
        assert changed is not None
        assert "June" in changed.text
        assert writer.remove(doc_id)
        assert not writer.remove(doc_id)
        assert catalog.documents() == []
    assert list(settings.uploads_dir.iterdir()) == []


def test_a_file_that_cannot_be_read_changes_nothing(settings):
    with open_catalog(settings) as catalog:
        writer = StoreWriter(settings, catalog)
        (doc_id,) = writer.add("handbook.md", MARKDOWN)
        with pytest.raises(DocumentError):
            writer.add("handbook.md", b"\x00\x01\x02" * 100)
        document = catalog.document(doc_id)
        assert document is not None
        assert "May" in document.text
        with pytest.raises(DocumentError):
            writer.add("report.pdf", b"%PDF-1.7 and then nothing")
    assert [path.name for path in settings.uploads_dir.iterdir()] == ["handbook.md"]
    assert (settings.uploads_dir / "handbook.md").read_bytes() == MARKDOWN


def test_a_link_is_replaced_and_not_followed(settings, tmp_path):
    target = tmp_path / "target.md"
    target.write_bytes(b"theirs")
    settings.uploads_dir.mkdir()
    (settings.uploads_dir / "a.md").symlink_to(target)
    with open_catalog(settings) as catalog:
        StoreWriter(settings, catalog).add("a.md", MARKDOWN)
    assert target.read_bytes() == b"theirs"


@pytest.mark.parametrize("name", ["a.md", "Übersicht 2026 (v2).txt", "a+b@c,d_e-f.html", "文档.md"])
def test_plain_names_are_kept(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".md", "../a.md", "a/b.md", "/a.md", "a\\b.md", "a\0.md", "a\n.md", "C:a.md",
     "\u202ea.md", "<svg>.md", "a" * 150 + ".md", "a.exe", "a", "~a.md", "%2e%2e%2fa.md"],
)  # fmt: skip
def test_other_names_are_refused(name):
    with pytest.raises(InputError):
        checked_name(name)


def test_the_folder_of_uploads_is_said_to_be_unwritable(settings, tmp_path):
    blocked = settings.model_copy(update={"uploads_dir": Path("/dev/null/uploads")})
    with (
        open_catalog(settings) as catalog,
        pytest.raises(StoreError, match="cannot be written"),
    ):
        StoreWriter(blocked, catalog).add("a.md", MARKDOWN)
