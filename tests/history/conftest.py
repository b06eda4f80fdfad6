"""A history on each database, empty for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres import Server, running_server

from rag.history.database import database_url, open_engine
from rag.history.opening import open_history
from rag.history.records import History
from rag.settings import Settings


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """The URL of a database that is empty."""
    url = f"postgresql://footnote@/postgres?host={postgres.folder}"
    engine = open_engine(database_url(url, Path("unused")))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings whose history is empty."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path)
    return Settings(data_dir=tmp_path, history_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
def opened(settings: Settings) -> Iterator[Callable[[], History]]:
    """Open the history anew, as another process would."""
    made = []

    def opened() -> History:
        made.append(open_history(settings))
        return made[-1]

    yield opened
    for history in made:
        history.close()


@pytest.fixture
def history(opened: Callable[[], History]) -> History:
    return opened()
