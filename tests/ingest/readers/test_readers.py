"""The registry, and what all readers have in common: paths, bytes, encodings."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import DocumentError
from rag.ingest.readers import document_id, known_suffixes, raw, read_file, reader_for
from rag.ingest.readers.raw import clean, decode


def test_every_format_has_a_reader_whatever_the_case_of_its_suffix():
    assert {".txt", ".md", ".html", ".pdf", ".docx", ".jsonl"} <= known_suffixes()
    for suffix in known_suffixes():
        reader = reader_for(Path(f"REPORT{suffix.upper()}"))
        assert suffix in reader.suffixes
        assert reader.version >= 1


@pytest.mark.parametrize("name", ["film.mp4", "Makefile"])
def test_an_unknown_format_is_refused_with_the_known_ones(name):
    with pytest.raises(DocumentError) as caught:
        reader_for(Path(name))
    assert caught.value.reason == "unknown-format"
    assert ".docx .eml .epub" in caught.value.hint


def test_importing_the_readers_loads_no_heavy_library():
    code = (
        "import sys, rag.ingest.readers; "
        "print([name for name in ('trafilatura', 'docx', 'pypdfium2', 'lxml', 'markdown_it',"
        " 'charset_normalizer', 'sentencex') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_document_id_is_the_hash_of_the_resolved_path(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    path.write_text("Words.")
    expected = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    monkeypatch.chdir(tmp_path)
    assert document_id(path) == document_id(Path("note.txt")) == expected
    assert document_id(tmp_path / "sub" / ".." / "note.txt") == expected


@pytest.mark.parametrize("suffix", sorted(known_suffixes()))
def test_missing_files_and_folders_are_refused(tmp_path, suffix):
    missing = tmp_path / f"gone{suffix}"
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    for path, reason in ((missing, "missing"), (folder, "unreadable")):
        with pytest.raises(DocumentError) as caught:
            list(read_file(path, str(path)))
        assert caught.value.reason == reason


@pytest.mark.parametrize("suffix", sorted(known_suffixes()))
@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_files_without_text_are_empty(refusal, suffix, data):
    assert refusal(f"blank{suffix}", data) == "empty"


def test_a_file_of_zeros_is_empty(refusal):
    """What a disk that filled up leaves behind."""
    assert refusal("zeros.txt", b"\x00" * 4096) == "empty"


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(raw.MAX_BYTES + 1)  # a sparse file
    with pytest.raises(DocumentError) as caught:
        list(read_file(path, "huge.txt"))
    assert caught.value.reason == "too-large"


TEXT = "Der Kapitän sagte: „Schöne Grüße aus Köln!“ – und ging. Das Schiff war überladen.\n" * 3


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"],
)
def test_encodings_are_recognised(encoding):
    assert decode(TEXT.encode(encoding), "f").removeprefix("\ufeff") == TEXT


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Корабль вышел из гавани рано утром, и никто не знал, куда он идёт. " * 4),
        ("shift_jis", "船は朝早く港を出た。誰も行き先を知らなかった。" * 6),
        ("gb18030", "船一大早就离开了港口，没有人知道它要去哪里。" * 6),
    ],
)
def test_other_scripts_are_guessed(encoding, text):
    assert decode(text.encode(encoding), "f") == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8-r", "Глубина гавани девять метров. Капитан это хорошо знает."),
        ("iso8859-2", "Głębokość portu wynosi dziewięć metrów. Zażółć gęślą jaźń."),
        ("iso2022_jp", "港の深さは九メートルである。"),
    ],
)
def test_the_common_encoding_is_preferred_to_the_rare(encoding, text):
    assert decode(text.encode(encoding), "f") == text


@pytest.mark.parametrize("encoding", ["iso-2022-jp", "utf-7"])
def test_encodings_in_seven_bits_do_not_pass_for_utf_8(encoding):
    assert decode("深さ".encode(encoding), "f", encoding) == "深さ"


def test_zeros_at_the_end_do_not_make_a_text_binary(read):
    assert read("log.txt", b"The harbour is deep." + bytes(500))[0].text == "The harbour is deep."


def test_colours_of_a_terminal_are_no_text():
    assert clean("\x1b[1;31mred\x1b[0m words") == "red words"


def test_a_declared_encoding_is_believed_when_utf_8_does_not_fit():
    assert decode("Łódź".encode("iso-8859-2"), "f", "iso-8859-2") == "Łódź"
    assert decode("Łódź".encode(), "f", "iso-8859-2") == "Łódź"
    assert decode("Köln ".encode("cp1252") * 20, "f", "no-such-encoding") == "Köln " * 20


def test_a_few_damaged_bytes_do_not_turn_utf_8_into_another_encoding():
    data = ("Grüße über Köln " * 20).encode() + b"\xff end"
    assert decode(data, "f") == "Grüße über Köln " * 20 + "\ufffd end"


def test_a_few_odd_bytes_do_not_make_plain_words_unreadable():
    data = b"The harbour is deep. " * 200 + b"\x81 \xff\xfd \x90 \x8d" + b" It is wide." * 100
    text = decode(data, "f")
    assert text.startswith("The harbour is deep. " * 200)
    assert text.endswith(" It is wide." * 100)


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n\xff\xfe\x00",
        b"PK\x03\x04" + bytes(range(256)),
        b"\x7fELF" + bytes(range(256)) * 4,
        bytes(range(256)) * 20,
        b"\x00\x01\x02plain" * 50,
    ],
)
def test_binary_data_is_no_text(refusal, data):
    assert refusal("program.txt", data) == "binary"


def test_bytes_that_fit_no_encoding_are_refused(refusal):
    # Bytes that cp1252 and its kin leave undefined, in a run no multi-byte encoding allows.
    assert refusal("junk.txt", b"\x81\x8d\x8f\x90\x9d\xff\xfd" * 200) in {"encoding", "binary"}


def test_cleaning_keeps_the_words_and_drops_what_is_not_to_be_seen():
    assert clean("a\r\nb\rc\x85d\u2028e\x0bf\x0cg") == "a\nb\nc\nd\ne\nf\ng"
    assert clean("N\x00U\x07L\x1b \u202ereversed\u202c so\u00adft\ufeff \ud800") == (
        "NUL reversed soft "
    )
    assert clean("tab\tstays, é too, 😀") == "tab\tstays, é too, 😀"
