"""Keeps the indexes of a server in step with what others write."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from rag.errors import RagError
from rag.every import every
from rag.store.indexes import Indexes

log = logging.getLogger(__name__)

_FOLLOW_SECONDS = 1.0


def following(indexes: Indexes) -> AbstractContextManager[None]:
    """Keep the indexes in step with what other processes write, in a thread, while it lasts."""

    def follow() -> None:
        try:
            if indexes.behind:
                indexes.follow()
        except RagError as error:  # such as a full disk; tried again at the next tick
            log.warning("The indexes could not follow the catalogue: %s", error)

    return every(_FOLLOW_SECONDS, follow, name="follow-catalogue")
