"""Named points at which a test may make the program die, or the disk fail or fill up.

`reach` does nothing in use. The crash harness (`make crash`) arms it with a function of its own
before it runs a command, and tries every point in turn.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS: tuple[str, ...] = (
    # The writer's session.
    "store.write.locked",
    "store.write.checkpointed",
    "store.write.followed",
    # The catalogue: creation, and each transaction step by step.
    "catalog.create.begun",
    "catalog.create.tables",
    "catalog.create.committed",
    "catalog.migrate.begun",
    "catalog.migrate.columns",
    "catalog.migrate.written",
    "catalog.put.begun",
    "catalog.put.numbered",
    "catalog.put.vectors",
    "catalog.put.document",
    "catalog.put.removals",
    "catalog.put.passages",
    "catalog.put.unused",
    "catalog.put.committed",
    "catalog.remove.begun",
    "catalog.remove.passages",
    "catalog.remove.document",
    "catalog.remove.unused",
    "catalog.remove.forgotten",
    "catalog.remove.committed",
    "catalog.collect.begun",
    "catalog.collect.files",
    "catalog.collect.committed",
    "catalog.file.begun",
    "catalog.file.written",
    "catalog.file.committed",
    "catalog.meta.written",
    "catalog.meta.committed",
    "catalog.checkpoint.before",
    # The pipeline between its transactions.
    "ingest.planned",
    "ingest.file.hashed",
    "ingest.file.read",
    "ingest.embed.before",
    "ingest.embed.after",
    "ingest.commit.document",
    "ingest.commit.file",
    "ingest.flushed",
    "ingest.gone.before",
    # The followers.
    "indexes.locked",
    "indexes.follow.batch",
    "indexes.followed",
    "lexical.reset.closed",
    "lexical.reset.deleted",
    "lexical.reset.tables",
    "lexical.reset.committed",
    "lexical.apply.begun",
    "lexical.apply.removed",
    "lexical.apply.added",
    "lexical.apply.state",
    "lexical.apply.committed",
    "vectors.opened",
    "vectors.reset.closed",
    "vectors.reset.state",
    "vectors.reset.deleted",
    "vectors.reset.connected",
    "vectors.apply.before",
    "vectors.apply.state",
    "vectors.apply.removed",
    "vectors.apply.added",
    "vectors.state.created",
    "vectors.state.written",
    "vectors.state.synced",
    "vectors.state.replaced",
    # Backup and restore.
    "backup.copied",
    "backup.replaced",
    "restore.kept",
    "restore.replaced",
    "restore.copied",
    "restore.moved",
    "restore.placed",
    "restore.done",
)

_on_reach: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Tell whoever has armed the points that the program is at this one."""
    if _on_reach is not None:
        _on_reach(point)


def arm(on_reach: Callable[[str], None] | None) -> None:
    """Have a function called at every point, in this process; None disarms."""
    global _on_reach
    _on_reach = on_reach
