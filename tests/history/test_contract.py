"""What every history does, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from rag.errors import InputError, RagError
from rag.history.records import AuditLine, Counts, KeptTurn, Said

DAY = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
ODD = 'NUL \0, lone \ud800, astral \U0001f600, "quotes" % _ \\ and \u2028'
ODD_STORED = 'NUL \ufffd, lone ?, astral \U0001f600, "quotes" % _ \\ and \u2028'


def turn(name: str, question: str = "What did China ask?", text: str = "Less.", days: int = 0):
    return KeptTurn(name, question, {"text": text, "citations": []}, DAY + timedelta(days=days))


def said(rating: str = "up", days: int = 0, **more) -> Said:
    return Said(DAY + timedelta(days=days), "Who?", (("A", "B"),), {"text": "Ann."}, rating, **more)


def line(who: str = "user ann", days: int = 0, **details: str) -> AuditLine:
    time = DAY + timedelta(days=days)
    return AuditLine(time, "abc123", who, "10.0.0.7", "POST /api/v1/chat", 200, details)


def titles(listing) -> list[str]:
    return [listed.title for listed in listing.conversations]


def test_a_conversation_begins_with_its_first_turn_and_comes_back_whole(history, opened):
    first, second = turn("t1"), turn("t2", "And why?", days=1)
    history.keep_turn("ann", "c1", first)
    history.keep_turn("ann", "c1", second)
    for reader in (history, opened()):
        found = reader.conversation("ann", "c1")
        assert found.turns == (first, second)
        listed = found.listed
        assert (listed.title, listed.turns) == ("What did China ask?", 2)
        assert (listed.created, listed.updated) == (DAY, DAY + timedelta(days=1))
        assert reader.conversations("ann").conversations == (listed,)


def test_a_turn_kept_twice_is_one(history):
    for _ in range(2):
        history.keep_turn("ann", "c1", turn("t1"))
    assert len(history.conversation("ann", "c1").turns) == 1


def test_another_try_takes_the_place_of_its_turn(history):
    for name in ("t1", "t2", "t3"):
        history.keep_turn("ann", "c1", turn(name))
    history.keep_turn("ann", "c1", turn("t4"), replaces="t2")
    history.keep_turn("ann", "c1", turn("t5"), replaces="unknown")
    found = [kept.turn_id for kept in history.conversation("ann", "c1").turns]
    assert found == ["t1", "t4", "t3", "t5"]


def test_two_pages_that_go_on_with_one_conversation_lose_nothing(history, opened):
    history.keep_turn("ann", "c1", turn("t0"))
    problems = []

    def ask(page: int) -> None:
        mine = opened()
        try:
            for number in range(8):
                mine.keep_turn("ann", "c1", turn(f"{page}-{number}"))
        except RagError as error:
            problems.append(error)

    pages = [threading.Thread(target=ask, args=[page]) for page in (2, 3, 4)]
    for page in pages:
        page.start()
    for page in pages:
        page.join()
    assert problems == []
    found = [kept.turn_id for kept in history.conversation("ann", "c1").turns]
    assert len(found) == 25
    for page in (2, 3, 4):
        mine = [name for name in found if name.startswith(f"{page}-")]
        assert mine == [f"{page}-{number}" for number in range(8)]


def test_nobody_reaches_what_is_not_theirs_and_absent_is_the_same(history):
    history.keep_turn("ann", "c1", turn("t1"))
    for person, wanted in (("bob", "c1"), ("ann", "none"), ("", "c1"), ("ANN", "c1")):
        assert history.conversation(person, wanted) is None
        assert history.rename(person, wanted, "Mine") is False
        assert history.delete(person, wanted) is False
    assert history.conversations("bob").total == 0
    assert titles(history.conversations("ann")) == ["What did China ask?"]


def test_a_conversation_cannot_be_taken_over_by_its_id(history):
    history.keep_turn("ann", "c1", turn("t1"))
    with pytest.raises(Exception, match="cannot be used"):
        history.keep_turn("bob", "c1", turn("t2"))
    assert [kept.turn_id for kept in history.conversation("ann", "c1").turns] == ["t1"]
    assert history.conversations("bob").total == 0


def test_the_list_has_the_latest_first_in_stretches(history):
    for number in (1, 3, 2):
        history.keep_turn(
            "ann", f"c{number}", turn(f"t{number}", f"Question {number}?", "", number)
        )
    assert titles(history.conversations("ann")) == ["Question 3?", "Question 2?", "Question 1?"]
    part = history.conversations("ann", limit=1, offset=1)
    assert (titles(part), part.total) == (["Question 2?"], 3)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", 2),
        ("  ", 2),
        ("CHINA", 1),
        ("straße", 1),
        ("STRASSE china", 1),
        ("china nothing", 0),
        ("ünder", 1),
        ("100%", 1),
        ("%", 1),
        ("_", 0),
        ("\\", 0),
        ("chi ask", 1),
        ("renamed", 1),
    ],
)
def test_search_wants_every_word_in_any_case_and_knows_no_wildcards(history, words, found):
    history.keep_turn("ann", "c1", turn("t1", "What did China ask?", "The STRASSE, under ÜNDER."))
    history.keep_turn("ann", "c2", turn("t2", "How much?", "All of it: 100%."))
    history.rename("ann", "c2", "Renamed")
    history.keep_turn("bob", "c3", turn("t3", "China? 100% straße renamed", "ünder _ \\"))
    listing = history.conversations("ann", words)
    assert (len(listing.conversations), listing.total) == (found, found)


def test_titles_are_one_line_of_1_to_120_characters(history):
    history.keep_turn("ann", "c1", turn("t1", "long " * 40))
    title = history.conversation("ann", "c1").listed.title
    assert title == ("long " * 16).rstrip() + "…"
    assert history.rename("ann", "c1", "  Two\n lines ")
    assert titles(history.conversations("ann")) == ["Two lines"]
    for wrong in ("", " \n ", "x" * 121):
        with pytest.raises(InputError, match="characters"):
            history.rename("ann", "c1", wrong)
    assert history.rename("ann", "c1", "x" * 120)


def test_any_text_is_kept_and_answers_exactly(history):
    answer = {"text": ODD, "citations": [{"quote": ODD}]}
    history.keep_turn("ann", "c1", KeptTurn("t1", ODD, answer, DAY))
    history.say(said(comment=ODD, person="ann", turn_id="t1", conversation_id="c1"))
    history.note(line(question=ODD))
    [kept] = history.conversation("ann", "c1").turns
    assert (kept.question, kept.comment) == (ODD_STORED, ODD_STORED)
    assert kept.answer == answer
    [audited] = history.audit()
    assert audited.details == {"question": ODD}
    assert history.conversations("ann", "ASTRAL").total == 1


def test_what_was_said_last_is_shown_and_all_of_it_kept(history):
    history.keep_turn("ann", "c1", turn("t1"))
    history.keep_turn("ann", "c1", turn("t2"))
    one = said("up", person="ann", turn_id="t2", conversation_id="c1")
    two = replace(one, rating="down", comment="No date.", time=DAY + timedelta(hours=1))
    history.say(one)
    history.say(two)
    found = history.conversation("ann", "c1").turns
    assert [(kept.rating, kept.comment) for kept in found] == [("", ""), ("down", "No date.")]
    assert history.feedback() == [one, two]
    assert history.feedback("bob") == []


def test_feedback_without_a_kept_conversation_stands_alone(history):
    history.keep_turn("bob", "c2", turn("t2"))
    nobody = said()
    foreign = said(person="ann", turn_id="t2", conversation_id="c2")
    absent = said(person="ann", turn_id="t9", conversation_id="c9")
    for each in (nobody, foreign, absent):
        history.say(each)
    loose = [nobody, replace(foreign, conversation_id=""), replace(absent, conversation_id="")]
    assert history.feedback() == loose
    assert history.conversation("bob", "c2").turns[0].rating == ""


def test_deleting_takes_the_feedback_along(history):
    history.keep_turn("ann", "c1", turn("t1"))
    history.say(said(person="ann", turn_id="t1", conversation_id="c1"))
    history.say(said("down"))
    assert history.delete("ann", "c1")
    assert history.conversation("ann", "c1") is None
    assert [each.rating for each in history.feedback()] == ["down"]
    assert not history.delete("ann", "c1")


def test_the_audit_comes_back_in_order_whatever_its_length(history):
    written = [line(f"user {number % 2}", number, name=str(number)) for number in range(7)]
    for each in written:
        history.note(each)
    assert list(history.audit()) == written
    assert list(history.audit("user 1")) == written[1::2]


def test_times_are_in_utc_whatever_zone_they_came_in(history):
    elsewhere = DAY.astimezone(timezone(timedelta(hours=5)))
    history.keep_turn("ann", "c1", replace(turn("t1"), time=elsewhere))
    found = history.conversation("ann", "c1").listed.created
    assert (found, found.utcoffset()) == (DAY, timedelta(0))


def test_everybody_is_counted(history):
    history.keep_turn("user ann", "c1", turn("t1"))
    history.say(said(person="user bob"))
    history.say(said())
    history.note(line("user ann"))
    history.note(line("nobody known"))
    assert dict(history.people()) == {
        "nobody known": Counts(0, 0, 1),
        "user ann": Counts(1, 0, 1),
        "user bob": Counts(0, 1, 0),
    }


def test_who_is_erased_leaves_no_words_and_no_name(history):
    for who in ("user ann", "user bob"):
        history.keep_turn(who, f"c {who}", turn(f"t {who}", f"I am {who}"))
        history.say(said(person=who))
        history.note(line(who, question=f"I am {who}"))
        history.note(line(who, 1))
    assert history.erase("user ann", with_audit=True) == Counts(1, 1, 2)
    assert history.conversations("user ann").total == 0
    assert history.feedback("user ann") == []
    lines = list(history.audit())
    mine = [each for each in lines if each.who != "user bob"]
    assert len({each.who for each in mine}) == 1
    assert mine[0].who.startswith("erased ")
    assert {(each.address, json.dumps(each.details)) for each in mine} == {("", "{}")}
    assert [each.what for each in mine] == ["POST /api/v1/chat"] * 2
    assert history.conversations("user bob").total == 1
    assert len(history.feedback("user bob")) == 1
    assert list(history.audit("user bob")) != []
    assert history.erase("user ann", with_audit=True) == Counts()


def test_the_audit_stays_when_that_is_wanted_and_nobody_is_nobody(history):
    history.keep_turn("user ann", "c1", turn("t1"))
    history.say(said())
    history.note(line())
    assert history.erase("user ann", with_audit=False) == Counts(1, 0, 0)
    assert history.erase("", with_audit=True) == Counts()
    assert [each.who for each in history.audit()] == ["user ann"]
    assert len(history.feedback()) == 1


def test_what_is_older_is_forgotten(history):
    for days in (0, 10):
        history.keep_turn("ann", f"c{days}", turn(f"t{days}", days=days))
        history.say(said(days=days))
        history.note(line(days=days))
    history.keep_turn("ann", "went on", turn("t", days=0))
    history.keep_turn("ann", "went on", turn("u", days=10))
    limit = DAY + timedelta(days=5)
    assert history.forget(before=None, audit_before=None) == Counts()
    assert history.forget(before=limit, audit_before=None) == Counts(1, 1, 0)
    assert history.forget(before=None, audit_before=limit) == Counts(0, 0, 1)
    assert history.forget(before=limit, audit_before=limit) == Counts()
    assert history.conversations("ann").total == 2
    assert len(history.conversation("ann", "went on").turns) == 2
