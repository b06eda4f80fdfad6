"""What the API of conversations takes and gives, as its OpenAPI description says it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.history.records import MAX_TITLE_CHARS, Listed


class RenameRequest(BaseModel):
    """Another title."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS, pattern=r"\S")]


class ListedConversationBody(BaseModel):
    """A conversation in a list; times are in UTC."""

    conversation_id: str
    title: str
    created: str
    updated: str
    turns: int


class ConversationsBody(BaseModel):
    """A stretch of the list, and how many there are."""

    conversations: list[ListedConversationBody]
    total: int


class KeptTurnBody(BaseModel):
    """A question, and its answer as `/chat` gave it; what was said of it last.

    `answer` is null when it cites documents that are gone or that one may not read any more.
    """

    turn_id: str
    time: str
    question: str
    answer: dict[str, Any] | None
    rating: Literal["up", "down", ""]
    comment: str


class ConversationBody(BaseModel):
    """A conversation with its turns, the first one first."""

    conversation_id: str
    title: str
    created: str
    updated: str
    turns: list[KeptTurnBody]


class KeptFeedbackBody(BaseModel):
    """What somebody said of an answer."""

    time: str
    question: str
    history: list[list[str]]
    answer: dict[str, Any] | None
    rating: Literal["up", "down"]
    comment: str
    conversation_id: str


class HistoryBody(BaseModel):
    """All that is kept of a person."""

    person: str
    conversations: list[ConversationBody]
    feedback: list[KeptFeedbackBody]


class ErasedBody(BaseModel):
    """How much was deleted."""

    conversations: int
    feedback: int


def listed_to_dict(listed: Listed) -> dict[str, Any]:
    """Return a conversation in a list as a JSON object."""
    return {
        "conversation_id": listed.conversation_id,
        "title": listed.title,
        "created": listed.created.isoformat(),
        "updated": listed.updated.isoformat(),
        "turns": listed.turns,
    }
