"""What an ingest says of itself: how far it is, and what it did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rag.ingest.files import Action, Step
from rag.store.records import FileRecord

UNREAD = "could not be read"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is; bytes are those of the files that need reading."""

    source: str
    bytes_done: int
    bytes_total: int
    documents: int
    passages: int


@dataclass(slots=True)
class Report:
    """What an ingest did. `characters` and `embedded` count texts that were embedded anew.

    `embed_seconds` and `commit_seconds` are parts of `seconds`; the rest is reading and splitting.
    """

    steps: list[Step]
    problems: list[FileRecord] = field(default_factory=list)
    documents: int = 0
    passages: int = 0
    embedded: int = 0
    characters: int = 0
    removed_documents: int = 0
    seconds: float = 0.0
    embed_seconds: float = 0.0
    commit_seconds: float = 0.0

    @property
    def still_unread(self) -> list[Step]:
        """The files that did not change and that an earlier ingest could not read."""
        still = (Action.KEEP, Action.ASSIGN)
        return [step for step in self.steps if step.action in still and step.reason]

    def count(self, action: Action) -> int:
        """Return how many files had this done to them; those that gave nothing do not count."""
        return counts(self.steps).get(action, 0)

    def note_unread(self, paths: Collection[str]) -> None:
        """Take down which files gave nothing."""
        self.steps = [replace(s, unread=True) if s.path in paths else s for s in self.steps]


def report_to_dict(report: Report) -> dict[str, Any]:
    """Return the JSON object of a report: what became of the files, and which have problems."""
    before = [
        {
            "source": step.source,
            "reason": step.reason,
            "message": f"{step.source}: as before.",
            "hint": "Why, and what to do: footnote status --problems",
        }
        for step in report.still_unread
    ]
    new = [
        {"source": f.source, "reason": f.reason, "message": f.message, "hint": f.hint}
        for f in report.problems
    ]
    return {
        "files": _keys(counts(report.steps)),
        "documents": report.documents,
        "removed_documents": report.removed_documents,
        "passages": report.passages,
        "embedded": report.embedded,
        "seconds": round(report.seconds, 3),
        "problems": [*new, *before],
        "skipped": [
            {"source": step.source, "reason": step.reason}
            for step in report.steps
            if step.action == Action.SKIP
        ],
    }


def plan_to_dict(steps: Sequence[Step]) -> dict[str, Any]:
    """Return the JSON object of a plan; it names the files that would not stay as they are."""
    return {
        "files": _keys(counts(steps)),
        "steps": [
            {
                "source": step.source,
                "action": "unread" if step.unread else str(step.action),
                "reason": step.reason,
            }
            for step in steps
            if step.unread or step.action != Action.KEEP
        ],
    }


def _keys(counted: dict[str, int]) -> dict[str, int]:
    return {name.replace(" ", "_"): count for name, count in counted.items()}


def counts(steps: Sequence[Step]) -> dict[str, int]:
    """Count files by what became of them, or would; each counts once."""
    names = [UNREAD if step.unread else str(step.action) for step in steps]
    order = [*map(str, Action)]
    order.insert(order.index(Action.KEEP) + 1, UNREAD)
    return {name: names.count(name) for name in order if name in names}
