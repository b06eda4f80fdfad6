from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from web_fakes import answered

from eval.feedback import draft_cases, feedback_path, read_feedback
from rag.answer_json import answer_to_dict
from rag.errors import InputError, StoreError
from rag.settings import Settings
from rag.types import Question, Turn
from rag.web.feedback import Feedback, FeedbackFile, Rating, render_feedback

FULL = Path("/dev/full")
ANSWER = answered(Question("Who said so?", (Turn("What did China ask?", "Less energy. [1]"),)))


@pytest.fixture
def path(tmp_path):
    """Where evaluation looks for feedback, in a data folder that is not there yet."""
    return feedback_path(Settings(data_dir=tmp_path / "store"))


def test_evaluation_reads_what_the_page_wrote(path):
    FeedbackFile(path).append(ANSWER, Feedback(Rating.UP, "Just what I needed."))
    (found,) = read_feedback(path)
    assert (found.question, found.rating) == ("Who said so?", "up")
    assert found.history == (("What did China ask?", "Less energy. [1]"),)
    assert found.answer == json.loads(json.dumps(answer_to_dict(ANSWER)))
    assert found.comment == "Just what I needed."
    written = datetime.fromisoformat(found.time)
    assert written.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - written) < timedelta(seconds=60)
    (draft,) = draft_cases([found])
    assert draft["answers"] == ["individual cases"]
    assert [item["source"] for item in draft["relevant"]] == ["corpus/talks.md"] * 2


def test_a_changed_mind_is_a_further_line_and_the_last_one_counts(path):
    file = FeedbackFile(path)
    for feedback in (Feedback(Rating.UP), Feedback(Rating.DOWN), Feedback(Rating.DOWN, "No date.")):
        file.append(ANSWER, feedback)
    assert [found.rating for found in read_feedback(path)] == ["up", "down", "down"]
    (draft,) = draft_cases(read_feedback(path))
    assert draft["tags"] == ["feedback", "down"]
    assert "The person wrote: No date." in draft["comment"]


@pytest.mark.parametrize(
    "text", ["a\nb\r\nc", "a\u2028b\u2029c\x85d\x0be", "é 中 \U0001f600", '"\\']
)
def test_any_text_stays_on_its_line(path, text):
    answer = replace(ANSWER, question=Question(text))
    FeedbackFile(path).append(answer, Feedback(Rating.DOWN, text))
    (found,) = read_feedback(path)
    assert (found.question, found.comment) == (text, text)


def test_a_comment_of_2001_characters_is_refused_and_nothing_is_written(path):
    file = FeedbackFile(path)
    with pytest.raises(InputError, match="2,001 characters"):
        file.append(ANSWER, Feedback(Rating.UP, "x" * 2001))
    assert not path.exists()
    file.append(ANSWER, Feedback(Rating.UP, "x" * 2000))
    assert len(read_feedback(path)[0].comment) == 2000


def test_lines_written_at_once_stay_whole(path):
    file = FeedbackFile(path)

    def write(number):
        for _ in range(20):
            file.append(ANSWER, Feedback(Rating.UP, f"{number}"))

    writers = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    comments = [found.comment for found in read_feedback(path)]
    assert sorted(comments) == sorted(f"{number}" for number in range(8) for _ in range(20))


def test_a_folder_that_cannot_be_is_an_error_with_its_reason(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "store" / "feedback.jsonl"
    with pytest.raises(StoreError, match="could not be stored: not a directory"):
        FeedbackFile(path).append(ANSWER, Feedback(Rating.UP))
    assert str(tmp_path) in caplog.text


def test_a_full_disk_is_an_error_with_its_reason():
    with pytest.raises(StoreError, match="no space left on device"):
        FeedbackFile(FULL).append(ANSWER, Feedback(Rating.UP))


def test_before_a_click_there_are_two_thumbs_and_no_box():
    thumbs, below = render_feedback(None, 3, is_locked=False)
    assert thumbs.count('aria-pressed="false"') == 2
    assert thumbs.count('data-turn="3"') == 2
    assert "disabled" not in thumbs
    assert below == ""


def test_after_a_click_one_thumb_is_pressed_and_a_comment_may_follow():
    thumbs, below = render_feedback(Feedback(Rating.DOWN), 1, is_locked=False)
    assert 'data-rating="down" aria-pressed="true"' in thumbs
    assert 'data-rating="up" aria-pressed="false"' in thumbs
    assert 'maxlength="2000"' in below


def test_a_comment_is_thanked_for_and_not_repeated():
    _, below = render_feedback(Feedback(Rating.UP, "<b>x</b>"), 1, is_locked=False)
    assert "Thank you" in below
    assert "<b>" not in below
    assert "<input" not in below


def test_while_an_answer_is_written_the_thumbs_are_locked():
    thumbs, below = render_feedback(Feedback(Rating.UP), 1, is_locked=True)
    assert thumbs.count(" disabled>") == 2
    assert below.count(" disabled>") == 1
