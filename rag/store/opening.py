"""Opening a catalogue: a new one is created, an old one brought up to date, another refused."""

from __future__ import annotations

import uuid
from importlib import resources

from rag.errors import StoreError
from rag.store.database import Database
from rag.store.faults import reach
from rag.store.migrations import READABLE, SCHEMA_VERSION, is_old, migrate
from rag.store.sqlite_errors import restore_hint

_TRACES = ("lexical.sqlite3", "vectors")  # what stands beside a catalogue once it has been used


def create_or_check(database: Database) -> None:
    """See that a database is a catalogue of the present version; an empty one is made one.

    Raises:
        StoreError: it is damaged, lost, or of another version; or it is not there, or of an earlier
            version, and may not be written.
    """
    if not database.may_be_written and not database.path.exists():
        raise _nothing_here(database)
    _make_folder(database)
    if not database.path.exists() or not database.path.stat().st_size:
        _refuse_to_replace(database)
    with database.reading() as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        _create(database)
    _check_version(database)
    with database.reading() as connection:
        old = is_old(connection)
    if old:
        if not database.may_be_written:
            raise StoreError(
                f"The store {database.path.parent} is of an earlier Footnote, and may not be "
                "written by this user to bring it up to date.",
                "Run footnote status on it once as its owner.",
            )
        with database.writing() as connection:
            migrate(connection, _schema_statements())


def _nothing_here(database: Database) -> StoreError:
    folder = database.path.parent
    if not folder.exists():
        return StoreError(
            f"The folder {folder} cannot be created: permission denied, or a read-only disk.",
            "Choose another with --data-dir or FOOTNOTE_DATA_DIR.",
        )
    return StoreError(
        f"There is no store in {folder}, and this user may not write there to begin one.",
        "Choose another folder with --data-dir or FOOTNOTE_DATA_DIR.",
    )


def _make_folder(database: Database) -> None:
    folder = database.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be created: {error.strerror}.",
            "Choose another with --data-dir or FOOTNOTE_DATA_DIR.",
        ) from error


def _refuse_to_replace(database: Database) -> None:
    """Begin no new catalogue where indexes tell that there was one."""
    folder, name = database.path.parent, database.path.name
    if any((folder / trace).exists() for trace in _TRACES):
        raise StoreError(
            f"The store {folder} has lost its catalogue: {name} is missing or empty.",
            restore_hint(folder),
        )


def _create(database: Database) -> None:
    _refuse_to_replace(database)
    with database.writing() as connection:
        reach("catalog.create.begun")
        # Another process may have created it meanwhile.
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            # executescript would commit the transaction that makes creation all or nothing.
            for statement in _schema_statements():
                connection.execute(statement)
            reach("catalog.create.tables")
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [("schema", SCHEMA_VERSION), ("store_id", uuid.uuid4().hex), ("seq", "0")],
            )
    reach("catalog.create.committed")


def _check_version(database: Database) -> None:
    with database.reading() as connection:
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    found = None if row is None else str(row[0])
    if found not in READABLE:
        raise StoreError(
            f"The store {database.path} has version {found or 'none'}; "
            f"this Footnote reads version {SCHEMA_VERSION}.",
            "Use the Footnote that wrote it, or ingest into a new --data-dir.",
        )


def _schema_statements() -> list[str]:
    text = resources.files("rag.store").joinpath("schema.sql").read_text(encoding="utf-8")
    lines = (line.split("--")[0] for line in text.splitlines())
    return [part for part in "\n".join(lines).split(";") if part.strip()]
