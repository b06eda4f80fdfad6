"""The list of conversations as markup, and turns that are shown again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from web_fakes import TALKS, MemoryCatalog, abstained, answered

from rag.answer_json import answer_to_dict
from rag.errors import StoreError
from rag.history.export import WITHHELD, read_by
from rag.history.records import Conversation, KeptTurn, Listed, Listing
from rag.types import Question
from rag.web.chat.conversation import render_turns
from rag.web.chat.past import render_head, render_past
from rag.web.history.feedback import Feedback, Rating
from rag.web.history.keeping import readable_in, shown_again
from rag.web.history.turns import Status, question_after

TODAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def listing(count: int, total: int = 0) -> Listing:
    """Conversations "c0", "c1", ... of today, yesterday, ..."""
    found = tuple(
        Listed(f"c{n}", f"<b>{n}</b>", TODAY, TODAY - timedelta(days=n), 1) for n in range(count)
    )
    return Listing(found, total or count)


def shown(found: Listing, current: str = "", search: str = "") -> str:
    return render_past(found, current, search, lambda: TODAY)


def test_each_says_when_it_was():
    days = re.findall(r'class="detail">([^<]+)', shown(listing(3)))
    assert days == ["Today", "Yesterday", "27 Feb"]
    old = Listing((Listed("c", "t", TODAY, datetime(2025, 12, 31, tzinfo=UTC), 1),), 1)
    assert "31 Dec 2025" in shown(old)


def test_titles_are_escaped_wherever_they_stand():
    markup = shown(listing(2))
    assert "<b>" not in markup
    assert markup.count("&lt;b&gt;0&lt;/b&gt;") == 3  # the row, its button, the box to rename


def test_the_first_five_and_the_open_one_show_at_once():
    markup = shown(listing(8), current="c6")
    later = re.findall(r'past-item later"><div class="past-row">.*?data-id="(c\d)"', markup)
    assert later == ["c5", "c7"]
    assert ">Show 2 more<" in markup
    assert re.findall(r'data-id="(c\d)" aria-current="true"', markup) == ["c6"]
    assert "Show" not in shown(listing(5))


def test_what_is_not_listed_is_counted():
    assert "and 1,300 more: search for them" in shown(listing(200, total=1500))


def test_nothing_kept_shows_nothing_and_nothing_found_says_so():
    assert shown(listing(0)) == render_head(listing(0)) == ""
    assert "None holds these words." in shown(listing(0), search="moon")


def test_a_box_to_search_comes_with_the_fourth():
    assert "past-search" not in render_head(listing(3))
    assert "past-search" in render_head(listing(4))


def kept(*answers, rating: str = "") -> Conversation:
    turns = tuple(
        KeptTurn(f"t{n}", answer["question"], answer, TODAY, rating, "Why")
        for n, answer in enumerate(answers)
    )
    return Conversation(Listed("c", "t", TODAY, TODAY, len(turns)), turns)


def test_turns_are_shown_again_as_they_were():
    first = answered(Question("What did China ask?"))
    second = abstained(question_after((), "How far is the moon?"))
    turns = shown_again(kept(answer_to_dict(first), answer_to_dict(second), rating="down"))
    assert [turn.turn_id for turn in turns] == ["t0", "t1"]
    assert turns[0].answer.citations[0].quote == first.citations[0].quote
    assert turns[0].feedback == Feedback(Rating.DOWN, "Why")
    assert turns[1].answer.question.history[0].answer == first.text
    assert "documents/talks" in "".join(render_turns(turns))


def test_a_withheld_answer_is_told_and_not_gone_on_with():
    conversation = kept(answer_to_dict(answered(Question("What did China ask?"))))
    gone = read_by(conversation, readable_in(MemoryCatalog(())))
    (turn,) = shown_again(gone)
    assert (turn.status, turn.answer) == (Status.FAILED, None)
    markup = "".join(render_turns([turn]))
    assert WITHHELD in markup
    assert TALKS.title not in markup
    assert question_after((turn,), "And why?").history == ()
    assert read_by(conversation, readable_in(MemoryCatalog())) == conversation


def test_what_cannot_be_understood_is_an_error_for_people(caplog):
    with pytest.raises(StoreError, match="cannot be shown any more"):
        shown_again(kept({"question": "What?", "text": "of a version unknown"}))
