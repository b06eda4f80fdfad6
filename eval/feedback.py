"""From what people asked, and said of answers, to draft cases of a dataset.

The chat page, the widget and the API keep each thumb and comment in the history, with its question,
the turns before it, and the answer as `footnote ask --json` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.dataset import fingerprint
from rag.errors import InputError
from rag.history.opening import open_history
from rag.history.records import Conversation, History, KeptTurn, Listed
from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person asked, and said of the answer; `rating` is "" where they said nothing."""

    question: str
    history: tuple[tuple[str, str], ...]
    answer: Mapping[str, Any]
    rating: str
    comment: str
    time: str


def stored_feedback(settings: Settings) -> list[Feedback]:
    """Read what people said, oldest first.

    Raises:
        InputError: nobody has said anything.
        StoreError: the database cannot be used.
    """
    history = open_history(settings)
    try:
        found = history.feedback()
    finally:
        history.close()
    if not found:
        raise InputError(
            f"{settings.data_dir}: no feedback is stored.",
            "Rate answers in the chat page, then try again.",
        )
    return [
        Feedback(
            said.question,
            said.history,
            said.answer or {},
            said.rating,
            said.comment,
            said.time.isoformat(timespec="seconds"),
        )
        for said in found
    ]


def draft_cases(feedback: Sequence[Feedback], origin: str = "feedback") -> list[dict[str, Any]]:
    """Return a draft for each question asked, in the layout of a dataset.

    The latest feedback on a question counts. A thumb up makes a complete case of what was said; a
    thumb down one without reference answers, which a dataset refuses until a person fills it in.
    `comment` says what is left to do, `origin` begins the ids and is a tag.
    """
    latest = {(item.question, item.history): item for item in feedback}
    return [_draft(item, origin) for item in latest.values()]


def asked_before(settings: Settings, count: int) -> list[Feedback]:
    """Return the latest questions that were asked and kept, each once, without who asked.

    Raises:
        InputError: none are kept.
        StoreError: the database cannot be used.
    """
    history = open_history(settings)
    try:
        turns = [
            (turn, before)
            for person, counts in history.people().items()
            if counts.conversations
            for listed in _all_listed(history, person)
            for turn, before in _turns(history.conversation(person, listed.conversation_id))
        ]
    finally:
        history.close()
    if not turns:
        raise InputError(
            f"{settings.data_dir}: no conversation is kept.",
            "Ask in the chat page, where FOOTNOTE_KEEP_CONVERSATIONS is on, then try again.",
        )
    turns.sort(key=lambda pair: pair[0].time, reverse=True)
    latest: dict[tuple[str, tuple[tuple[str, str], ...]], Feedback] = {}
    for turn, before in turns:
        asked = Feedback(
            turn.question,
            before,
            turn.answer or {},
            turn.rating,
            turn.comment,
            turn.time.isoformat(timespec="seconds"),
        )
        latest.setdefault((" ".join(turn.question.casefold().split()), before), asked)
    return list(latest.values())[:count]


def _all_listed(history: History, person: str) -> Iterator[Listed]:
    offset = 0
    while page := history.conversations(person, offset=offset).conversations:
        yield from page
        offset += len(page)


def _turns(
    conversation: Conversation | None,
) -> Iterator[tuple[KeptTurn, tuple[tuple[str, str], ...]]]:
    """Yield what searched the documents, with the questions and answers before it."""
    before: tuple[tuple[str, str], ...] = ()
    for turn in conversation.turns if conversation else ():
        if turn.answer and turn.answer.get("hits"):
            yield turn, before
        said = str((turn.answer or {}).get("text", ""))
        before = (*before, (turn.question, said))


def _draft(item: Feedback, origin: str) -> dict[str, Any]:
    liked, silent = item.rating == "up", bool(item.answer.get("abstained"))
    span = item.answer.get("answer_span")
    todo = "Check it." if liked else "Write the right answers and quotes, or answerable: false."
    said = f" The person wrote: {item.comment}" if item.comment else ""
    return {
        "id": f"{origin}-{fingerprint([item.question, item.history])[:8]}",
        "question": item.question,
        "history": [list(pair) for pair in item.history],
        "answerable": not (liked and silent),
        "answers": [span] if liked and span else [],
        "relevant": [
            {"source": citation["source"], "quote": citation["quote"], "grade": 1}
            for citation in item.answer.get("citations", [])
            if liked
        ],
        "tags": [origin, item.rating or ("silent" if silent else "answered")],
        "comment": f"Draft of {item.time or 'an unknown day'}. {todo}{said}"
        + ("" if liked else _what_it_said(item.answer)),
    }


def _what_it_said(answer: Mapping[str, Any]) -> str:
    """Quote the answer, so that who checks it need not ask again."""
    if answer.get("abstained") or not answer.get("citations"):
        return " It kept silent." if answer.get("abstained") else ""
    quoted = "; ".join(
        f"{one['source']}: “{' '.join(one['quote'].split())}”" for one in answer["citations"]
    )
    return f" It quoted {quoted}"
