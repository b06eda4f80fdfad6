"""The history of a store, by the settings."""

from __future__ import annotations

from rag.history.database import database_url
from rag.history.old_files import take_over
from rag.history.records import History
from rag.history.sql import SqlHistory
from rag.settings import Settings


def open_history(settings: Settings) -> History:
    """Return the history; its database is opened at its first use.

    Raises:
        ConfigurationError: FOOTNOTE_HISTORY_URL cannot be used.
    """
    url = database_url(settings.history_url.get_secret_value(), settings.data_dir)
    return SqlHistory(url, lambda session: take_over(session, settings.data_dir))
