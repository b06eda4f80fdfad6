"""Excel, CSV and TSV: every row can be read alone."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta

import openpyxl
import pytest
import xlsxwriter

from rag.ingest.passages import split
from rag.ingest.readers.csv_rows import delimiter
from rag.ingest.readers.rows import cell_text, find_header


def saved(book):
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def book():
    book = openpyxl.Workbook()
    book.properties.creator = "Ann Smith"
    book.properties.title = "Staff"
    sheet = book.active
    sheet.title = "People"
    sheet.append(["All our people"])
    sheet.append([])
    sheet.append(["Name", "Since", "Salary", "Manager"])
    sheet.append(["Ann", date(2020, 1, 5), 4200.0, None])
    sheet.append(["Bob", datetime(2021, 7, 1, 9, 30), 3900.5, "Ann"])
    rates = book.create_sheet("Rates")
    rates.append([1, 2])
    return book


def test_a_sheet_is_a_section_and_a_row_names_its_columns(read, book):
    (document,) = read("staff.xlsx", saved(book))
    assert document.title == "Staff"
    assert document.metadata["author"] == "Ann Smith"
    assert [section.title for section in document.sections] == ["Sheet: People", "Sheet: Rates"]
    assert document.text == (
        "Sheet: People\n\n"
        "Row 1: All our people\n"
        "Columns: Name; Since; Salary; Manager\n"
        "Row 4: Name: Ann; Since: 2020-01-05; Salary: 4200\n"
        "Row 5: Name: Bob; Since: 2021-07-01 09:30; Salary: 3900.5; Manager: Ann\n\n"
        "Sheet: Rates\n\n"
        "Row 1: 1; 2"
    )


def test_a_row_is_never_cut_in_two(read):
    rows = ["Name,Remark"] + [f"Person {n},Said: it is fine. Then left." for n in range(40)]
    (document,) = read("people.csv", "\n".join(rows))
    passages = split(document, passage_chars=300, overlap_chars=0)
    assert len(passages) > 3
    assert all(p.text.startswith(("Columns: ", "Row ")) for p in passages)


def test_formulas_are_read_as_their_last_value(read, refusal):
    book = openpyxl.Workbook()
    book.active.append(["Total", "=SUM(1,2)"])
    document, problem = read("sum.xlsx", saved(book))
    assert document.text == "Sheet: Sheet\n\nRow 1: Total"  # openpyxl writes no values
    assert problem.reason == "no-values"
    assert "1 formula(s) have no value" in problem.message
    book.active["A1"] = "=1"
    assert refusal("sum.xlsx", saved(book)) == "no-values"
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as computed:
        sheet = computed.add_worksheet("S")
        sheet.write_formula(0, 0, "=SUM(1,2)", None, 3)
        sheet.write_formula(0, 1, '=""', None, "none")
    assert [item.text for item in read("sum.xlsx", buffer.getvalue())] == [
        "Sheet: S\n\nRow 1: 3; none"
    ]


def test_shares_and_durations_read_as_they_are_shown(read):
    book = openpyxl.Workbook()
    book.active.append([0.25, 0.075, timedelta(hours=36, minutes=5), timedelta(seconds=90)])
    book.active["A1"].number_format = "0%"
    book.active["B1"].number_format = "0.0%"
    assert read("a.xlsx", saved(book))[0].text.endswith("Row 1: 25%; 7.5%; 36:05; 0:01:30")


def test_hidden_sheets_are_left_out_by_name(read, book):
    book["Rates"].sheet_state = "hidden"
    (document,) = read("staff.xlsx", saved(book))
    assert [section.title for section in document.sections] == ["Sheet: People"]
    assert document.metadata["hidden_sheets"] == "Rates"


def test_a_cell_merged_over_rows_belongs_to_each(read):
    book = openpyxl.Workbook()
    for row in (["Region", "City", "Sales"], ["North", "Oslo", 1], [None, "Bergen", 2]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    assert read("a.xlsx", saved(book))[0].text.endswith(
        "Row 2: Region: North; City: Oslo; Sales: 1\nRow 3: Region: North; City: Bergen; Sales: 2"
    )


def test_a_table_below_a_gap_has_columns_of_its_own(read):
    data = (
        "Item,Price,Stock\nBolt,2,7\nNut,3,8\n\nScrew,4,9\n\n"
        "Region,Manager,Phone\nNorth,Ann,12\nSouth,Bob,34\n\nPrices without tax.\n"
    )
    assert read("two.csv", data)[0].text == (
        "Columns: Item; Price; Stock\n"
        "Row 2: Item: Bolt; Price: 2; Stock: 7\n"
        "Row 3: Item: Nut; Price: 3; Stock: 8\n"
        "Row 5: Item: Screw; Price: 4; Stock: 9\n"
        "Columns: Region; Manager; Phone\n"
        "Row 8: Region: North; Manager: Ann; Phone: 12\n"
        "Row 9: Region: South; Manager: Bob; Phone: 34\n"
        "Row 11: Prices without tax."
    )


def test_headers_that_a_report_repeats_are_given_once(read):
    data = "Name,Age\nAnn,12\nName,Age\nBob,13\n"
    assert read("report.csv", data)[0].text == (
        "Columns: Name; Age\nRow 2: Name: Ann; Age: 12\nRow 4: Name: Bob; Age: 13"
    )


def test_a_cell_far_below_is_no_trap(read):
    book = openpyxl.Workbook()
    book.active["A1"] = "Here"
    book.active["A1048576"] = "Far below"
    assert read("far.xlsx", saved(book))[0].text == "Sheet: Sheet\n\nRow 1: Here"


def test_an_empty_workbook_is_empty(refusal):
    assert refusal("none.xlsx", saved(openpyxl.Workbook())) == "empty"


def test_damage_is_refused(refusal, book):
    data = saved(book)
    assert refusal("cut.xlsx", data[: len(data) // 2]) == "truncated"
    assert refusal("old.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600)) == "unreadable"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a\tb, c\n1\t2\n", "\t"),
        ("a|b|c\n1|2|3\n", "|"),
        ("only one column\nof words\n", ","),
        ("1,5;2,5\n3,5;4,5\n", ";"),
        ("1,5,2\n3,5,4\n", ","),
    ],
)
def test_the_separator_is_what_divides_lines_evenly(text, expected):
    assert delimiter(text) == expected


def test_csv_quotes_and_encodings(read):
    data = 'Name;Town\n"Müller; Ann";Köln\n"He said ""no""";"two\nlines"\n'
    data += "Größe für Bäume;Übersicht über die Äpfel von früher, schön und süß\n"
    (document,) = read("list.csv", data.encode("cp1252"))
    assert document.title == "list"
    assert document.text == (
        "Columns: Name; Town\n"
        "Row 2: Name: Müller; Ann; Town: Köln\n"
        'Row 3: Name: He said "no"; Town: two lines\n'
        "Row 4: Name: Größe für Bäume; Town: Übersicht über die Äpfel von früher, schön und süß"
    )


def test_a_quotation_mark_that_never_closes_is_a_bad_record(refusal):
    assert refusal("open.csv", 'a,b\n"' + "x" * 1_000_001) == "bad-record"


def test_a_mark_that_is_not_closed_does_not_hide_the_rows_below(read):
    data = 'Name,Note\n"Ann","two\nlines"\nBob,"5 inch\nCem,third\n'
    assert read("open.csv", data)[0].text == (
        "Columns: Name; Note\nRow 2: Name: Ann; Note: two lines\n"
        "Row 3: Name: Bob; Note: 5 inch\nRow 4: Name: Cem; Note: third"
    )


def test_a_line_that_names_the_separator_is_no_row(read):
    assert read("excel.csv", "sep=;\nName;Price\nBolt;1,5\n")[0].text == (
        "Columns: Name; Price\nRow 2: Name: Bolt; Price: 1,5"
    )


def test_a_value_that_comes_again_below_is_no_header():
    rows = [(1, ["Oslo", "Norway"]), (2, ["Bergen", "Norway"]), (3, ["Rome", "Italy"])]
    assert find_header(rows) is None


def test_figures_are_no_header():
    assert find_header([(1, ["2020", "2021"]), (2, ["5", "6"])]) is None
    assert find_header([(1, ["Year", "Sales"]), (2, ["2020", "6"])]) == 0
    assert find_header([(1, ["Year", "Sales"])]) is None, "one row alone names nothing"
    assert find_header([(1, ["Same", "Same"]), (2, ["a", "b"])]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (1e300, "1e+300"),
        (datetime(2024, 2, 29), "2024-02-29"),
        ("two\n lines ", "two lines"),
    ],
)
def test_cells_are_written_as_a_person_would(value, text):
    assert cell_text(value) == text
