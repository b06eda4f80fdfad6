"""The database: opening it by its URL, and bringing its tables up to date."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from rag.errors import ConfigurationError

MIGRATIONS = Path(__file__).parent / "migrations"
FILE_NAME = "history.db"
BUSY_MS = 5_000
TIMEOUT_SECONDS = 10
POOLED_CONNECTIONS = 3
MIGRATION_LOCK = 0x466F6F74
"""Names the advisory lock under which PostgreSQL is migrated: "Foot"."""

_alembic = threading.Lock()
"""Alembic keeps what it works on in a global."""

_TLS: dict[str, Any] = {
    "disable": lambda: False,
    "prefer": lambda: None,
    "require": lambda: True,
    "verify-full": ssl.create_default_context,
}
"""What libpq's sslmode means to pg8000."""


def database_url(given: str, data_dir: Path) -> URL:
    """Return the URL to open: a file in the data folder when none is given.

    Raises:
        ConfigurationError: it is not the URL of a SQLite or PostgreSQL database.
    """
    if not given:
        return URL.create("sqlite", database=str(data_dir / FILE_NAME))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:  # the latter: a port that is no number
        raise _bad_url("it is not a URL") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+pg8000")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise _bad_url(f"found {url.drivername!r}")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise _bad_url("a database in memory keeps nothing")
    if url.get_backend_name() == "postgresql" and not url.username:
        raise _bad_url("it names no user")
    return url


def open_engine(url: URL) -> Engine:
    """Make the engine; nothing is connected before its first use.

    Raises:
        ConfigurationError: the driver is not installed, or does not exist.
    """
    is_file = url.get_backend_name() == "sqlite"
    # A connection whose server has gone cannot be closed either, which the pool reports with a
    # traceback for each; what used it says so in one line.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    options: dict[str, Any] = {"poolclass": NullPool} if is_file else _pooled()
    if url.drivername == "postgresql+pg8000":
        url, options["connect_args"] = _pg8000(url)
    try:
        # Its parameters are people's words: no error and no log may repeat them.
        engine = create_engine(url, hide_parameters=True, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"FOOTNOTE_HISTORY_URL: the driver of {url.drivername!r} is not installed.",
            "Install it: pip install 'footnote[postgres]'",
        ) from error
    if is_file:
        event.listen(engine, "do_connect", _private_file)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(connection: Connection) -> None:
    """Bring the tables up to date, within the transaction that is open."""
    lock(connection)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _alembic:
        command.upgrade(config, "head")


def lock(connection: Connection) -> None:
    """Let other processes wait until the transaction ends; on SQLite every writer waits anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")


def place(url: URL) -> str:
    """Say where a database is, without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"the database {url.database} at {url.host or 'this machine'}"


def _pooled() -> dict[str, Any]:
    return {
        "pool_size": POOLED_CONNECTIONS,
        "max_overflow": 2 * POOLED_CONNECTIONS,
        "pool_pre_ping": True,
        "pool_timeout": TIMEOUT_SECONDS,
    }


def _pg8000(url: URL) -> tuple[URL, dict[str, Any]]:
    """Translate what people write for other PostgreSQL drivers: `sslmode`, and a socket's folder.

    Raises:
        ConfigurationError: an sslmode that is not known.
    """
    arguments: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "application_name": "footnote"}
    folder, mode = url.query.get("host"), url.query.get("sslmode")
    if folder:
        arguments["unix_sock"] = f"{folder}/.s.PGSQL.{url.port or url.query.get('port', 5432)}"
    if mode:
        if mode not in _TLS:
            raise _bad_url(f"sslmode {mode!r}; known are {', '.join(_TLS)}")
        arguments["ssl_context"] = _TLS[str(mode)]()
    return url.difference_update_query(["host", "port", "sslmode"]), arguments


def _private_file(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
    """See to it that nobody else on this machine reads the file, before it is made."""
    path = Path(arguments[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _configure_sqlite(connection: Any, record: Any) -> None:
    # Transactions begin where we say, and hold changes of tables too; sqlite3's own do neither.
    connection.isolation_level = None
    for setting in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is overwritten
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer could not wait for another one; so writers say it at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _bad_url(found: str) -> ConfigurationError:
    return ConfigurationError(
        f"FOOTNOTE_HISTORY_URL cannot be used: {found}.",
        "Write postgresql://USER:PASSWORD@HOST/DATABASE, or leave it out for a file.",
    )
