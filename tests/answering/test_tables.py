"""Rows of tables: which cell answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag.answering.text.features import content_stems
from rag.answering.text.tables import (
    answering_cell,
    names_columns,
    rows_around,
    tells_of_another_column,
)

BARRED = """The models:

Property | HX-200 | HX-250
Weight | 18,5 kg | 23,1 kg
Noise level | 62 dB | 66 dB

The end."""
OFFICERS = """Our officers:

Name | Age | Office
Ann Carter | 57 | Chairwoman and Chief Executive Officer
Bo Lind | 51 | Chief Financial Officer"""
NAMED = """Columns: Item; Quantity; Unit price
Row 2: Item: Copper pipe; Quantity: 340; Unit price: 4.75
Row 3: Item: Safety gloves; Quantity: 96; Unit price: 3.20"""

OWN_NAMES = """Years ended
Sales | 2022: $52 | 2021: $42
Tax rate | 2022: 21.6% | 2021: 24.6%"""


def share(query: str) -> Callable[[frozenset[str]], float]:
    wanted = content_stems(query)
    return lambda words: len(words & wanted) / len(wanted)


def found(text: str, words: str, query: str) -> tuple[str, str] | None:
    """Return the row and the cell."""
    at = text.index(words)
    answer = answering_cell(text, (at, at + len(words)), share(query))
    return answer and (text[slice(*answer[0].span)], text[slice(*answer[1])])


@pytest.mark.parametrize(
    ("words", "query", "row", "cell"),
    [
        # the column that the question names
        ("18,5 kg", "the weight of the HX-250", "Weight | 18,5 kg | 23,1 kg", "23,1 kg"),
        ("62 dB | 66 dB", "noise level of the HX-200", "Noise level | 62 dB | 66 dB", "62 dB"),
        # the row that it names, and the column of the span
        ("66 dB", "what weight", "Weight | 18,5 kg | 23,1 kg", "23,1 kg"),
        # neither is named better than the other: the span stays
        ("18,5", "which is heavier, HX-200 or HX-250", "Weight | 18,5 kg | 23,1 kg", "18,5"),
        # a span in the line of columns stands in no row
        ("HX-250", "noise level HX-250", "Noise level | 62 dB | 66 dB", "66 dB"),
    ],
)
def test_lines_of_cells(words: str, query: str, row: str, cell: str) -> None:
    assert found(BARRED, words, query) == (row, cell)


@pytest.mark.parametrize(
    ("words", "query", "row", "cell"),
    [
        ("24.6%", "tax rate in 2022", "Tax rate | 2022: 21.6% | 2021: 24.6%", "21.6%"),
        ("2022: $52", "sales in 2021", "Sales | 2022: $52 | 2021: $42", "$42"),
        ("21.6", "what sales in 2022", "Sales | 2022: $52 | 2021: $42", "$52"),
    ],
)
def test_lines_of_cells_that_have_their_names(words: str, query: str, row: str, cell: str) -> None:
    assert found(OWN_NAMES, words, query) == (row, cell)


def test_the_line_above_that_holds_their_names_is_no_answer() -> None:
    text = "Votes for Votes against\nAnn | Votes for: 5 | Votes against: 4\nWho votes for whom?"
    assert [names_columns(text, text.index(line)) for line in text.splitlines()] == [
        True,
        False,
        False,
    ]


def test_none_of_them_names_the_others() -> None:
    assert [row.header for row in rows_around(OWN_NAMES, OWN_NAMES.index("Tax"))] == [None, None]


@pytest.mark.parametrize(
    ("words", "query", "cell"),
    [
        ("Bo Lind", "who is chief executive officer", "Ann Carter"),
        ("Chief Financial Officer", "who is the chief financial officer", "Bo Lind"),
        ("51", "what office has Ann Carter", "Chairwoman and Chief Executive Officer"),
    ],
)
def test_what_the_question_says_is_not_what_it_asks_for(words: str, query: str, cell: str) -> None:
    answer = found(OFFICERS, words, query)
    assert answer is not None
    assert answer[1] == cell


@pytest.mark.parametrize(
    ("words", "query", "cell"),
    [
        ("340", "unit price of the copper pipe", "4.75"),
        ("340", "how many safety gloves are there", "96"),
        ("Row 3", "safety gloves", "Row 3: Item: Safety gloves; Quantity: 96; Unit price: 3.20"),
    ],
)
def test_named_cells(words: str, query: str, cell: str) -> None:
    answer = found(NAMED, words, query)
    assert answer is not None
    assert answer[1] == cell


@pytest.mark.parametrize("words", ["models", "The end"])
def test_prose_is_no_table(words: str) -> None:
    assert found(BARRED, words, "noise level") is None
    assert rows_around(BARRED, BARRED.index(words)) == []


def test_the_line_of_columns_is_told_apart() -> None:
    rows = rows_around(BARRED, BARRED.index("66 dB"))
    assert [BARRED[slice(*row.span)][:6] for row in rows] == ["Weight", "Noise "]
    assert rows[0].header == (BARRED.index("Property"), BARRED.index("\nWeight"))
    assert [cell.column for cell in rows[1].cells] == ["Property", "HX-200", "HX-250"]


@pytest.mark.parametrize(
    "text",
    [
        "Weight | 18,5 kg\nNoise | 62 dB",  # where a passage begins, a table may go on
        "See:\nTotal | 5\nWeight | 18,5 kg",  # figures name no column
        "See:\nHome | About | Help\nWeight | 18,5 kg",  # not as wide
        "See:\nWeight | 18,5 kg",
    ],
)
def test_without_a_line_of_columns_no_cell_has_a_name(text: str) -> None:
    rows = rows_around(text, text.index("Weight"))
    assert [row.header for row in rows] == [None] * len(rows)
    assert {cell.column for row in rows for cell in row.cells} == {""}


@pytest.mark.parametrize(
    ("claim", "wrong"),
    [
        ("Sales were $52 in 2022.", False),
        ("Sales were $42 in 2022.", True),
        ("Sales were $42.", False),
    ],
)
def test_a_number_of_another_year_is_noticed(claim: str, wrong: bool) -> None:
    start = OWN_NAMES.index("Sales")
    row = (start, OWN_NAMES.index("\n", start))
    assert tells_of_another_column(OWN_NAMES, row, claim) is wrong
