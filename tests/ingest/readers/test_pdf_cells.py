"""Rows of words in a PDF are parted into cells where that is sure."""

from __future__ import annotations

import io

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

OFFICERS = [
    ["Name", "Age", "Office", "Since"],
    ["Ann Carter", "57", "Chairwoman and Chief Executive", "2019"],
    ["Bo Lind", "51", "Chief Financial Officer", "2016"],
    ["Cy Dean", "44", "Chief Human Resources Officer", "2021"],
]


@pytest.fixture
def lines(read):
    """Draw rows whose cells begin at the given places, and return the lines that are read."""

    def lines(rows, places=(50, 200, 240, 500), pitch=12.0):
        buffer = io.BytesIO()
        pdf = canvas.Canvas(buffer, pagesize=A4, invariant=1)
        pdf.setFont("Helvetica", 10)
        for number, row in enumerate(rows):
            for place, cell in zip(places, row, strict=False):
                pdf.drawString(place, 780 - number * pitch, cell)
        pdf.save()
        (document,) = read("rows.pdf", buffer.getvalue())
        return [line for line in document.text.splitlines() if line]

    return lines


def test_rows_of_words_are_parted_and_named_by_the_line_above(lines):
    assert lines(OFFICERS) == [" | ".join(row) for row in OFFICERS]


def test_two_columns_without_names(lines):
    places = [["Carter Shipping Ltd", "Norway"], ["Lind and Sons AB", "Sweden"], ["Dean", "Spain"]]
    assert lines(places, (50, 300)) == [" | ".join(row) for row in places]


@pytest.mark.parametrize(
    "rows",
    [
        OFFICERS[1:3],  # two rows could be anything
        [["(a)", "The canteen opens at noon."], ["(b)", "It is closed."], ["(c)", "It is small."]],
        [["General", "Research"], ["and", "and"], ["administrative", "development"]],
        [  # two columns of prose
            ["the harbour is nine metres deep and", "pilots say that ferries may enter it"],
            ["on every day of the year because of", "storms that nobody had ever expected"],
            ["when the town had it dug out in 1912", "by men who came there from the north"],
        ],
    ],
)
def test_what_may_be_something_else_stays_as_it_is(lines, rows):
    assert not any("|" in line for line in lines(rows, (50, 300, 340, 500)))


def test_cells_that_stand_anywhere_are_no_columns(lines):
    rows = [["Ann", "Norway"], [" " * 20 + "Bo Lind", "Sweden"], ["Cy Dean of Spain", "A"]]
    found = lines([[*row[:1], " " * (9 * i) + row[1]] for i, row in enumerate(rows)], (50, 300))
    assert not any("|" in line for line in found)
