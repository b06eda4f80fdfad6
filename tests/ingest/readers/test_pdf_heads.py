"""Words over the columns of a table in a PDF name its figures, where that is sure."""

from __future__ import annotations

import io

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

VOTES = [
    ["Name", "Votes For", "Votes Against", "Abstentions"],
    ["Ann Carter", "59,657", "294", "10,714"],
    ["Bo Lind", "54,484", "16,105", "77"],
]


def draw(*tables, pitch=12.0, gap=60.0, right=(250, 350, 450, 550)):
    """Draw tables below each other: words of the first column at the left, figures flush right."""
    buffer = io.BytesIO()
    pdf = canvas.Canvas(buffer, pagesize=A4, invariant=1)
    height = 780.0
    for table in tables:
        for row in table:
            pdf.setFont("Helvetica", 10)
            pdf.drawString(50, height, row[0])
            for end, cell in zip(right, row[1:], strict=False):
                pdf.drawRightString(end, height, cell)
            height -= pitch
        height -= gap
    pdf.save()
    return buffer.getvalue()


@pytest.fixture
def rows(read):
    def rows(*tables, **options):
        (document,) = read("table.pdf", draw(*tables, **options))
        return [line for line in document.text.splitlines() if line]

    return rows


def test_each_figure_gets_the_name_above_it(rows):
    assert rows(VOTES) == [
        "Name Votes For Votes Against Abstentions",
        "Ann Carter | Votes For: 59,657 | Votes Against: 294 | Abstentions: 10,714",
        "Bo Lind | Votes For: 54,484 | Votes Against: 16,105 | Abstentions: 77",
    ]


def test_a_row_with_empty_cells_keeps_its_names(rows):
    found = rows([*VOTES, ["Cy Dean", "", "12", ""]])
    assert found[-1] == "Cy Dean | Votes Against: 12"


def test_names_of_two_lines_and_groups_of_columns(rows):
    table = [
        ["", "", "2022", "", "2021"],
        ["", "Number of", "Fair", "Number of", "Fair"],
        ["", "shares", "value", "shares", "value"],
        ["Granted", "1,200", "$20.5", "900", "$19.0"],
        ["Vested", "800", "20.9", "700", "18.5"],
    ]
    assert rows(table)[-2:] == [
        "Granted | 2022 Number of shares: 1,200 | 2022 Fair value: $20.5"
        " | 2021 Number of shares: 900 | 2021 Fair value: $19.0",
        "Vested | 2022 Number of shares: 800 | 2022 Fair value: 20.9"
        " | 2021 Number of shares: 700 | 2021 Fair value: 18.5",
    ]


def test_the_names_of_one_table_are_not_those_of_the_next(rows):
    other = [["Interest", "316", "30", "493"], ["Royalties", "273", "217", "477"]]
    assert rows(VOTES, other)[-2:] == ["Interest 316 30 493", "Royalties 273 217 477"]


@pytest.mark.parametrize(
    "head",
    [
        ["Name", "Votes For and Votes Against", "", "Abstentions"],  # one column has no name
        ["Name", "For", "Against and Abstentions of all kinds", ""],  # one stands over two
    ],
)
def test_where_names_are_not_sure_rows_stay_as_they_are(rows, head):
    assert rows([head, *VOTES[1:]])[-2:] == [
        "Ann Carter 59,657 294 10,714",
        "Bo Lind 54,484 16,105 77",
    ]


@pytest.mark.parametrize(
    "head",
    [
        ["Name", "Votes", "Votes", "Abstentions"],  # two have the same
        ["Name", "Votes For", "1,000", "Abstentions"],  # a figure is no name
    ],
)
def test_a_line_of_cells_that_cannot_name_them_is_a_row_of_the_table(rows, head):
    assert rows([head, *VOTES[1:]]) == [" | ".join(row) for row in [head, *VOTES[1:]]]


def test_one_row_alone_may_be_a_sentence(rows):
    assert rows(VOTES[:2])[-1].endswith("Ann Carter 59,657 294 10,714")
