"""What an ingest says of itself: how far it is, and what it did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

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


def counts(steps: Sequence[Step]) -> dict[str, int]:
    """Count files by what became of them, or would; each counts once."""
    names = [UNREAD if step.unread else str(step.action) for step in steps]
    order = [*map(str, Action)]
    order.insert(order.index(Action.KEEP) + 1, UNREAD)
    return {name: names.count(name) for name in order if name in names}
