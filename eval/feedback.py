"""From what people said of answers to draft cases of a dataset.

The chat page appends one line to `feedback.jsonl` in the data folder for each thumb:
`{time, question, history, answer, rating, comment}`, where `history` lists pairs of question and
answer, `answer` is the JSON object of `footnote ask --json`, and `rating` is "up" or "down".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.dataset import fingerprint
from rag.errors import InputError
from rag.settings import Settings

_NEEDED = {"question", "answer", "rating"}


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said of an answer."""

    question: str
    history: tuple[tuple[str, str], ...]
    answer: Mapping[str, Any]
    rating: str
    comment: str
    time: str


def feedback_path(settings: Settings) -> Path:
    """Return where the chat page stores feedback."""
    return settings.data_dir / "feedback.jsonl"


def read_feedback(path: Path) -> list[Feedback]:
    """Read stored feedback, oldest first.

    Raises:
        InputError: there is none, or a line is not as described above.
    """
    if not path.exists():
        raise InputError(
            f"{path}: no feedback is stored.", "Rate answers in the chat page, then try again."
        )
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not set(row) >= _NEEDED or row["rating"] not in ("up", "down"):
                raise ValueError("expected question, answer and a rating of up or down")
            history = tuple((question, answer) for question, answer in row.get("history") or ())
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}:{number}: {error}.", "Remove or mend the line.") from error
        found.append(
            Feedback(
                row["question"],
                history,
                row["answer"],
                row["rating"],
                row.get("comment") or "",
                row.get("time") or "",
            )
        )
    return found


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
