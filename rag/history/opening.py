"""The history of a store, by the settings."""

from __future__ import annotations

from rag.history.database import database_url
from rag.history.old_files import take_over
from rag.history.records import History
from rag.history.sign_ins import SignIns
from rag.history.sql import SqlHistory
from rag.history.sql_sign_ins import SqlSignIns
from rag.history.transactions import Database
from rag.settings import Settings


def open_history(settings: Settings) -> History:
    """Return the history; its database is opened at its first use.

    Raises:
        ConfigurationError: FOOTNOTE_HISTORY_URL cannot be used.
    """
    return open_with_sign_ins(settings)[0]


def open_with_sign_ins(settings: Settings) -> tuple[History, SignIns]:
    """Return the history and who is signed in, in one database; closing the history closes it.

    Raises as `open_history`.
    """
    url = database_url(settings.history_url.get_secret_value(), settings.data_dir)
    database = Database(url, lambda session: take_over(session, settings.data_dir))
    sign_ins = SqlSignIns(database, seconds=settings.session_hours * 3600)
    return SqlHistory(database, sign_ins), sign_ins
