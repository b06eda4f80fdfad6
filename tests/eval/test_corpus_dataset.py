"""The project's own questions hold against the documents that they ask about."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATASET = ROOT / "eval" / "datasets" / "corpus.jsonl"
FIELDS = {"id", "question", "history", "answerable", "answers", "relevant", "tags"}
LEAST_BY_KIND = {
    "fact": 40,
    "multi": 12,
    "paraphrase": 16,
    "keywords": 12,
    "typo": 12,
    "follow-up": 15,
    "contrast": 8,
    "false-premise": 12,
    "near-miss": 36,
}
KINDS = {*LEAST_BY_KIND, "off-topic"}

Case = dict[str, Any]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    lines = DATASET.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def bodies() -> dict[str, str]:
    """The documents by source, without their front matter."""
    return {
        f"corpus/{path.name}": path.read_text(encoding="utf-8").split("---\n", 2)[2]
        for path in (ROOT / "corpus").glob("*.md")
    }


def kind_of(case: Case) -> str:
    return str(case["id"]).rpartition("-")[0]


def test_every_case_has_exactly_the_documented_fields(cases: list[Case]) -> None:
    assert [case["id"] for case in cases if set(case) != FIELDS] == []


def test_it_is_large_enough_and_the_ids_and_questions_are_unique(cases: list[Case]) -> None:
    assert len(cases) >= 120
    assert sum(not case["answerable"] for case in cases) >= 30
    assert max(Counter(case["id"] for case in cases).values()) == 1
    asked = Counter((case["question"], json.dumps(case["history"])) for case in cases)
    assert max(asked.values()) == 1


def test_every_kind_is_present_and_is_the_first_tag(cases: list[Case]) -> None:
    counts = Counter(kind_of(case) for case in cases)
    too_few = {kind: counts[kind] for kind, least in LEAST_BY_KIND.items() if counts[kind] < least}
    assert too_few == {}
    assert set(counts) <= KINDS
    assert [case["id"] for case in cases if case["tags"][0] != kind_of(case)] == []


def test_a_third_of_every_kind_is_held_out(cases: list[Case]) -> None:
    assert [c["id"] for c in cases if len({"dev", "held"} & set(c["tags"])) != 1] == []
    sizes = Counter(kind_of(case) for case in cases)
    held = Counter(kind_of(case) for case in cases if "held" in case["tags"])
    assert held == Counter({kind: size // 3 for kind, size in sizes.items()})


def test_answerable_cases_have_answers_and_quotes_and_the_others_have_neither(
    cases: list[Case],
) -> None:
    wrong = [
        case["id"]
        for case in cases
        if (bool(case["answers"]), bool(case["relevant"])) != (case["answerable"],) * 2
    ]
    assert wrong == []


def test_every_quote_stands_in_the_body_of_its_document(
    cases: list[Case], bodies: dict[str, str]
) -> None:
    missing = [
        (case["id"], relevant["quote"])
        for case in cases
        for relevant in case["relevant"]
        if not relevant["quote"].strip() or relevant["quote"] not in bodies[relevant["source"]]
    ]
    assert missing == []
    grades = {relevant["grade"] for case in cases for relevant in case["relevant"]}
    assert grades == {1, 2}


def test_every_document_is_asked_about(cases: list[Case], bodies: dict[str, str]) -> None:
    asked = Counter(
        source for case in cases for source in {item["source"] for item in case["relevant"]}
    )
    assert set(asked) == set(bodies)
    assert min(asked.values()) >= 20


def test_a_fully_relevant_quote_contains_a_reference_answer(cases: list[Case]) -> None:
    unsupported = [
        case["id"]
        for case in cases
        if case["answerable"]
        and not any(
            answer.lower() in relevant["quote"].lower()
            for answer in case["answers"]
            for relevant in case["relevant"]
            if relevant["grade"] == 2
        )
    ]
    assert unsupported == []


def test_history_is_pairs_of_text_and_only_follow_ups_have_one(cases: list[Case]) -> None:
    assert [c["id"] for c in cases if bool(c["history"]) != ("follow-up" in c["tags"])] == []
    malformed = [
        case["id"]
        for case in cases
        for pair in case["history"]
        if len(pair) != 2 or not all(isinstance(text, str) and text.strip() for text in pair)
    ]
    assert malformed == []


def test_several_passages_support_multi_and_contrast_questions(cases: list[Case]) -> None:
    several = [case for case in cases if kind_of(case) == "multi"]
    assert [case["id"] for case in several if len(case["relevant"]) < 2] == []
    across = [
        case["id"]
        for case in cases
        if kind_of(case) in {"multi", "contrast"}
        and len({relevant["source"] for relevant in case["relevant"]}) > 1
    ]
    assert len(across) >= 12


def test_the_flagship_question_is_answered_by_the_request_itself(cases: list[Case]) -> None:
    (flagship,) = [c for c in cases if c["question"] == "What did China ask the US to avoid?"]
    assert "not devote too much energy to individual cases" in flagship["relevant"][0]["quote"]
