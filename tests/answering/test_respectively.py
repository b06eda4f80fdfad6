"""Which of several values a question's year has."""

from __future__ import annotations

import pytest

from rag.answering.text.respectively import of_the_year

RATE = "The rate was 21.6 percent and 24.6 percent for 2022 and 2021, respectively."
SALES = (
    "Sales were $4.0 billion, $3.4 billion and $2,900 million for the years ended June 30, "
    "2022, 2021 and 2020, respectively."
)


@pytest.mark.parametrize(
    ("query", "text", "marked", "right"),
    [
        ("What was the rate in 2022?", RATE, "24.6 percent", "21.6 percent"),
        ("What was the rate in 2021?", RATE, "21.6 percent and 24.6 percent", "24.6 percent"),
        ("What were sales in 2020?", SALES, "$4.0 billion", "$2,900 million"),
        ("What were sales in 2021?", SALES, "3.4", "$3.4 billion"),
        # No year, both years, a year that is not told, and words that are no value: nobody can say.
        ("What was the rate?", RATE, "24.6 percent", "24.6 percent"),
        ("What was the rate in 2021 and 2022?", RATE, "24.6 percent", "24.6 percent"),
        ("What was the rate in 2019?", RATE, "24.6 percent", "24.6 percent"),
        ("What was it in 2022?", RATE, "The rate", "The rate"),
        ("What was it in 2022?", "It was 3 and 4 in 2022, 2021 and 2020, respectively.", "4", "4"),
        ("What was it in 2022?", "It was 3 and 4 for 2021 and 2022.", "3", "3"),
    ],
)
def test_a_value_belongs_to_its_year(query, text, marked, right):
    at = text.index(marked)
    start, end = of_the_year(query, text, (at, at + len(marked)), (0, len(text)))
    assert text[start:end] == right
