"""Sentences about something like what the question names."""

from __future__ import annotations

import pytest

from rag.answering.reading.rivals import speaks_of_another


@pytest.mark.parametrize(
    ("query", "text", "another"),
    [
        ("How much does the HX-250 weigh?", "The HX-200 weighs 18 kg.", True),
        ("How much does the HX-250 weigh?", "The hx-250 weighs more than the HX-200.", False),
        ("How much does the HX-250 weigh?", "The M10 weighs 18 kg.", False),  # nothing alike
        ("How much does the HX-250 weigh?", "It weighs 18 kg.", False),
        ("What was paid in 2022?", "Policy 2024\nIt pays $60.", True),
        ("What was paid in 2022?", "Policy 2024, instead of 2022\nIt pays $60.", False),
        ("What was paid in 2022?", "It pays $60.", False),
        ("What was paid?", "It pays $60 in 2024.", False),
        ("Where does Joan Smith work?", "John Smith works in Leeds.", True),
        ("Where does Joan Smith work?", "Joan Smith works in York, John Smith in Leeds.", False),
        ("When did she join? John Smith Joan", "Joan Smith came in 2014.", False),
        ("Is the HX-250 or the HX-200 heavier?", "The HX-200 weighs 18 kg.", False),
        ("Where does Joan Smith work?", "Smith works in Leeds.", False),
        ("Where does Joan Smith work?", "Anna Berg works in Oslo.", False),
    ],
)
def test_speaks_of_another(query: str, text: str, another: bool) -> None:
    assert speaks_of_another(query, text) is another
