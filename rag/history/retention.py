"""Forgetting what is old: at the start of the server and every day after."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from rag.errors import RagError
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


class Retention:
    """A thread that forgets, every `seconds`; the database is opened by it, off everyone's way."""

    def __init__(
        self, history: History, settings: Settings, *, seconds: float = DAY_SECONDS
    ) -> None:
        self._history = history
        self._settings = settings
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Begin, with what is too old already."""
        self._thread.start()

    def close(self) -> None:
        """End; a deletion that runs is finished or undone by the database."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            try:
                gone = forget_old(self._history, self._settings)
                if gone:
                    logger.info("forgotten by age: %s", gone)
            except RagError as error:
                logger.warning("what is old was not forgotten: %s", error.message)
            if self._stop.wait(self._seconds):
                return


def _limit(days: int, today: Callable[[], datetime]) -> datetime | None:
    return today() - timedelta(days=days) if days else None
