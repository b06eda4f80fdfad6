from __future__ import annotations

import json
import tracemalloc

import pytest

from rag.errors import DocumentError
from rag.ingest.readers import jsonl, read_file
from rag.types import Document


def line(**record):
    return json.dumps(record) + "\n"


def test_a_record_is_a_document(read):
    record = line(
        _id="a1", title=" The  harbour ", text="It is\r\ndeep.", metadata={"date": "1 May 2010"}
    )
    assert read("set.jsonl", record) == [
        Document(
            doc_id="a1",
            title="The harbour",
            source="files/set.jsonl#a1",
            text="It is\ndeep.",
            metadata={"date": "2010-05-01"},
        )
    ]


def test_the_text_is_kept_as_it_is_given(read):
    """Others' offsets refer to it: no furniture is dropped."""
    (document,) = read("set.jsonl", line(_id="1", text="Breaking news\n\nHe left.  Then?"))
    assert document.text == "Breaking news\n\nHe left.  Then?"


@pytest.mark.parametrize(
    ("bad", "reason", "says"),
    [
        (b"{not json}\n", "bad-record", "not JSON"),
        (b"[1, 2]\n", "bad-record", "found a JSON list, expected an object"),
        (b"42\n", "bad-record", "JSON int"),
        (b"[" * 100_000 + b"\n", "bad-record", "not JSON"),
        (b'{"text": "No id."}\n', "bad-record", "no _id"),
        (b'{"_id": "", "text": "No id."}\n', "bad-record", "no _id"),
        (b'{"_id": true, "text": "No id."}\n', "bad-record", "no _id"),
        (b'{"_id": "a\\u0000", "text": "Odd id."}\n', "bad-record", "control characters"),
        (b'{"_id": "x"}\n', "bad-record", "no text"),
        (b'{"_id": "x", "text": 5}\n', "bad-record", "no text"),
        (b'{"_id": "x", "text": " \\u0000 "}\n', "empty", "holds no text"),
        (b'{"_id": "x", "text": "\xff"}\n', "encoding", "not UTF-8"),
        (b'{"_id": "good", "text": "Again."}\n', "duplicate", "used in line 1 already"),
        (b"\x00" * 50 + b"\n", "bad-record", "not JSON"),
    ],
)
def test_a_defective_line_is_reported_and_the_others_go_on(read, bad, reason, says):
    good = line(_id="good", text="First.").encode()
    last = line(_id="last", text="Last.").encode()
    first, problem, after = read("set.jsonl", good + b"\n" + bad + last)
    assert (first.doc_id, after.doc_id) == ("good", "last")
    assert isinstance(problem, DocumentError)
    assert problem.reason == reason
    assert problem.message.startswith("files/set.jsonl, line 3")
    assert says in problem.message
    assert problem.hint


def test_an_overlong_line_is_reported_and_skipped_whole(read, monkeypatch):
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 100)
    lines = line(_id="1", text="x" * 500) + line(_id="2", text="Short.")
    problem, document = read("set.jsonl", lines)
    assert (problem.reason, document.doc_id) == ("too-large", "2")
    assert "line 1" in problem.message


@pytest.mark.parametrize(
    ("record", "title"),
    [
        ({"title": ""}, "A short first line"),
        ({"title": None}, "A short first line"),
        ({}, "A short first line"),
        ({"title": "Given"}, "Given"),
    ],
)
def test_titles(read, record, title):
    text = "A short first line\n\nAnd a second one."
    assert read("set.jsonl", line(_id="1", text=text, **record))[0].title == title


def test_numbers_serve_as_ids_and_a_byte_order_mark_does_no_harm(read):
    data = b"\xef\xbb\xbf" + line(_id=7, text="Seven.").encode().strip()
    assert [document.doc_id for document in read("set.jsonl", data)] == ["7"]


def test_lone_surrogates_are_dropped(read):
    (document,) = read("set.jsonl", b'{"_id": "1", "text": "a\\ud800b \\ud83d\\ude00"}')
    assert document.text == "ab 😀"
    document.text.encode("utf-8")


def test_a_file_without_records_is_empty(refusal):
    assert refusal("set.jsonl", "\n\n \n") == "empty"


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "many.jsonl"
    with path.open("w") as file:
        for number in range(200):
            file.write(line(_id=str(number), text="word " * 12_000))
    tracemalloc.start()
    count = sum(1 for _ in read_file(path, "many.jsonl"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200
    assert path.stat().st_size > 10_000_000
    assert peak < 4_000_000  # the ids seen, not the texts
