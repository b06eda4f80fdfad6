"""What a cluster of two nodes makes of a folder is what one process makes of it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.torture.seeds import seeds

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'"
)

NOTES = 192  # six tasks of 32 files, so that each of two actors has several batches
ENVIRONMENT = {
    **os.environ,
    "FOOTNOTE_EMBEDDING_MODEL": "hashing",
    "FOOTNOTE_PASSAGE_CHARS": "300",
    "PYTHONPATH": str(PROJECT),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    command = [sys.executable, str(PROJECT / "tests" / "ingest" / "ray_cluster.py")]
    with subprocess.Popen(
        command,
        env=ENVIRONMENT,  # nodes find the code by it
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, footnote: list[str]) -> Path:
    """Write files of every format, some broken, and what one process makes of them."""
    world = tmp_path_factory.mktemp("world")
    docs = world / "docs"
    docs.mkdir()
    for number in range(NOTES):
        told = " ".join(f"The apple {number * n} met the pear in the garden." for n in range(12))
        (docs / f"note-{number:03}.txt").write_text(f"Note {number}. {told}")
    for suffix, data in seeds().items():
        (docs / f"sound{suffix}").write_bytes(data)
        (docs / f"cut{suffix}").write_bytes(data[: len(data) // 2])
    run([*footnote, "ingest", "docs", "--data-dir", "alone"], world)
    return world


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 65), done.stderr + done.stdout  # 65: some cannot be read
    return done.stdout


def held(store: Path) -> tuple[set[tuple], set[tuple]]:
    """Return passages (id, hash of the text, key, vector) and files (path, hash, reason)."""
    with closing(sqlite3.connect(store / "catalog.sqlite3")) as connection:
        passages = connection.execute(
            "SELECT passage_id, text, vector_key, vector, doc_id, start, page, section "
            "FROM passages JOIN vectors USING (vector_key)"
        ).fetchall()
        files = connection.execute("SELECT path, source, sha256, reason FROM files").fetchall()
    hashed = {(p[0], hashlib.sha256(p[1].encode()).hexdigest(), *p[2:]) for p in passages}
    assert len(hashed) == len(passages)
    return hashed, set(files)


def test_a_cluster_makes_what_one_process_makes(cluster, world, footnote):
    command = [*footnote, "ingest", "docs", "--data-dir", "together", "--ray", cluster]
    told = run(command, world)
    alone = held(world / "alone")
    assert len(alone[0]) > NOTES
    assert held(world / "together") == alone
    embedded = len({passage[2] for passage in alone[0]})
    assert f"{embedded} embedded" in " ".join(told.replace(",", "").split())
    assert not (world / "together" / "shards").exists()
    again = run(command, world)
    assert "unchanged" in again
    assert held(world / "together") == alone


def test_an_actor_that_is_killed_loses_and_doubles_nothing(cluster, world):
    folder = world / "killed"
    folder.mkdir()
    (folder / "docs").symlink_to(world / "docs")
    flag = folder / "flag"
    run([sys.executable, "-m", "tests.ingest.ray_run", cluster, str(flag), "docs"], folder)
    assert flag.exists(), "nothing was killed"
    assert held(folder / "store") == held(world / "alone")
