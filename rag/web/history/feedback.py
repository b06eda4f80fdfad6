"""Feedback: what a person says of an answer, how it is shown, and how it is kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum

from rag.answer_json import answer_to_dict
from rag.errors import InputError, StoreError
from rag.history.records import History, Said, now
from rag.history.writer import Writer
from rag.types import Answer
from rag.web.markup import esc

logger = logging.getLogger(__name__)

MAX_COMMENT_CHARS = 2000
WRITE_SECONDS = 10.0


class Rating(Enum):
    """A thumb."""

    UP = "up"
    DOWN = "down"


LABELS = {Rating.UP: "Helpful", Rating.DOWN: "Not helpful"}
_ASKS = {Rating.UP: "What was good about it? (optional)", Rating.DOWN: "What is wrong? (optional)"}


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


def render_feedback(feedback: Feedback | None, number: int, *, is_locked: bool) -> tuple[str, str]:
    """Render the two thumbs of a turn, and what follows on a click ("" before it).

    While the next answer is being written they are locked: it carries the turns before it along.
    """
    locked = " disabled" if is_locked else ""
    thumbs = "".join(
        f'<button type="button" data-action="rate" data-turn="{number}" '
        f'data-rating="{rating.value}" aria-pressed="{_is(feedback, rating)}"{locked}>'
        f"{label}</button>"
        for rating, label in LABELS.items()
    )
    group = f'<span class="thumbs" role="group" aria-label="Was it helpful?">{thumbs}</span>'
    if feedback is None:
        return group, ""
    if feedback.comment:
        return group, '<p class="thanks" role="status">Thank you. Your comment is stored.</p>'
    asks = esc(_ASKS[feedback.rating])
    return group, (
        f'<div class="comment"><input type="text" id="comment-{number}" placeholder="{asks}" '
        f'aria-label="{asks}" maxlength="{MAX_COMMENT_CHARS}" dir="auto" autocomplete="off">'
        f'<button type="button" data-action="comment" data-turn="{number}"{locked}>Send</button>'
        "</div>"
    )


def _is(feedback: Feedback | None, rating: Rating) -> str:
    return "true" if feedback is not None and feedback.rating is rating else "false"
