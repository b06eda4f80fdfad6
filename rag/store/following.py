"""Keeps the indexes of a server in step with what others write."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rag.errors import RagError
from rag.store.indexes import Indexes

log = logging.getLogger(__name__)

_FOLLOW_SECONDS = 1.0


@contextmanager
def following(indexes: Indexes) -> Iterator[None]:
    """Keep the indexes in step with what other processes write, in a thread, while it lasts."""
    stop = threading.Event()

    def follow() -> None:
        while not stop.wait(_FOLLOW_SECONDS):
            try:
                if indexes.behind:
                    indexes.follow()
            except RagError as error:  # such as a full disk; tried again at the next tick
                log.warning("The indexes could not follow the catalogue: %s", error)

    thread = threading.Thread(target=follow, name="follow-catalogue", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
