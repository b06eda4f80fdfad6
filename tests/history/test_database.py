"""Opening: the tables, other versions, broken databases, and URLs."""

from __future__ import annotations

import stat
import threading
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from rag.errors import ConfigurationError, StoreError
from rag.history import database
from rag.history.models import Base
from rag.history.opening import open_history
from rag.history.records import History
from rag.history.sql import SqlHistory
from rag.history.sql_sign_ins import SqlSignIns
from rag.history.transactions import Database
from rag.settings import Settings


@pytest.fixture
def engine(settings):
    url = database.database_url(settings.history_url.get_secret_value(), settings.data_dir)
    made = database.open_engine(url)
    yield made
    made.dispose()


def history_at(url, retry_seconds) -> History:
    opened = Database(url, retry_seconds=retry_seconds)
    return SqlHistory(opened, SqlSignIns(opened, seconds=60))


def writing(engine):
    return engine.connect().execution_options(writes=True)


def test_an_empty_database_is_brought_to_what_the_models_say(engine):
    for _ in range(2):
        with writing(engine) as connection, connection.begin():
            database.migrate(connection)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == "0002"
        assert compare_metadata(context, Base.metadata) == []


def test_a_column_that_no_step_makes_would_be_noticed(engine):
    with writing(engine) as connection, connection.begin():
        database.migrate(connection)
        connection.exec_driver_sql("ALTER TABLE turns DROP COLUMN words")
    with engine.connect() as connection:
        [(change, *_, column)] = compare_metadata(
            MigrationContext.configure(connection), Base.metadata
        )
    assert (change, column.name) == ("add_column", "words")


def test_several_that_open_an_empty_database_at_once_all_can(opened):
    histories: list[History] = [opened() for _ in range(4)]
    found, problems = [], []

    def use(history: History) -> None:
        try:
            found.append(history.people())
        except StoreError as error:
            problems.append(error)

    users = [threading.Thread(target=use, args=[history]) for history in histories]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert problems == []
    assert found == [{}] * 4


def test_a_database_of_a_newer_version_is_left_alone(history, engine, opened):
    history.people()
    with writing(engine) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="another version of Footnote"):
        opened().people()


def test_a_step_that_fails_leaves_nothing_half_made(engine):
    with writing(engine) as connection, connection.begin():
        connection.exec_driver_sql("CREATE TABLE feedback (x INTEGER)")
    history = history_at(engine.url, 0)
    if engine.dialect.name == "postgresql":
        pytest.skip("its URL was translated; the file shows the same")
    with pytest.raises(StoreError, match="feedback"):
        history.people()
    with engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
    assert tables == ["feedback"]


def test_the_file_is_its_owners_alone(tmp_path):
    open_history(Settings(data_dir=tmp_path / "new" / "store")).people()
    file = tmp_path / "new" / "store" / database.FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_database_that_cannot_be_opened_says_so_and_is_tried_again_later(tmp_path):
    (tmp_path / "store").write_text("a file where the folder should be")
    settings = Settings(data_dir=tmp_path / "store")
    url = database.database_url("", settings.data_dir)
    patient, eager = history_at(url, 60), history_at(url, 0)
    for history in (patient, eager):
        with pytest.raises(StoreError, match=r"history\.db cannot be used"):
            history.people()
    (tmp_path / "store").unlink()
    assert eager.people() == {}
    with pytest.raises(StoreError, match=r"history\.db cannot be used"):
        patient.people()


def test_a_spoilt_file_is_an_error_for_people(tmp_path):
    (tmp_path / database.FILE_NAME).write_bytes(b"nothing of the kind" * 500)
    with pytest.raises(StoreError, match="not a database"):
        open_history(Settings(data_dir=tmp_path)).people()


def test_a_server_that_is_not_there_is_an_error_without_the_password(tmp_path):
    url = "postgresql://ann:hush@127.0.0.1:1/history"
    with pytest.raises(StoreError) as caught:
        open_history(Settings(data_dir=tmp_path, history_url=url)).people()
    assert "the database history at 127.0.0.1 cannot be used" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_server_that_goes_away_and_comes_back_is_used_again(
    postgres, postgres_url, tmp_path, caplog
):
    history = open_history(Settings(data_dir=tmp_path, history_url=postgres_url))
    before = history.people()
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match="cannot be used"):
                history.people()
    finally:
        postgres.start()
    assert history.people() == before
    history.close()
    assert caplog.records == [], "no traceback of a connection that could not be closed"


def test_a_server_that_hangs_is_waited_for_once(postgres, postgres_url, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "TIMEOUT_SECONDS", 2)
    url = database.database_url(postgres_url, tmp_path)
    history = history_at(url, 3)
    before = history.people()
    waited = []
    with postgres.frozen():
        for _ in range(4):
            began = time.monotonic()
            with pytest.raises(StoreError, match="cannot be used"):
                history.people()
            waited.append(time.monotonic() - began)
    assert waited[0] > 1.5
    assert max(waited[1:]) < 1
    time.sleep(3)
    assert history.people() == before
    history.close()


def test_no_error_repeats_the_words_of_people(history, engine):
    history.people()
    with writing(engine) as connection, connection.begin():
        connection.exec_driver_sql("DROP TABLE imports")
        connection.exec_driver_sql("DROP TABLE turns")
    with pytest.raises(StoreError) as caught:
        history.conversations("ann", "unspeakable")
    assert "turns" in str(caught.value)
    assert "unspeakable" not in str(caught.value)
    assert "unspeakable" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("nonsense", "not a URL"),
        ("mysql://ann@host/history", "found 'mysql'"),
        ("sqlite://", "in memory"),
        ("postgres://host/history", "names no user"),
        ("postgresql://ann:hush@host:port/history", "not a URL"),
        ("postgresql://ann@host/history?sslmode=sometimes", "sslmode 'sometimes'"),
        ("postgresql+nothing://ann:hush@host/history", "not installed"),
    ],
)
def test_a_url_that_cannot_be_used_is_said_at_once(tmp_path, url, found):
    with pytest.raises(ConfigurationError, match=found) as caught:
        open_history(Settings(data_dir=tmp_path, history_url=url))
    assert "hush" not in str(caught.value)


def test_the_form_of_other_drivers_is_understood():
    url = database.database_url("postgres://ann:pw@db:5433/history?sslmode=require", "unused")
    plain, arguments = database._pg8000(url)
    assert (plain.drivername, plain.host, plain.port) == ("postgresql+pg8000", "db", 5433)
    assert dict(plain.query) == {}
    assert arguments["ssl_context"] is True
    socket = database.database_url("postgresql://ann@/history?host=/run/pg&port=5440", "unused")
    assert database._pg8000(socket)[1]["unix_sock"] == "/run/pg/.s.PGSQL.5440"
