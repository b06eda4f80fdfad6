"""Feedback: what a person says of an answer, and how it is kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum

from rag.answer_json import answer_to_dict
from rag.errors import InputError, StoreError
from rag.history.records import History, Said, now
from rag.history.writer import Writer
from rag.types import Answer

logger = logging.getLogger(__name__)

MAX_COMMENT_CHARS = 2000
WRITE_SECONDS = 10.0


class Rating(Enum):
    """A thumb."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said of an answer; `comment` is "" as long as there is none."""

    rating: Rating
    comment: str = ""


class FeedbackStore:
    """Keeps feedback in the history. The last word on a question counts."""

    def __init__(self, history: History, writer: Writer) -> None:
        self._history = history
        self._writer = writer

    def append(
        self,
        answer: Answer,
        feedback: Feedback,
        *,
        person: str = "",
        turn_id: str = "",
        conversation_id: str = "",
    ) -> None:
        """Store what was said of an answer; after its turn, when that is still to be written.

        Raises:
            InputError: the comment exceeds MAX_COMMENT_CHARS.
            StoreError: the database cannot be used.
        """
        if len(feedback.comment) > MAX_COMMENT_CHARS:
            raise InputError(
                f"The comment has {len(feedback.comment):,} characters; "
                f"{MAX_COMMENT_CHARS:,} are kept.",
                "Make it shorter and send it again.",
            )
        question = answer.question
        said = Said(
            now(),
            question.text,
            tuple((turn.question, turn.answer) for turn in question.history),
            answer_to_dict(answer),
            feedback.rating.value,
            feedback.comment,
            person,
            turn_id,
            conversation_id,
        )
        try:
            self._writer.now(lambda: self._history.say(said), seconds=WRITE_SECONDS)
        except StoreError as error:
            logger.warning("feedback was not stored: %s", error.message)
            raise StoreError(
                "Your feedback could not be stored.", "The server's log says more."
            ) from error
