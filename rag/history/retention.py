"""Forgetting what is old: at the start of the server and every day after."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from rag.errors import RagError
from rag.every import every
from rag.history.records import Counts, History, now
from rag.settings import Settings

logger = logging.getLogger(__name__)

DAY_SECONDS = 86_400.0


def forget_old(history: History, settings: Settings, today: Callable[[], datetime] = now) -> Counts:
    """Delete what the settings say is too old.

    Raises:
        StoreError: the database cannot be used.
    """
    return history.forget(
        before=_limit(settings.keep_days, today),
        audit_before=_limit(settings.keep_audit_days, today),
    )


def forgetting(
    history: History, settings: Settings, *, seconds: float = DAY_SECONDS
) -> AbstractContextManager[None]:
    """Forget at once and every `seconds`, in a thread, while it lasts.

    The thread opens the database, off everyone's way. A deletion that runs at the end is finished
    or undone by the database.
    """

    def forget() -> None:
        try:
            if gone := forget_old(history, settings):
                logger.info("forgotten by age: %s", gone)
        except RagError as error:
            logger.warning("what is old was not forgotten: %s", error.message)

    return every(seconds, forget, name="retention", at_once=True, patience_seconds=5)


def _limit(days: int, today: Callable[[], datetime]) -> datetime | None:
    return today() - timedelta(days=days) if days else None
