"""Datasets: every layout, and every mistake with its line."""

from __future__ import annotations

import gzip
import json

import pytest

from eval.dataset import Case, Relevant, record_of, same_source, source_names
from eval.loaders import load_dataset
from eval.rows import rows_of
from rag.errors import InputError
from rag.types import Turn

GOOD = {"id": "q1", "question": "Who?", "answers": ["Ann"], "relevant": [{"source": "a.md"}]}


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_own_format_round_trips(tmp_path):
    row = GOOD | {
        "history": [["Where?", "Here."]],
        "answerable": True,
        "relevant": [{"source": "a.md", "quote": "It was Ann.", "grade": 2}],
        "tags": ["dev"],
    }
    case = load_dataset(write_jsonl(tmp_path / "set.jsonl", [row])).cases[0]
    assert case.history == (Turn("Where?", "Here."),)
    assert case.relevant == (Relevant("a.md", "It was Ann.", 2),)
    assert case.to_dict() == row


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": "", "question": "Who?"}, "'id' must be text"),
        (GOOD | {"qestion": "typo"}, "unknown field 'qestion'"),
        (GOOD | {"answers": "Ann"}, "'answers' must be a list of texts"),
        (GOOD | {"answerable": "no"}, "'answerable' must be true or false"),
        (GOOD | {"answerable": False}, "not answerable cannot have answers"),
        ({"id": "q", "question": "Who?"}, "needs answers, or relevant documents"),
        (GOOD | {"relevant": ["a.md"]}, "objects with a source"),
        (GOOD | {"relevant": [{"source": "a.md", "grade": 0}]}, "whole number from 1"),
        (GOOD | {"history": [["only a question"]]}, "pairs of question and answer"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path, row, problem):
    path = write_jsonl(tmp_path / "set.jsonl", [GOOD, row])
    with pytest.raises(InputError, match=r"set\.jsonl:2: .*") as raised:
        load_dataset(path)
    assert problem in raised.value.message


def test_a_broken_line_and_a_repeated_id(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(GOOD) + "\n\n{oops\n")
    with pytest.raises(InputError, match=r"set\.jsonl:3: not JSON"):
        load_dataset(path)
    with pytest.raises(InputError, match=r":2: id 'q1' was used in line 1"):
        load_dataset(write_jsonl(path, [GOOD, GOOD]))


def test_nothing_to_load(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_dataset(tmp_path / "absent.jsonl")
    with pytest.raises(InputError, match="not a dataset"):
        load_dataset(tmp_path)
    with pytest.raises(InputError, match="no question"):
        load_dataset(write_jsonl(tmp_path / "empty.jsonl", []))


def test_beir_keeps_only_the_questions_that_are_judged(tmp_path):
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    write_jsonl(folder / "corpus.jsonl", [{"_id": "d1", "title": "", "text": "Text."}])
    write_jsonl(folder / "queries.jsonl", [{"_id": "1", "text": "A?"}, {"_id": "2", "text": "B?"}])
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n1\td1\t2\n1\td2\t0\n", encoding="utf-8"
    )
    dataset = load_dataset(folder)
    assert dataset.cases == (Case("1", "A?", relevant=(Relevant("d1", grade=2),)),)
    assert dataset.corpus_files(tmp_path) == [folder / "corpus.jsonl"]
    (folder / "qrels" / "test.tsv").write_text("q\tc\ts\n1\td1\thigh\n")
    with pytest.raises(InputError, match=r"test\.tsv:2"):
        load_dataset(folder)


def test_squad_paragraphs_become_documents(tmp_path):
    question = {"id": "1", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 3}] * 2}
    missing = {"id": "2", "question": "Why?", "answers": [], "is_impossible": True}
    paragraph = {"context": "By Ann.", "qas": [question, missing]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "New_York", "paragraphs": [paragraph]}]}))
    dataset = load_dataset(path)
    assert [case.answers for case in dataset.cases] == [("Ann",), ()]
    assert dataset.cases[0].relevant == (Relevant("New_York#0"),)
    assert not dataset.cases[1].answerable
    [written] = dataset.corpus_files(tmp_path)
    record = json.loads(written.read_text())
    assert record == {"_id": "New_York#0", "title": "New York", "text": "By Ann."}
    path.write_text('{"data": [{}]}')
    with pytest.raises(InputError, match="not SQuAD's layout"):
        load_dataset(path)


def test_plain_layout_with_roles_quotes_and_a_packed_corpus(tmp_path):
    history = [{"role": "user", "text": "Where?"}, {"role": "agent", "text": "Here."}]
    rows = [
        {"_id": "1", "question": "A?", "gold": ["d"], "support_sentences": ["One. ", "Two."]},
        {"_id": "2", "question": "B?", "gold": ["d"], "answers": ["x"], "answerable": False},
        {"_id": "3", "question": "C?", "history": history, "answerability": "UNANSWERABLE"},
    ]
    write_jsonl(tmp_path / "queries.jsonl", rows)
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(b'{"_id": "d"}\n'))
    dataset = load_dataset(tmp_path)
    first, second, third = dataset.cases
    assert first.relevant == (Relevant("d", "One."), Relevant("d", "Two."))
    assert (second.answers, second.relevant) == ((), ())
    assert third.history == (Turn("Where?", "Here."),)
    assert (third.answerable, third.tags) == (False, ("UNANSWERABLE",))
    (tmp_path / "work").mkdir()
    [unpacked] = dataset.corpus_files(tmp_path / "work")
    assert unpacked.read_text() == '{"_id": "d"}\n'


def test_select_by_tag_limit_and_seed(tmp_path):
    rows = [GOOD | {"id": f"q{i}", "tags": ["even"] if i % 2 == 0 else []} for i in range(10)]
    dataset = load_dataset(write_jsonl(tmp_path / "set.jsonl", rows))
    assert [c.case_id for c in dataset.select(tags=["even"], limit=2).cases] == ["q0", "q2"]
    drawn = [c.case_id for c in dataset.select(limit=4, sample=1).cases]
    assert drawn == sorted(drawn) != ["q0", "q1", "q2", "q3"]
    assert drawn == [c.case_id for c in dataset.select(limit=4, sample=1).cases]
    with pytest.raises(InputError, match="no question is left") as raised:
        dataset.select(tags=["odd"])
    assert "even" in raised.value.hint


def test_fingerprint_follows_the_cases(tmp_path):
    path = write_jsonl(tmp_path / "set.jsonl", [GOOD])
    first = load_dataset(path).fingerprint
    assert load_dataset(path).fingerprint == first
    changed = load_dataset(write_jsonl(path, [GOOD | {"answers": ["Bob"]}]))
    assert changed.fingerprint != first


def test_same_source_knows_paths_and_records():
    assert same_source("corpus/a.md", "a.md")
    assert same_source("/x/set/corpus.jsonl#Title#0", "Title#0")
    assert same_source("/x/corpus.jsonl#https://e.org/p#part", "https://e.org/p#part")
    assert not same_source("/x/corpus.jsonl#Title#0", "0")
    assert not same_source("corpus/aa.md", "a.md")
    assert record_of("notes.md") is None


@pytest.mark.parametrize("source", ["x/corpus.jsonl#Title#0", "corpus/a.md", "a.md"])
def test_the_names_of_a_source_are_those_that_mean_it(source):
    names = source_names(source)
    assert {source, source.rpartition("/")[2]} <= names
    assert all(same_source(source, name) for name in names)
    assert "0" not in names


def test_an_id_used_twice_is_refused_in_every_layout(tmp_path):
    write_jsonl(tmp_path / "queries.jsonl", [{"_id": "1", "question": "A?"}] * 2)
    with pytest.raises(InputError, match="id '1' was used in line 1"):
        load_dataset(tmp_path)


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    path = tmp_path / "set.jsonl"
    lines = [json.dumps(GOOD), "{oops", json.dumps({"id": "b"}), json.dumps(GOOD)]
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as raised:
        load_dataset(path)
    faults = raised.value.message.split("\n  ")
    assert [fault.split(": ")[0].rpartition(":")[2] for fault in faults] == ["2", "3", "4"]
    path.write_text("{\n" * 10)
    with pytest.raises(InputError, match="and 2 more"):
        load_dataset(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_programs_write_before_the_first_letter_is_dropped(tmp_path, encoding):
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(GOOD | {"question": "Où?"}, ensure_ascii=False), encoding=encoding)
    assert load_dataset(path).cases[0].question == "Où?"


def test_another_encoding_is_named_with_its_line(tmp_path):
    path = tmp_path / "set.jsonl"
    second = json.dumps(GOOD | {"question": "Où?"}, ensure_ascii=False)
    path.write_bytes(f"{json.dumps(GOOD)}\n{second}\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"set\.jsonl:2: not UTF-8 \(byte 0xf9\)") as raised:
        load_dataset(path)
    assert "UTF-8" in raised.value.hint


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (GOOD | {"answers": [" "]}, "'answers' holds an empty text"),
        (GOOD | {"relevant": "a.md"}, "'relevant' must be a list"),
        (GOOD | {"relevant": [{"source": ""}]}, "a 'source' in 'relevant' is empty"),
        (GOOD | {"relevant": [{"source": "a.md", "quote": 3}]}, "'quote' must be text, found 3"),
        (GOOD | {"relevant": [{"source": "a.md", "grade": True}]}, "found True"),
        (GOOD | {"history": "Where?"}, "'history' must be a list"),
        (GOOD | {"history": [{"role": "user"}]}, "pairs of question and answer"),
    ],
)
def test_values_of_another_kind_are_named_with_their_line(tmp_path, row, problem):
    with pytest.raises(InputError, match=r"set\.jsonl:1: ") as raised:
        load_dataset(write_jsonl(tmp_path / "set.jsonl", [row]))
    assert problem in raised.value.message


def test_queries_without_their_text_are_named_in_every_layout(tmp_path):
    write_jsonl(tmp_path / "queries.jsonl", [{"_id": 0, "question": "A?"}, {"question": "B?"}])
    with pytest.raises(InputError, match=r"queries\.jsonl:2: expected '_id' and 'question'"):
        load_dataset(tmp_path)
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n0\td1\t1\n")
    with pytest.raises(InputError, match=r"queries\.jsonl:1: expected '_id' and 'text'"):
        load_dataset(tmp_path)
    (tmp_path / "qrels" / "test.tsv").write_text("query-id corpus-id score\n")
    with pytest.raises(InputError, match=r"test\.tsv:1: ") as raised:
        load_dataset(tmp_path)
    assert "tabs" in raised.value.hint


def test_lines_of_a_published_set_are_read_packed_or_not(tmp_path):
    plain = write_jsonl(tmp_path / "a.jsonl", [{"x": 1}, {"x": 2}])
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(rows_of(plain)) == list(rows_of(packed)) == [{"x": 1}, {"x": 2}]
    plain.write_text('{"x": 1}\n\n{oops\n')
    with pytest.raises(InputError, match=r"a\.jsonl:3: not a line of JSON"):
        list(rows_of(plain))
    packed.write_bytes(b"not gzip")
    for path in (packed, tmp_path / "none.jsonl"):
        with pytest.raises(InputError, match="cannot be read"):
            list(rows_of(path))
