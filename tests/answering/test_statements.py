"""What of a passage can be quoted by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.text.statements import answer_after, statement_spans


def said(text: str) -> list[str]:
    return [text[start:end] for start, end in statement_spans(text)]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        (
            "It is built by polyps.[1] It covers 0.1%.[2][3] “It is big.”[4] It grows.",
            ["It is built by polyps.", "It covers 0.1%.", "“It is big.”", "It grows."],
        ),
        (
            "It lifts water by 32 m. The sister model weighs 23 kg.",
            ["It lifts water by 32 m.", "The sister model weighs 23 kg."],
        ),
        ("No. You need one.", ["No. You need one."]),
        ("A: Not yet. One is planned.", ["A: Not yet. One is planned."]),
        ("It is planned. No. It is not.", ["It is planned.", "No. It is not."]),
        ("Is it?\n\nYes.\n\nIt is late.", ["Is it?", "Yes.", "It is late."]),
        ("- Check the seal.\n- Clean it.", ["Check the seal.", "Clean it."]),
        (">> the launch is late.\n> - yes, it is.", ["the launch is late.", "yes, it is."]),
        ("It fell to -5 °C. It was -5.", ["It fell to -5 °C.", "It was -5."]),
        (
            "Row 4: Item: Copper pipe of fifteen millimetres; Quantity: 340; Warehouse: York\n"
            "Row 5: Item: Safety gloves; Quantity: 96; Warehouse: Leeds",
            [
                "Row 4: Item: Copper pipe of fifteen millimetres; Quantity: 340; Warehouse: York",
                "Row 5: Item: Safety gloves; Quantity: 96; Warehouse: Leeds",
            ],
        ),
        ("[1] Hatcher, B. wrote this.", ["[1] Hatcher, B. wrote this."]),
        ("", []),
    ],
)
def test_statements(text: str, statements: list[str]) -> None:
    assert said(text) == statements


def test_one_label_in_wrapped_prose_cuts_nothing() -> None:
    text = "The board met in the old town hall, and what it had to decide was one\nReason: money."
    assert said(text) == [text]


@given(st.text(alphabet="AaB .?!\n-*>[1]:|\"'", max_size=80))
def test_statements_are_in_order_and_hold_text(text: str) -> None:
    end = 0
    for start, last in statement_spans(text):
        assert end <= start < last
        assert text[start:last].strip() == text[start:last]
        end = last


def after(text: str, question: str) -> str | None:
    spans = statement_spans(text)
    held = next(span for span in spans if text[slice(*span)] == question)
    found = answer_after(text, spans, held)
    return None if found is None else text[slice(*found)]


def test_a_question_with_a_line_for_itself_is_answered_on_the_next() -> None:
    text = "Is there an app?\n\nNot yet. One is planned.\n\n**Q: Why?**\n\nA: For a reason."
    assert after(text, "Is there an app?") == "Not yet. One is planned."
    assert after(text, "**Q: Why?**") == "A: For a reason."


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Why is that? Nobody knows.", "Why is that?"),  # on the same line
        ("He asked. Why is that?\n\nNobody knows.", "Why is that?"),  # inside a paragraph
        ("Who?\n\nWhy?\n\nNobody knows.", "Who?"),  # a list of questions
        ("It is late.\n\nIt is.", "It is late."),
        ("Why is that?", "Why is that?"),  # the passage ends
    ],
)
def test_anything_else_answers_itself(text: str, question: str) -> None:
    assert after(text, question) is None
