"""Question sets in spreadsheets: what people leave in cells, and every mistake with its row."""

from __future__ import annotations

import csv
import json
from datetime import datetime

import pytest
from openpyxl import Workbook

from eval.dataset import Relevant
from eval.drafts import write_drafts
from eval.loaders import load_dataset
from rag.errors import InputError
from rag.types import Turn


def sheet(path, *rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def text(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path


def test_cells_are_the_fields_of_a_case(tmp_path):
    path = text(
        tmp_path / "set.csv",
        "Question,Answer,Document,Quote,Answerable,Tags,Comment\n"
        '"When did it begin?","1990\nin 1990",talks.md,The talks began in 1990.,yes,"dev, fact",x\n'
        "Who paid?,,,,no,dev;near-miss,\n",
    )
    first, second = load_dataset(path).cases
    assert first.answers == ("1990", "in 1990")
    assert first.relevant == (Relevant("talks.md", "The talks began in 1990."),)
    assert first.tags == ("dev", "fact")
    assert (second.answerable, second.tags) == (False, ("dev", "near-miss"))
    assert first.case_id.startswith("row-")
    assert first.case_id != second.case_id


def test_an_id_does_not_depend_on_the_row(tmp_path):
    rows = ["question,answers\n", "One?,1\n", "Two?,2\n"]
    ids = [case.case_id for case in load_dataset(text(tmp_path / "a.csv", "".join(rows))).cases]
    swapped = text(tmp_path / "b.csv", rows[0] + "\n" + rows[2] + rows[1])
    assert [case.case_id for case in load_dataset(swapped).cases] == ids[::-1]


def test_several_quotes_share_a_source_or_have_each_its_own(tmp_path):
    path = text(
        tmp_path / "set.csv",
        'question,source,quote\nA?,a.md,"One.\nTwo."\nB?,"a.md\nb.md","One.\nTwo."\nC?,"a\nb",\n',
    )
    a, b, c = load_dataset(path).cases
    assert a.relevant == (Relevant("a.md", "One."), Relevant("a.md", "Two."))
    assert b.relevant == (Relevant("a.md", "One."), Relevant("b.md", "Two."))
    assert c.relevant == (Relevant("a"), Relevant("b"))


@pytest.mark.parametrize(
    ("separator", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-8")]
)
def test_what_spreadsheet_programs_save_is_read(tmp_path, separator, encoding):
    rows = [["question", "answers"], ["Où est-ce?", "à Genève"]]
    content = "\r\n".join(separator.join(row) for row in rows)
    [case] = load_dataset(text(tmp_path / "set.csv", content, encoding)).cases
    assert (case.question, case.answers) == ("Où est-ce?", ("à Genève",))


def test_a_workbook_has_numbers_days_and_truths(tmp_path):
    path = sheet(
        tmp_path / "set.xlsx",
        ["Question", "Answers", "Answerable", None],
        ["When?", 1990.0, True, None],
        ["Which day?", datetime(2010, 5, 26), None, None],
        [None, None, None, None],
        ["How much?", 2.5, "yes", None],
        ["Why?", None, False, None],
    )
    cases = load_dataset(path).cases
    assert [case.answers for case in cases] == [("1990",), ("2010-05-26",), ("2.5",), ()]
    assert [case.answerable for case in cases] == [True, True, True, False]


def test_rows_without_a_question_are_left_out_and_counted(tmp_path):
    path = text(
        tmp_path / "set.csv", "question,answers,source,quote\nA?,1,,\n,,a.md,One.\n,,b.md,\n"
    )
    dataset = load_dataset(path)
    assert len(dataset.cases) == 1
    assert dataset.notes == ("2 rows of set.csv have no question yet and were left out.",)
    with pytest.raises(InputError, match="no question in it"):
        load_dataset(text(tmp_path / "none.csv", "question,answers\n,1\n"))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("qestion,answers\nA?,1\n", "1: unknown column 'qestion'"),
        ("source,quote\na,b\n", "1: no column is called 'question'"),
        ("question,answer,answers\nA?,1,2\n", "1: two columns for 'answers'"),
        ("question,answers\nA?,1,000\n", "2: '000' stands beyond the last column; 2 are named"),
        ("question,answerable\nA?,perhaps\n", "2: 'answerable' must be true or false"),
        ("question,answerable,answers\nA?,no,1\n", "2: a question that is not answerable"),
        ("question,source,quote\nA?,,One.\n", "2: 'relevant' must list objects with a source"),
        ("question,answers,history\nA?,1,Who?\n", "2: 'history' must list pairs"),
        ('question,answers\nA?,"1\n', "2: not a row of a .csv file"),
    ],
)
def test_a_mistake_is_named_with_its_row(tmp_path, content, fault):
    with pytest.raises(InputError) as raised:
        load_dataset(text(tmp_path / "set.csv", content))
    assert f"set.csv:{fault}" in raised.value.message
    assert raised.value.hint


def test_a_row_is_the_line_that_it_begins_on(tmp_path):
    path = text(tmp_path / "set.csv", 'question,answers\nA?,"1\none"\nB?,\n')
    with pytest.raises(InputError, match=r"set\.csv:4: an answerable question needs answers"):
        load_dataset(path)


def test_an_unreadable_file_says_how_to_save_it(tmp_path):
    with pytest.raises(InputError, match=r"set\.csv:2: not UTF-8") as raised:
        load_dataset(text(tmp_path / "set.csv", "question,answers\nOù?,1\n", "cp1252"))
    assert "CSV UTF-8" in raised.value.hint
    with pytest.raises(InputError, match="not a workbook"):
        load_dataset(text(tmp_path / "set.xlsx", "question"))


DRAFT = {
    "id": "d1",
    "question": "=When?",
    "history": [["Who?", "Ann."]],
    "answerable": True,
    "answers": ["1990", "-5"],
    "relevant": [{"source": "a.md", "quote": "It began\n in 1990."}],
    "tags": ["draft", "x"],
    "comment": "+Check it.",
}


def test_drafts_survive_the_sheet_and_no_cell_is_a_formula(tmp_path):
    path = tmp_path / "drafts.csv"
    assert write_drafts(path, [DRAFT]) == 1
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,question")
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert {"'=When?", "'+Check it."} <= set(cells)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    [case] = load_dataset(path).cases
    assert case.to_dict() == {
        **{name: DRAFT[name] for name in ("id", "question", "history", "answerable", "tags")},
        "answers": ["1990", "-5"],
        "relevant": [{"source": "a.md", "quote": "It began in 1990.", "grade": 1}],
    }
    assert case.history == (Turn("Who?", "Ann."),)


def test_drafts_are_added_once_and_never_to_another_layout(tmp_path):
    path = tmp_path / "drafts.csv"
    write_drafts(path, [DRAFT])
    assert write_drafts(path, [DRAFT, {**DRAFT, "id": "d2"}]) == 1
    assert [case.case_id for case in load_dataset(path).cases] == ["d1", "d2"]
    before = text(path, "question;answers\nA?;1\n").read_bytes()
    with pytest.raises(InputError, match="its columns are not those of drafts"):
        write_drafts(path, [DRAFT])
    assert path.read_bytes() == before
    with pytest.raises(InputError, match=r"written as \.jsonl or \.csv"):
        write_drafts(tmp_path / "drafts.xlsx", [DRAFT])
    lines = tmp_path / "drafts.jsonl"
    lines.write_text(json.dumps(DRAFT) + "\n{oops\n")
    with pytest.raises(InputError, match=r"drafts\.jsonl:2: not JSON"):
        write_drafts(lines, [DRAFT])
