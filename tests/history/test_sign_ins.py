"""Who is signed in, on SQLite and on PostgreSQL: how long, how many, and for all servers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from rag.history.database import database_url
from rag.history.export import person_to_dict
from rag.history.opening import open_with_sign_ins
from rag.history.records import Counts
from rag.history.sign_ins import SIGN_IN_SECONDS, Begun, SignedIn
from rag.history.sql import SqlHistory
from rag.history.sql_sign_ins import SqlSignIns
from rag.history.transactions import Database

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAFF, NAMES = frozenset({"staff", "hr"}), frozenset({"ann@corp"})
BEGUN = Begun("b" * 64, "/documents/a?start=1", "n" * 43, "v" * 64)


class Clock:
    """What each server takes for the time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(settings, clock):
    """Open the database anew, as another server would: 100 seconds, 10 without use, two at most."""
    opened: list[Database] = []

    def server(**changed: object) -> SqlSignIns:
        url = database_url(settings.history_url.get_secret_value(), settings.data_dir)
        opened.append(Database(url))
        given: dict[str, object] = {"seconds": 100, "idle_seconds": 10, "now": clock}
        return SqlSignIns(opened[-1], **given | changed)  # type: ignore[arg-type]

    yield server
    for each in opened:
        each.close()


def test_who_signed_in_at_one_server_is_known_at_another_and_after_a_restart(server):
    server().keep("k1", "user ann", STAFF, NAMES)
    ends = BEGAN + timedelta(seconds=100)
    expected = SignedIn("user ann", STAFF, NAMES, BEGAN, BEGAN, ends)
    assert server().find("k1") == expected
    assert server().find("k2") is None


def test_it_is_over_some_time_after_the_last_use(server, clock):
    here, there = server(), server()
    here.keep("k1", "user ann", STAFF, NAMES)
    for clock.seconds in (9.0, 18.0, 27.0):
        assert there.find("k1")
        here.touch("k1")
    assert there.find("k1").used == BEGAN + timedelta(seconds=27)
    clock.seconds = 36.9
    assert here.find("k1")
    clock.seconds = 37.0
    assert here.find("k1") is None
    assert there.find("k1") is None


def test_it_is_over_some_time_after_it_began_however_used(server, clock):
    people = server()
    people.keep("k1", "user ann", STAFF, NAMES)
    for step in range(0, 100, 9):
        clock.seconds = float(step)
        people.touch("k1")
        assert people.find("k1")
    clock.seconds = 100.0
    assert people.find("k1") is None
    people.touch("k1")
    assert people.find("k1") is None


def test_a_use_counts_forwards_only(server, clock):
    """A server whose clock is behind does not take a use back."""
    people = server()
    clock.seconds = 5.0
    people.keep("k1", "user ann", STAFF, NAMES)
    clock.seconds = 2.0
    people.touch("k1")
    assert people.find("k1").used == BEGAN + timedelta(seconds=5)


def test_a_shorter_setting_holds_for_those_who_are_signed_in(server, clock):
    server().keep("k1", "user ann", STAFF, NAMES)
    clock.seconds = 6.0
    assert server(seconds=6).find("k1") is None
    assert server(seconds=7).find("k1")


def test_signing_out_holds_everywhere_at_once(server):
    here, there = server(), server()
    here.keep("k1", "user ann", STAFF, NAMES)
    here.keep("k2", "user ann", STAFF, NAMES)
    assert there.find("k1")
    here.end("k1")
    assert there.find("k1") is None
    assert there.find("k2")
    here.end("k1")


def test_what_has_begun_is_taken_once_and_in_time(server, clock):
    here, there = server(), server()
    here.begin("s1", BEGUN)
    assert there.take("s1") == BEGUN
    assert here.take("s1") is None
    here.begin("s2", BEGUN)
    clock.seconds = SIGN_IN_SECONDS - 1.0
    here.begin("s3", BEGUN)
    clock.seconds = float(SIGN_IN_SECONDS)
    assert there.take("s2") is None
    assert there.take("s3") == BEGUN


def test_of_many_who_come_back_with_the_same_state_one_gets_it(server):
    servers = [server() for _ in range(4)]
    servers[0].begin("s1", BEGUN)
    found: list[Begun | None] = []
    start = threading.Barrier(len(servers))

    def take(each: SqlSignIns) -> None:
        start.wait(timeout=60)
        found.append(each.take("s1"))

    takers = [threading.Thread(target=take, args=[each]) for each in servers]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert sorted(found, key=bool) == [None, None, None, BEGUN]


def test_what_is_over_is_deleted(server, clock):
    people = server()
    people.keep("old", "user ann", STAFF, NAMES)
    people.begin("s1", BEGUN)
    clock.seconds = 8.0
    people.keep("new", "user bob", STAFF, NAMES)
    assert people.sweep() == 0
    clock.seconds = 10.0
    assert people.sweep() == 1
    assert people.of_person("user ann") == []
    assert [each.began for each in people.of_person("user bob")] == [BEGAN + timedelta(seconds=8)]
    assert people.take("s1") == BEGUN
    people.begin("s2", BEGUN)
    clock.seconds = 10.0 + SIGN_IN_SECONDS
    assert people.sweep() == 1
    clock.seconds = 11.0  # the row is gone, not only over
    assert people.take("s2") is None


def test_of_too_many_those_not_used_for_longest_go(server, clock):
    people = server(most_sessions=2, most_attempts=1, tidy_every=1)
    for number in range(3):
        clock.seconds = float(number)
        people.keep(f"k{number}", f"user {number}", STAFF, NAMES)
        if number == 1:
            clock.seconds = 1.5
            people.touch("k0")
        people.begin(f"s{number}", BEGUN)
    assert people.find("k1") is None
    assert people.find("k0")
    assert people.find("k2")
    assert [people.take(f"s{number}") for number in range(3)] == [None, None, BEGUN]


def test_it_is_part_of_what_is_kept_of_a_person(settings, clock):
    history, people = open_with_sign_ins(settings)
    for key, person in (("k1", "user ann"), ("k2", "user ann"), ("k3", "user bob")):
        people.keep(key, person, STAFF, NAMES)
    assert history.people() == {
        "user ann": Counts(sign_ins=2),
        "user bob": Counts(sign_ins=1),
    }
    kept = person_to_dict(history, "user bob", with_audit=True)["sign_ins"]
    assert [each["known_as"] for each in kept] == [["ann@corp"]]
    assert "k3" not in str(kept)
    assert "sign_ins" not in person_to_dict(history, "user bob", with_audit=False)
    # Who deletes their own conversations goes on working; whom the operator erases is out.
    assert history.erase("user ann", with_audit=False) == Counts()
    assert people.find("k1")
    assert history.erase("user ann", with_audit=True) == Counts(sign_ins=2)
    assert people.find("k1") is None
    assert people.find("k2") is None
    assert people.find("k3")
    assert history.people() == {"user bob": Counts(sign_ins=1)}
    history.close()


def test_forgetting_by_age_takes_what_is_over(settings, clock):
    url = database_url(settings.history_url.get_secret_value(), settings.data_dir)
    database = Database(url)
    people = SqlSignIns(database, seconds=100, now=clock)
    history = SqlHistory(database, people)
    people.keep("k1", "user ann", STAFF, NAMES)
    assert history.forget(before=None, audit_before=None) == Counts()
    clock.seconds = 100.0
    assert history.forget(before=None, audit_before=None) == Counts(sign_ins=1)
    history.close()
