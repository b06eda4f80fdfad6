"""A store that may only be read: it is read as it is, whoever writes it meanwhile."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rag.errors import StoreBusyError, StoreError
from rag.store.read_only import ReadOnlyFile, may_be_written


def writer(path: Path) -> sqlite3.Connection:
    """Open a database as the catalogue and the word index are opened."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
    return connection


def write(path: Path, word: str) -> None:
    """Write a word as a process that comes and goes: nothing is left in a log."""
    with closing(writer(path)) as connection:
        connection.execute("INSERT INTO words VALUES (?)", (word,))


def words(file: ReadOnlyFile) -> list[str]:
    with file.reading() as connection:
        return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY rowid")]


def beside(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "words.sqlite3"
    write(path, "apple")
    return path


@pytest.fixture
def file(path: Path):
    file = ReadOnlyFile(path)
    yield file
    file.close()


def test_reading_leaves_nothing_beside_the_file(path, file):
    assert words(file) == ["apple"]
    assert beside(path) == ["words.sqlite3"]


def test_what_a_writer_has_in_its_log_is_read(path, file):
    assert words(file) == ["apple"]
    with closing(writer(path)) as connection:
        connection.execute("INSERT INTO words VALUES ('pear')")
        assert words(file) == ["apple", "pear"]
        connection.execute("INSERT INTO words VALUES ('plum')")
        assert words(file) == ["apple", "pear", "plum"]


def test_what_writers_left_that_came_and_went_is_read(path, file):
    for word in ("pear", "plum", "fig"):
        write(path, word)
        assert words(file)[-1] == word
    assert words(file) == ["apple", "pear", "plum", "fig"]


def test_a_log_that_a_killed_writer_left_is_read(path, tmp_path):
    with closing(writer(path)) as connection:
        connection.execute("INSERT INTO words VALUES ('pear')")
        killed = tmp_path / "killed" / path.name
        killed.parent.mkdir()
        for name in beside(path):
            if (path.parent / name).is_file():
                (killed.parent / name).write_bytes((path.parent / name).read_bytes())
    with closing(ReadOnlyFile(killed)) as file:
        assert words(file) == ["apple", "pear"]


def test_a_log_that_cannot_be_read_is_told_and_not_left_out(path):
    with closing(writer(path)) as connection:
        connection.execute("INSERT INTO words VALUES ('pear')")
        shared = path.with_name(path.name + "-shm")
        shared.rename(shared.with_suffix(".away"))
        with closing(ReadOnlyFile(path)) as file, pytest.raises(StoreError, match="as its owner"):
            words(file)
        shared.with_suffix(".away").rename(shared)


def test_what_was_read_while_it_changed_is_void(path, file):
    def read_slowly() -> None:
        with file.reading() as connection:
            connection.execute("SELECT word FROM words").fetchall()
            write(path, "pear")

    with pytest.raises(StoreBusyError, match="changed while it was being read"):
        read_slowly()
    assert words(file) == ["apple", "pear"]


def test_another_file_in_its_place_is_read(path, file, tmp_path):
    assert words(file) == ["apple"]
    other = tmp_path / "other.sqlite3"
    write(other, "fig")
    other.replace(path)
    assert words(file) == ["fig"]


def test_what_was_kept_of_it_is_forgotten_when_it_has_changed(path):
    forgotten: list[str] = []
    with closing(ReadOnlyFile(path, forget=lambda: forgotten.append("all"))) as file:
        words(file)
        words(file)
        before = len(forgotten)
        write(path, "pear")
        words(file)
        assert len(forgotten) == before + 1


def test_a_refused_connection_is_not_used(path):
    def refuse(connection: sqlite3.Connection) -> None:
        raise StoreError("of another version")

    with closing(ReadOnlyFile(path, check=refuse)) as file:
        for _ in range(2):
            with pytest.raises(StoreError, match="of another version"):
                words(file)


def test_a_folder_yet_to_be_made_may_be_written_if_the_one_above_may(tmp_path):
    assert may_be_written(tmp_path / "new" / "store" / "catalog.sqlite3")


WRITER = """
import random, sqlite3, sys
chance, number = random.Random(7), 0
while number < 60:
    connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
    connection.execute("PRAGMA journal_mode=WAL")
    for _ in range(chance.choice([1, 1, 4])):
        number += 1
        connection.execute("UPDATE numbers SET number = ?, filling = randomblob(?)",
                           (number, chance.randrange(3000)))
        if chance.random() < 0.3:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
print(number)
"""


@pytest.mark.parametrize("opened_anew", [True, False])
def test_whoever_writes_meanwhile_one_state_is_read_or_none(tmp_path, opened_anew):
    """Every row of a state has the same number, and no later read may see an earlier state."""
    path = tmp_path / "numbers.sqlite3"
    with closing(writer(path)) as connection:
        connection.execute("CREATE TABLE numbers (number, filling)")
        connection.executemany("INSERT INTO numbers VALUES (0, ?)", [(b"x" * 900,)] * 200)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    seen, file = [0], ReadOnlyFile(path)
    while (ended := process.poll()) is None or seen[-1] < 60:
        try:
            with file.reading() as connection:
                states = connection.execute("SELECT number, filling FROM numbers").fetchall()
        except StoreBusyError:
            assert ended is None, "nobody writes any more"
            continue
        finally:
            if opened_anew:
                file.close()
        (number,) = {number for number, _ in states}
        seen.append(number)
        assert seen[-1] >= seen[-2]
        assert ended is None or number >= 60, "the last state is what is read in the end"
    file.close()
    assert int(process.communicate()[0]) == seen[-1]
