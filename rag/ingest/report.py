"""What an ingest says of itself: how far it is, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field

from rag.ingest.files import Action, Step
from rag.store.records import FileRecord


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
        """Return how many files had this done to them."""
        return sum(step.action == action for step in self.steps)
