"""Feedback: what a person says of an answer, how it is shown, and the file that keeps it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from rag.answer_json import answer_to_dict
from rag.errors import InputError, StoreError
from rag.types import Answer
from rag.web.markup import esc

logger = logging.getLogger(__name__)

MAX_COMMENT_CHARS = 2000


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


class FeedbackFile:
    """Appends feedback to a file, one JSON object a line.

    The last line on a question counts, so a changed mind is one more line. Each line holds time,
    question, history, answer (as `footnote ask --json` prints it), rating and comment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, answer: Answer, feedback: Feedback) -> None:
        """Store what was said of an answer.

        Raises:
            InputError: the comment exceeds MAX_COMMENT_CHARS.
            StoreError: the file cannot be written; it is as it was before.
        """
        if len(feedback.comment) > MAX_COMMENT_CHARS:
            raise InputError(
                f"The comment has {len(feedback.comment):,} characters; "
                f"{MAX_COMMENT_CHARS:,} are kept.",
                "Make it shorter and send it again.",
            )
        # Only ASCII: readers may take other characters, such as U+2028, for the end of a line.
        line = json.dumps(_row(answer, feedback)).encode("ascii") + b"\n"
        try:
            with self._lock:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                _append(self._path, line)
        except OSError as error:
            logger.exception("feedback was not stored in %s", self._path)
            reason = (error.strerror or type(error).__name__).lower()
            raise StoreError(
                f"Your feedback could not be stored: {reason}.", "The server's log says more."
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


def _row(answer: Answer, feedback: Feedback) -> dict[str, object]:
    question = answer.question
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "question": question.text,
        "history": [[turn.question, turn.answer] for turn in question.history],
        "answer": answer_to_dict(answer),
        "rating": feedback.rating.value,
        "comment": feedback.comment,
    }


def _append(path: Path, line: bytes) -> None:
    """Write a whole line or nothing: half a line would spoil the file for its readers."""
    with path.open("ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            written = file.write(line)
            if written != len(line):
                raise OSError(None, "only a part could be written")
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(before)
            raise
