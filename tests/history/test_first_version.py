"""A database that the first version filled is brought up to date, and keeps all that it holds."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from rag.errors import StoreError
from rag.history import database
from rag.history.models import Base
from rag.history.opening import open_with_sign_ins
from rag.history.records import Counts

FIRST_VERSION = Path(__file__).parent / "first_version.sql"


@pytest.fixture
def engine(settings):
    """The database as the first version left it."""
    url = database.database_url(settings.history_url.get_secret_value(), settings.data_dir)
    made = database.open_engine(url)
    lines = [line for line in FIRST_VERSION.read_text().splitlines() if line[:2] != "--"]
    statements = [each for each in "\n".join(lines).split(";") if each.strip()]
    with made.connect().execution_options(writes=True) as connection, connection.begin():
        if url.get_backend_name() == "sqlite":  # the file's tables are PostgreSQL's
            config = Config()
            config.set_main_option("script_location", str(database.MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            rows = [each for each in statements if "INSERT INTO" in each and "alembic" not in each]
            statements = [each.replace("+00'", ".000000'") for each in rows]
        for statement in statements:
            connection.exec_driver_sql(statement)
    yield made
    made.dispose()


def revision(engine) -> str:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_it_gets_what_is_new_and_keeps_what_it_has(engine, settings):
    assert revision(engine) == "0001"
    history, sign_ins = open_with_sign_ins(settings)
    assert history.people() == {"user ann-1": Counts(1, 1, 1)}
    [turn] = history.conversation("user ann-1", "kept-of-old").turns
    assert (turn.question, turn.rating) == ("Where is the crane?", "down")
    assert turn.time == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert turn.answer["abstained"] is True
    assert [line.request for line in history.audit()] == ["abc123"]
    sign_ins.keep("k", "user ann-1", frozenset(), frozenset())
    assert history.people() == {"user ann-1": Counts(1, 1, 1, 1)}
    history.close()
    assert revision(engine) == "0002"
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_servers_that_start_at_once_make_the_step_once(engine, settings):
    servers = [open_with_sign_ins(settings) for _ in range(4)]
    problems: list[StoreError] = []
    start = threading.Barrier(len(servers))

    def use(number: int) -> None:
        start.wait(timeout=60)
        try:
            servers[number][1].keep(f"k{number}", "user bob-2", frozenset(), frozenset())
        except StoreError as error:
            problems.append(error)

    users = [threading.Thread(target=use, args=[number]) for number in range(len(servers))]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert problems == []
    history = servers[0][0]
    assert history.people() == {"user ann-1": Counts(1, 1, 1), "user bob-2": Counts(0, 0, 0, 4)}
    for each, _ in servers:
        each.close()
    assert revision(engine) == "0002"
