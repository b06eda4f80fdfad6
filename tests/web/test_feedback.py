"""Feedback: kept in the history, and shown below an answer."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from web_fakes import answered

from eval.feedback import draft_cases, stored_feedback
from rag.answer_json import answer_to_dict
from rag.errors import InputError, StoreError
from rag.history.opening import open_history
from rag.history.writer import Writer
from rag.settings import Settings
from rag.types import Question, Turn
from rag.web.chat.thumbs import render_thumbs
from rag.web.history.feedback import Feedback, FeedbackStore, Rating

ANSWER = answered(Question("Who said so?", (Turn("What did China ask?", "Less energy. [1]"),)))


@pytest.fixture
def settings(tmp_path):
    """A data folder that is not there yet."""
    return Settings(data_dir=tmp_path / "new" / "store")


@pytest.fixture
def store(settings):
    writer = Writer()
    yield FeedbackStore(open_history(settings), writer)
    writer.close()


def test_evaluation_reads_what_the_page_wrote(store, settings):
    store.append(ANSWER, Feedback(Rating.UP, "Just what I needed."), person="ann")
    (found,) = stored_feedback(settings)
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
    assert [said.person for said in open_history(settings).feedback()] == ["ann"]


def test_a_changed_mind_is_kept_too_and_the_last_word_counts(store, settings):
    for feedback in (Feedback(Rating.UP), Feedback(Rating.DOWN), Feedback(Rating.DOWN, "No date.")):
        store.append(ANSWER, feedback)
    assert [found.rating for found in stored_feedback(settings)] == ["up", "down", "down"]
    (draft,) = draft_cases(stored_feedback(settings))
    assert draft["tags"] == ["feedback", "down"]
    assert "The person wrote: No date." in draft["comment"]


@pytest.mark.parametrize(
    "text", ["a\nb\r\nc", "a\u2028b\u2029c\x85d\x0be", "é 中 \U0001f600", '"\\']
)
def test_any_text_comes_back(store, settings, text):
    store.append(replace(ANSWER, question=Question(text)), Feedback(Rating.DOWN, text))
    (found,) = stored_feedback(settings)
    assert (found.question, found.comment) == (text, text)


def test_a_comment_of_2001_characters_is_refused_and_nothing_is_written(store, settings):
    with pytest.raises(InputError, match="2,001 characters"):
        store.append(ANSWER, Feedback(Rating.UP, "x" * 2001))
    with pytest.raises(InputError, match="no feedback"):
        stored_feedback(settings)
    store.append(ANSWER, Feedback(Rating.UP, "x" * 2000))
    assert len(stored_feedback(settings)[0].comment) == 2000


def test_what_several_say_at_once_is_all_kept(store, settings):
    def write(number):
        for _ in range(5):
            store.append(ANSWER, Feedback(Rating.UP, f"{number}"))

    writers = [threading.Thread(target=write, args=[number]) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    comments = [found.comment for found in stored_feedback(settings)]
    assert sorted(comments) == sorted(f"{number}" for number in range(6) for _ in range(5))


def test_a_folder_that_cannot_be_is_an_error_whose_reason_is_in_the_log(settings, store, caplog):
    settings.data_dir.parent.mkdir()
    settings.data_dir.write_text("a file")
    with pytest.raises(StoreError) as caught:
        store.append(ANSWER, Feedback(Rating.UP))
    assert caught.value.message == "Your feedback could not be stored."
    assert str(settings.data_dir) in caplog.text


def test_before_a_click_there_are_two_thumbs_and_no_box():
    thumbs, below = render_thumbs(None, 3, is_locked=False)
    assert thumbs.count('aria-pressed="false"') == 2
    assert thumbs.count('data-turn="3"') == 2
    assert "disabled" not in thumbs
    assert below == ""


def test_after_a_click_one_thumb_is_pressed_and_a_comment_may_follow():
    thumbs, below = render_thumbs(Feedback(Rating.DOWN), 1, is_locked=False)
    assert 'data-rating="down" aria-pressed="true"' in thumbs
    assert 'data-rating="up" aria-pressed="false"' in thumbs
    assert 'maxlength="2000"' in below


def test_a_comment_is_thanked_for_and_not_repeated():
    _, below = render_thumbs(Feedback(Rating.UP, "<b>x</b>"), 1, is_locked=False)
    assert "Thank you" in below
    assert "<b>" not in below
    assert "<input" not in below


def test_while_an_answer_is_written_the_thumbs_are_locked():
    thumbs, below = render_thumbs(Feedback(Rating.UP), 1, is_locked=True)
    assert thumbs.count(" disabled>") == 2
    assert below.count(" disabled>") == 1
