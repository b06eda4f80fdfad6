"""A conversation as Markdown with footnotes, and all of a person as one JSON object.

What people and documents wrote is text in Markdown too: none of its signs make markup of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from rag.history.records import AnswerJson, AuditLine, Conversation, History, KeptTurn, Said
from rag.history.sign_ins import SignedIn

ABSTAINED = "The documents do not say."
WITHHELD = "This answer is not shown: it cites documents that are gone, or that you may not open."

Readable = Callable[[AnswerJson], AnswerJson | None]
"""What of an answer somebody may read; None for nothing."""

_SIGNS = re.compile(r"[\\`*_{}\[\]<>#|~!&$^=]")
_LINE_START = re.compile(r"^([-+]|\d+(?=[.)]))")
_SCHEME = re.compile(r"(?<=[A-Za-z])(:)(?=//)|(?<=\bwww)(\.)|(?<=\w)(@)(?=\w)")


def as_markdown(conversation: Conversation) -> str:
    """Write a conversation with its footnotes, numbered through, at its end.

    Each footnote gives title, source, page and quote.
    """
    listed = conversation.listed
    parts = [f"# {plain(listed.title)}", f"*{listed.created:%Y-%m-%d}*"]
    notes: list[str] = []
    for turn in conversation.turns:
        parts.append(f"## {plain(turn.question)}")
        parts += _paragraphs(turn, first=len(notes))
        notes += [_note(each) for each in _citations(turn)]
    parts += [f"[^{number}]: {note}" for number, note in enumerate(notes, start=1)]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Return text on one line, its signs escaped, so that it is shown and nothing else."""
    line = " ".join(text.replace("\0", " ").encode("utf-8", "replace").decode().split())
    escaped = _SIGNS.sub(lambda sign: "\\" + sign[0], line)
    escaped = _LINE_START.sub(lambda start: _escaped_start(start[0]), escaped)
    # Editors make links of bare addresses; an empty comment would be markup, an entity is not.
    return _SCHEME.sub(lambda sign: f"&#{ord(sign[0])};", escaped)


def person_to_dict(
    history: History,
    person: str,
    *,
    with_audit: bool,
    readable: Readable | None = None,
) -> dict[str, Any]:
    """Return all that is kept of a person as a JSON object, of answers what is `readable`.

    The earlier answers that feedback carries along are then left out: what they cite is not known.
    They are in their conversation, when that is kept.

    Raises:
        StoreError: the database cannot be used.
    """
    found: dict[str, Any] = {
        "person": person,
        "conversations": [
            conversation_to_dict(each if readable is None else read_by(each, readable))
            for each in _all_of(history, person)
        ],
        "feedback": [
            said_to_dict(each if readable is None else _said_to(each, readable))
            for each in history.feedback(person)
        ],
    }
    if with_audit:
        found["audit"] = [audit_to_dict(line) for line in history.audit(person)]
        found["sign_ins"] = [sign_in_to_dict(each) for each in history.signed_in(person)]
    return found


def read_by(conversation: Conversation, readable: Readable) -> Conversation:
    """Return a conversation with what somebody may read of its answers."""
    turns = (
        replace(turn, answer=turn.answer and readable(turn.answer)) for turn in conversation.turns
    )
    return replace(conversation, turns=tuple(turns))


def _said_to(said: Said, readable: Readable) -> Said:
    """Return feedback with what somebody may read of it."""
    history = tuple((question, "") for question, _ in said.history)
    return replace(said, answer=said.answer and readable(said.answer), history=history)


def conversation_to_dict(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as a JSON object."""
    return {
        **_plain_times(asdict(conversation.listed)),
        "turns": [
            {
                "turn_id": turn.turn_id,
                "time": turn.time.isoformat(),
                "question": turn.question,
                "answer": turn.answer,
                "rating": turn.rating,
                "comment": turn.comment,
            }
            for turn in conversation.turns
        ],
    }


def said_to_dict(said: Said) -> dict[str, Any]:
    """Return feedback as a JSON object."""
    return {
        "time": said.time.isoformat(timespec="seconds"),
        "question": said.question,
        "history": [list(pair) for pair in said.history],
        "answer": said.answer,
        "rating": said.rating,
        "comment": said.comment,
        "conversation_id": said.conversation_id,
    }


def audit_to_dict(line: AuditLine) -> dict[str, Any]:
    """Return an audit line as a JSON object."""
    return {
        "time": line.time.isoformat(timespec="milliseconds"),
        "request": line.request,
        "who": line.who,
        "from": line.address,
        "what": line.what,
        "status": line.status,
        **line.details,
    }


def sign_in_to_dict(signed_in: SignedIn) -> dict[str, Any]:
    """Return a sign-in as a JSON object."""
    return {
        "began": signed_in.began.isoformat(timespec="seconds"),
        "used": signed_in.used.isoformat(timespec="seconds"),
        "groups": sorted(signed_in.groups),
        "known_as": sorted(signed_in.known_as),
    }


def _all_of(history: History, person: str) -> Iterator[Conversation]:
    """Walk over a person's conversations, the latest first."""
    offset = 0
    while listed := history.conversations(person, offset=offset).conversations:
        offset += len(listed)
        for each in listed:
            conversation = history.conversation(person, each.conversation_id)
            if conversation is not None:  # deleted meanwhile
                yield conversation


def _plain_times(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in record.items()
    }


def _paragraphs(turn: KeptTurn, *, first: int) -> list[str]:
    """Write an answer; its markers count on from `first`."""
    answer = turn.answer
    if answer is None:
        return [f"*{WITHHELD}*"]
    if asked := answer.get("clarification"):
        return [plain(asked["question"])]
    if answer.get("abstained"):
        return [f"*{ABSTAINED}*"]
    numbers = {each["marker"]: first + at for at, each in enumerate(_citations(turn), start=1)}
    paragraphs: list[list[str]] = [[]]
    for sentence in answer["sentences"]:
        if sentence.get("break_before") and paragraphs[-1]:
            paragraphs.append([])
        markers = "".join(f"[^{numbers[marker]}]" for marker in sentence["citations"])
        paragraphs[-1].append(plain(sentence["text"]) + markers)
    return [" ".join(sentences) for sentences in paragraphs if sentences]


def _citations(turn: KeptTurn) -> list[Mapping[str, Any]]:
    found = turn.answer.get("citations", ()) if turn.answer else ()
    return sorted(found, key=lambda each: int(each["marker"]))


def _note(citation: Mapping[str, Any]) -> str:
    """Write a footnote: title (source, page): quote."""
    page = f", page {citation['page']}" if citation["page"] else ""
    title, source = plain(citation["title"]), plain(citation["source"])
    return f"{title} ({source}{page}): “{plain(citation['quote'])}”"


def _escaped_start(start: str) -> str:
    return f"\\{start}" if start in "-+" else f"{start}\\"
