"""What earlier versions kept in files is taken over once."""

from __future__ import annotations

import json
from datetime import UTC, datetime

FEEDBACK = {
    "time": "2026-03-01T12:00:00+00:00",
    "question": "When?",
    "history": [["Who?", "Ann."]],
    "answer": {"text": "1990. [1]"},
    "rating": "up",
    "comment": "Good",
}
AUDIT = {
    "time": "2026-03-01T12:00:00.250+00:00",
    "request": "abc123",
    "who": "user ann",
    "from": "10.0.0.7",
    "what": "POST /api/v1/documents",
    "status": 201,
    "name": "a.md",
}


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_both_files_are_taken_over_once_and_stay(tmp_path, opened):
    write(tmp_path / "feedback.jsonl", FEEDBACK, FEEDBACK | {"rating": "down"})
    write(tmp_path / "audit.jsonl", AUDIT)
    before = [(tmp_path / name).read_bytes() for name in ("feedback.jsonl", "audit.jsonl")]
    for history in (opened(), opened()):
        one, two = history.feedback()
        assert (one.question, one.history, one.answer) == (
            "When?",
            (("Who?", "Ann."),),
            {"text": "1990. [1]"},
        )
        assert (one.rating, one.comment, one.person, two.rating) == ("up", "Good", "", "down")
        assert one.time == datetime(2026, 3, 1, 12, tzinfo=UTC)
        [line] = history.audit()
        assert (line.who, line.address, line.status) == ("user ann", "10.0.0.7", 201)
        assert (line.what, line.details) == ("POST /api/v1/documents", {"name": "a.md"})
        assert line.time == datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    after = [(tmp_path / name).read_bytes() for name in ("feedback.jsonl", "audit.jsonl")]
    assert before == after


def test_lines_that_an_older_version_adds_later_are_taken_over_too(tmp_path, opened):
    path = tmp_path / "audit.jsonl"
    write(path, AUDIT)
    assert len(list(opened().audit())) == 1
    write(path, AUDIT, AUDIT | {"status": 403}, AUDIT | {"status": 429})
    assert [line.status for line in opened().audit()] == [201, 403, 429]


def test_spoilt_lines_are_left_out_and_the_others_taken(tmp_path, opened):
    rows = [
        FEEDBACK,
        {"question": "no rating", "answer": {}},
        FEEDBACK | {"rating": "five stars"},
        FEEDBACK | {"time": "some day"},
        FEEDBACK | {"answer": None},
        FEEDBACK | {"history": [["one"]]},
        [],
        FEEDBACK | {"time": "", "question": "No time?"},
    ]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "feedback.jsonl").write_text("\n".join([*lines, '{"half": ', ""]))
    assert {each.question for each in opened().feedback()} == {"When?", "No time?"}


def test_what_is_no_file_or_empty_harms_nothing(tmp_path, opened):
    (tmp_path / "audit.jsonl").mkdir()
    (tmp_path / "feedback.jsonl").write_text("")
    assert opened().people() == {}
