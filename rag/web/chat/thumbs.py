"""What the chat page offers below an answer to say whether it helped."""

from __future__ import annotations

from rag.web.history.feedback import MAX_COMMENT_CHARS, Feedback, Rating
from rag.web.markup import esc

LABELS = {Rating.UP: "Helpful", Rating.DOWN: "Not helpful"}
_ASKS = {Rating.UP: "What was good about it? (optional)", Rating.DOWN: "What is wrong? (optional)"}


def render_thumbs(feedback: Feedback | None, number: int, *, is_locked: bool) -> tuple[str, str]:
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
