"""Several questions in one."""

from __future__ import annotations

import pytest

from rag.answering.question.parts import Part, parts_of


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        (
            "When was the dam built and who was the architect?",
            ("When was the dam built?", "who was the architect? dam built"),
        ),
        (
            "What does the HX-200 weigh, and how loud is it?",
            ("What does the HX-200 weigh?", "how loud is it? HX-200 weigh"),
        ),
        (
            "Is the trial free? How do I cancel my subscription?",
            ("Is the trial free?", "How do I cancel my subscription?"),
        ),
    ],
)
def test_each_part_has_what_it_needs(query: str, parts: tuple[str, ...]) -> None:
    assert tuple(part.query for part in parts_of(query)) == parts
    assert all(part.query.startswith(part.said) for part in parts_of(query))


@pytest.mark.parametrize(
    "query",
    [
        "Who led the talks?",
        "When and where was the dam built?",  # the first part says nothing
        "What did he say about those who lead and what they want?",  # no question of its own
        "Where were the talks of April 2011, and where those of May 2011?",
        "the pump and how loud is it",  # does not begin as a question
        "Who is it and what is it and when was that and where is this?",
        "",
    ],
)
def test_one_question_stays_one(query: str) -> None:
    assert parts_of(query) == (Part(query, query),)
