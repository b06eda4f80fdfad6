"""Feedback of the chat page becomes draft cases."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from eval.cli import eval_app
from eval.feedback import draft_cases, stored_feedback
from eval.loaders import load_dataset
from rag.errors import InputError
from rag.settings import Settings

ANSWER = {
    "abstained": False,
    "answer_span": "1990",
    "citations": [{"source": "corpus/talks.md", "quote": "The talks began in 1990."}],
}
UP = {"time": "2026-11-21", "question": "When?", "answer": ANSWER, "rating": "up"}


def stored(tmp_path, *rows):
    """Store feedback as earlier versions did; it is taken over."""
    path = tmp_path / "feedback.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Settings(data_dir=tmp_path)


def test_a_thumb_up_becomes_a_case_that_loads(tmp_path):
    stored(tmp_path, UP | {"history": [["Who?", "Ann."]]})
    drafts = tmp_path / "drafts.jsonl"
    command = ["from-feedback", "--data-dir", str(tmp_path), "--out", str(drafts)]
    assert "1 drafts added" in CliRunner().invoke(eval_app, command).stdout
    assert "0 drafts added" in CliRunner().invoke(eval_app, command).stdout
    case = load_dataset(drafts).cases[0]
    assert (case.question, case.answers, case.tags) == ("When?", ("1990",), ("feedback", "up"))
    assert case.history[0].answer == "Ann."
    assert case.relevant[0].quote == "The talks began in 1990."
    assert (tmp_path / "feedback.jsonl").exists()


def test_a_thumb_down_waits_for_a_person(tmp_path):
    down = UP | {"rating": "down", "comment": "It was 1991."}
    [draft] = draft_cases(stored_feedback(stored(tmp_path, down)))
    assert (draft["answers"], draft["relevant"]) == ([], [])
    assert "The person wrote: It was 1991." in draft["comment"]
    path = tmp_path / "drafts.jsonl"
    path.write_text(json.dumps(draft))
    with pytest.raises(InputError, match="needs answers, or relevant"):
        load_dataset(path)


def test_a_silence_that_was_liked_is_an_unanswerable_question(tmp_path):
    silent = UP | {"answer": {"abstained": True, "citations": [], "answer_span": None}}
    [draft] = draft_cases(stored_feedback(stored(tmp_path, silent)))
    assert draft["answerable"] is False


def test_the_latest_word_counts(tmp_path):
    drafts = draft_cases(stored_feedback(stored(tmp_path, UP, UP | {"rating": "down"})))
    assert [draft["tags"] for draft in drafts] == [["feedback", "down"]]


def test_damaged_lines_are_left_out_and_no_feedback_is_said(tmp_path):
    with pytest.raises(InputError, match="no feedback is stored"):
        stored_feedback(Settings(data_dir=tmp_path))
    (tmp_path / "other").mkdir()
    settings = stored(tmp_path / "other", UP, UP | {"rating": "five stars"})
    assert [found.rating for found in stored_feedback(settings)] == ["up"]
