"""Whose conversations are kept, and how a page and the API reach them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace

from starlette.types import Scope

from rag.answer_json import answer_from_dict, answer_to_dict
from rag.errors import StoreError
from rag.history.export import WITHHELD, Readable, read_by
from rag.history.records import (
    AnswerJson,
    Conversation,
    Counts,
    History,
    KeptTurn,
    Listing,
    now,
)
from rag.history.retention import forgetting
from rag.history.writer import Writer
from rag.settings import Settings
from rag.web.history.feedback import Feedback, Rating
from rag.web.history.turns import Notice, Status, Turns, TurnView, question_after
from rag.web.people.access import principal_of
from rag.web.seams import Documents

logger = logging.getLogger(__name__)

ONE_PERSON = "local"
"""Who asks where only one person can."""


class Keeping:
    """Keeps the conversations of people who are known; writing is done behind their backs."""

    def __init__(self, history: History, settings: Settings) -> None:
        self.history = history
        self.writer = Writer()
        self._access = settings.access
        self._keeps = settings.keep_conversations and settings.access != "open"
        self._settings = settings

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Forget by age as long as the server runs; write what waits before it ends."""
        try:
            with forgetting(self.history, self._settings):
                yield
        finally:
            self.writer.close()
            self.history.close()

    def person(self, scope: Scope) -> str:
        """Return who sends a request, as a history names them; "" where nobody is known."""
        if self._access == "local":
            return ONE_PERSON
        return "" if self._access == "open" else principal_of(scope).name

    def owner(self, scope: Scope) -> str:
        """Return whose conversations a request may reach; "" when none are kept."""
        return self.person(scope) if self._keeps else ""

    def keep(self, owner: str, conversation_id: str, turn: TurnView, *, replaces: str) -> None:
        """Keep an answered turn, soon."""
        if not owner or turn.answer is None:
            return
        answer = turn.answer
        asked = now()

        def write() -> None:
            kept = KeptTurn(turn.turn_id, turn.question, answer_to_dict(answer), asked)
            self.history.keep_turn(owner, conversation_id, kept, replaces=replaces)

        self.writer.later("a turn of a conversation", write)

    def listing(self, owner: str, search: str = "", *, limit: int, offset: int = 0) -> Listing:
        """List somebody's conversations, those that wait to be written included.

        Raises:
            StoreError: the database cannot be used.
        """
        if not owner:
            return Listing((), 0)
        self.writer.flush()
        return self.history.conversations(owner, search, limit=limit, offset=offset)

    def conversation(
        self, owner: str, conversation_id: str, documents: Documents
    ) -> Conversation | None:
        """Return somebody's conversation, without what they may not read any more.

        Raises as `listing`.
        """
        if not owner:
            return None
        self.writer.flush()
        found = self.history.conversation(owner, conversation_id)
        return found and read_by(found, readable_in(documents))

    def delete(self, owner: str, conversation_id: str) -> bool:
        """Delete somebody's conversation, what waits of it included; tell whether there was one.

        Raises as `listing`.
        """
        self.writer.flush()
        return self.history.delete(owner, conversation_id)

    def erase(self, person: str) -> Counts:
        """Delete all that a person asked and said, what waits included; raises as `listing`."""
        self.writer.flush()
        return self.history.erase(person, with_audit=False)


def readable_in(documents: Documents) -> Readable:
    """Return what of an answer may be read by somebody who has these documents.

    An answer that cites others is withheld as a whole; so is one that found others and says
    something without a citation, which may be theirs. A document that is gone and a forbidden one
    are alike.
    """

    def readable(answer: AnswerJson) -> AnswerJson | None:
        cited = {each["doc_id"] for each in answer.get("citations", ())}
        found = {each["doc_id"] for each in answer.get("hits", ())}
        held = documents.collections_of(cited | found)
        if not cited <= held.keys() or (_says_uncited(answer) and not found <= held.keys()):
            return None
        hits = [each for each in answer.get("hits", ()) if each["doc_id"] in held]
        return {**answer, "hits": hits}

    return readable


def _says_uncited(answer: AnswerJson) -> bool:
    """Tell whether an answer asks back, or has a sentence that cites nothing."""
    sentences = answer.get("sentences", ())
    return bool(answer.get("clarification")) or any(not each["citations"] for each in sentences)


def shown_again(conversation: Conversation) -> Turns:
    """Return the turns of a kept conversation as the page shows them.

    Raises:
        StoreError: what was kept cannot be understood.
    """
    turns: list[TurnView] = []
    for kept in conversation.turns:
        said = Feedback(Rating(kept.rating), kept.comment) if kept.rating else None
        view = TurnView(kept.question, Status.DONE, feedback=said, turn_id=kept.turn_id)
        if kept.answer is None:
            turns.append(replace(view, status=Status.FAILED, problem=Notice(WITHHELD)))
            continue
        try:
            asked = question_after(tuple(turns), kept.question)
            answer = answer_from_dict(kept.answer, asked.history)
        except (KeyError, TypeError, ValueError) as error:
            logger.exception("a turn of conversation %s", conversation.listed.conversation_id)
            raise StoreError("This conversation cannot be shown any more.") from error
        turns.append(replace(view, answer=answer))
    return tuple(turns)
