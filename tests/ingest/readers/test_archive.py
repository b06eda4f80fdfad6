from __future__ import annotations

import io
import stat
import zipfile

import pytest

from rag.errors import DocumentError
from rag.ingest.readers import original, packed
from rag.ingest.readers.original import safe_name
from rag.types import Document


def archive(*members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for name, data in members:
            target.writestr(name, data)
    return buffer.getvalue()


def sources(items):
    return [item.source for item in items if isinstance(item, Document)]


def problems(items):
    return [item.reason for item in items if isinstance(item, DocumentError)]


def test_members_are_documents_that_name_their_place(read):
    data = archive(("a.txt", "About apples."), ("sub/b.md", "# Pears\n\nAbout pears."))
    documents = read("all.zip", data)
    assert sources(documents) == ["files/all.zip!/a.txt", "files/all.zip!/sub/b.md"]
    assert [document.title for document in documents] == ["About apples.", "Pears"]
    assert len({document.doc_id for document in documents}) == 2


def test_archives_in_archives(read):
    inner = archive(("c.txt", "Deep inside."))
    middle = archive(("inner.zip", inner))
    (document,) = read("outer.zip", archive(("middle.zip", middle)))
    assert document.source == "files/outer.zip!/middle.zip!/inner.zip!/c.txt"
    (problem,) = read("deeper.zip", archive(("outer.zip", archive(("middle.zip", middle)))))
    assert problem.reason == "too-deep"


def test_names_cannot_leave_the_archive(read):
    data = archive(("../../etc/passwd.txt", "One."), ("C:\\temp\\x.txt", "Two."), ("/y.txt", "3."))
    assert sources(read("evil.zip", data)) == [
        "files/evil.zip!/etc/passwd.txt",
        "files/evil.zip!/temp/x.txt",
        "files/evil.zip!/y.txt",
    ]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/./b/../c.txt", "a/b/c.txt"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("tab\there\n.txt", "tab here .txt"),
        ("right\u202etxt.exe", "righttxt.exe"),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_equal_names_are_two_documents(read):
    documents = read("twice.zip", archive(("a.txt", "One."), ("a.txt", "Two.")))
    assert sources(documents) == ["files/twice.zip!/a.txt", "files/twice.zip!/a~2.txt"]
    assert len({document.doc_id for document in documents}) == 2


def test_a_bad_member_stops_nothing_and_unknown_ones_are_named(read):
    data = archive(("bad.pdf", "%PDF-1.4"), ("film.mp4", "x"), ("x.exe", "x"), ("ok.txt", "Fine."))
    items = read("mixed.zip", data)
    assert sources(items) == ["files/mixed.zip!/ok.txt"]
    assert problems(items) == ["truncated", "unknown-format"]
    assert ".exe .mp4" in items[-1].message


def test_furniture_is_left_out(read):
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = archive(
        (link, "/etc/passwd"), ("__MACOSX/a.txt", "x"), (".git/b.txt", "x"), ("c.txt", "C.")
    )
    assert sources(read("mac.zip", data)) == ["files/mac.zip!/c.txt"]


def test_an_archive_of_nothing_is_empty(refusal):
    assert refusal("none.zip", archive()) == "empty"


def test_what_unpacks_to_too_much_is_refused(refusal, monkeypatch):
    assert refusal("ratio.zip", archive(("a.txt", bytes(30_000_000)))) == "too-large"
    monkeypatch.setattr(packed, "MAX_PARTS", 3)
    assert refusal("many.zip", archive(*((f"{n}.txt", "x") for n in range(4)))) == "too-large"


def test_all_that_is_inside_counts_together(read, monkeypatch):
    monkeypatch.setattr(original, "MAX_MEMBERS", 5)
    inner = archive(*((f"{n}.txt", f"Number {n}.") for n in range(3)))
    with pytest.raises(DocumentError) as caught:
        read("nested.zip", archive(("a.zip", inner), ("b.zip", inner), ("c.txt", "C.")))
    assert caught.value.reason == "too-large"


def test_parts_that_share_bytes_are_refused(refusal):
    data = bytearray(archive(("a.txt", "x" * 50), ("b.txt", "y" * 50), compression=0))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)  # the second part begins where the first one does
    assert refusal("overlap.zip", bytes(data)) == "too-large"


def test_a_lie_about_the_size_yields_no_more_than_was_said(read):
    data = bytearray(archive(("a.txt", "x" * 5000), ("b.txt", "Sound.")))
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    items = read("lie.zip", bytes(data))
    assert sources(items) == ["files/lie.zip!/b.txt"]
    assert problems(items) == ["unreadable"]


def test_a_cut_archive_is_truncated(refusal):
    data = archive(("a.txt", "About apples."))
    assert refusal("cut.zip", data[: len(data) - 30]) == "truncated"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Übersicht".encode(), "Übersicht"),  # as on a Mac, which does not say that it is UTF-8
        ("Übersicht".encode("cp437"), "Übersicht"),  # as by old programs
    ],
)
def test_names_are_read_as_they_were_written(read, written, name):
    data = archive(("x" * len(written) + ".txt", "About apples."))
    data = data.replace(b"x" * len(written), written)
    assert sources(read("all.zip", data)) == [f"files/all.zip!/{name}.txt"]
