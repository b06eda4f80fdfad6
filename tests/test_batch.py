from __future__ import annotations

import io
import json
import sys

import pytest
import typer

from rag.ask_cli import ask, search
from rag.batch import run_batch
from rag.errors import InputError


def shout(line):
    return {"said": line["question"].upper()}


def test_each_line_is_answered_under_its_id(tmp_path, capsys):
    (tmp_path / "q.jsonl").write_text('{"id": "a", "question": "who?"}\n\n{"question": "wo?"}\n')
    run_batch(str(tmp_path / "q.jsonl"), shout)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"id": "a", "said": "WHO?"}, {"id": None, "said": "WO?"}]


@pytest.mark.parametrize(
    "bad",
    [
        '{"id": "b", "question": "café"}'.encode("latin-1"),
        b'{"id": "b", "question": "\\ud800"}',
        b'{"id": "b", "question": 5}',
        b"[" * 100_000,
        b"\x00\xff",
        b"[]",
    ],
    ids=["latin-1", "half a character", "number", "deep", "binary", "list"],
)
def test_a_line_that_is_none_gets_an_error_and_the_others_an_answer(tmp_path, capsys, bad):
    good = b'{"id": "a", "question": "who?"}'
    (tmp_path / "q.jsonl").write_bytes(b"\n".join([good, bad, good]))
    with pytest.raises(typer.Exit) as ended:
        run_batch(str(tmp_path / "q.jsonl"), shout)
    assert ended.value.exit_code == 65
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("said") for line in lines] == ["WHO?", None, "WHO?"]
    assert lines[1]["error"]["message"] == "Line 2 is not a JSON object with a question."


def test_a_byte_order_mark_is_no_part_of_the_first_line(monkeypatch, capsys):
    text = b'\xef\xbb\xbf{"id": "\\ud800", "question": "h\xc3\xa9?"}'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    run_batch("-", shout)
    assert json.loads(capsys.readouterr().out) == {"id": "\ud800", "said": "HÉ?"}


@pytest.mark.parametrize("command", [ask, search])
def test_a_question_in_another_encoding_is_refused(tmp_path, monkeypatch, command):
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", "hashing")
    given = "café".encode("latin-1").decode("utf-8", "surrogateescape")  # as Python reads argv
    with pytest.raises(InputError, match="not UTF-8"):
        command(given, data_dir=tmp_path / "store", **({"k": 3} if command is search else {}))
