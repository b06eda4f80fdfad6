"""From what people said of answers to draft cases of a dataset.

The chat page, the widget and the API keep each thumb and comment in the history, with its question,
the turns before it, and the answer as `footnote ask --json` prints it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.dataset import fingerprint
from rag.errors import InputError
from rag.history.opening import open_history
from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said of an answer."""

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


def draft_cases(feedback: Sequence[Feedback]) -> list[dict[str, Any]]:
    """Return a draft for each question asked, in the layout of a dataset.

    The latest feedback on a question counts. A thumb up makes a complete case of what was said; a
    thumb down one without reference answers, which a dataset refuses until a person fills it in.
    `comment` says what is left to do.
    """
    latest = {(item.question, item.history): item for item in feedback}
    return [_draft(item) for item in latest.values()]


def write_drafts(path: Path, drafts: Sequence[Mapping[str, Any]]) -> int:
    """Append drafts whose id the file does not have yet; returns how many there were."""
    known = set()
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()
        known = {json.loads(line).get("id") for line in lines if line.strip()}
    fresh = [draft for draft in drafts if draft["id"] not in known]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(draft, ensure_ascii=False) + "\n" for draft in fresh)
    return len(fresh)


def _draft(item: Feedback) -> dict[str, Any]:
    liked, silent = item.rating == "up", bool(item.answer.get("abstained"))
    span = item.answer.get("answer_span")
    todo = "Check it." if liked else "Write the right answers and quotes, or answerable: false."
    said = f" The person wrote: {item.comment}" if item.comment else ""
    return {
        "id": f"feedback-{fingerprint([item.question, item.history])[:8]}",
        "question": item.question,
        "history": [list(pair) for pair in item.history],
        "answerable": not (liked and silent),
        "answers": [span] if liked and span else [],
        "relevant": [
            {"source": citation["source"], "quote": citation["quote"], "grade": 1}
            for citation in item.answer.get("citations", [])
            if liked
        ],
        "tags": ["feedback", item.rating],
        "comment": f"Draft of {item.time or 'an unknown day'}. {todo}{said}",
    }
