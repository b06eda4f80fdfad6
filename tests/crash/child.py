"""What runs in the harness's children: a `footnote` command with a fault, and a look at a store.

The children are forked from a process that has imported everything and started nothing, so that a
round costs no start-up. Each is a process of its own, which `kill -9` really ends.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import chromadb
import numpy as np

import rag.cli
import rag.ingest_command
import rag.language
import rag.status  # so that no child has to
from rag.ingest.passages import split
from rag.retrieval.hashing import HashingEmbedder
from rag.store import faults
from rag.store.catalog import Catalog
from rag.store.records import embedded_text, vector_key

PASSAGE_CHARS = 300
ENVIRONMENT = {
    "FOOTNOTE_EMBEDDING_MODEL": "hashing",
    "FOOTNOTE_PASSAGE_CHARS": str(PASSAGE_CHARS),
    "ANONYMIZED_TELEMETRY": "False",
}
SQL = ("catalog.", "lexical.")  # where the disk speaks through SQLite
ACKNOWLEDGED = "\x06"  # printed when a document's transaction has been committed

rag.language.document_language("Loads the classifier, which every child then has.")


@dataclass(frozen=True)
class Fault:
    """What happens at the n-th visit of a point.

    `kill` ends the process; `error` is what the disk says when it cannot read or write; `full`
    lets every later write to a file fail, as the kernel does when there is no room.
    """

    point: str
    visit: int
    action: str


def command(
    arguments: Sequence[str],
    folder: str,
    fault: Fault | None,
    output: Connection,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> None:
    """Run `footnote` with these arguments in a folder; what it prints goes to `output`."""
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    # What was there may have been a file, and takes the pipe for one still.
    sys.stdout = os.fdopen(1, "w", closefd=False)
    os.chdir(folder)
    os.environ.update(environment)
    faults.arm(_Faulty(fault))
    sys.argv = ["footnote", *arguments]
    rag.cli.main()


class _Faulty:
    def __init__(self, fault: Fault | None) -> None:
        self._fault = fault
        self._visits: Counter[str] = Counter()

    def __call__(self, point: str) -> None:
        assert point in faults.POINTS, f"{point} is not in the list"
        self._visits[point] += 1
        if point in ("catalog.put.committed", "catalog.remove.committed"):
            os.write(1, ACKNOWLEDGED.encode())
        fault = self._fault
        if fault and point == fault.point and self._visits[point] == fault.visit:
            self._happen(fault)

    def _happen(self, fault: Fault) -> None:
        if fault.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault.action == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        elif fault.point.startswith(SQL) and not fault.point.endswith("committed"):
            raise sqlite3.OperationalError("disk I/O error")
        else:
            raise OSError(5, "Input/output error")


def visits(arguments: Sequence[str], folder: str, output: Connection) -> None:
    """Run a command without a fault and print each point that it reaches, one a line."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.chdir(folder)
    os.environ.update(ENVIRONMENT)
    faults.arm(lambda point: os.write(output.fileno(), f"{point}\n".encode()) and None)
    sys.argv = ["footnote", *arguments]
    rag.cli.main()


@dataclass(frozen=True)
class Seen:
    """What a store holds: the version of each source's document, and what is wrong with it."""

    seq: int
    versions: dict[str, str]
    wrong: list[str]


def look(store: str, model: str, with_followers: bool, output: Connection) -> None:
    """Send what a store holds; with followers, they must equal the catalogue."""
    wrong: list[str] = []
    with closing(Catalog(Path(store) / "catalog.sqlite3")) as catalog:
        wrong += _look_at_rows(catalog, model)
        versions: dict[str, str] = {}
        for info in catalog.documents():
            document = catalog.document(info.doc_id)
            assert document is not None
            if info.source in versions:
                wrong.append(f"{info.source} is there twice")
            versions[info.source] = document.text.split()[1]
        if with_followers:
            wrong += _look_at_followers(catalog, Path(store))
        output.send(Seen(catalog.seq, versions, wrong))


def _look_at_rows(catalog: Catalog, model: str) -> list[str]:
    """Compare every passage and vector with what its document's text makes of it.

    Vectors of a real model are only counted: to make them again would take too long.
    """
    wrong: list[str] = []
    embedder = HashingEmbedder()
    held = catalog.changes(0, limit=10**9)
    vectors = dict(zip([p.passage_id for p in held.passages], held.vectors, strict=True))
    expected: dict[str, str] = {}
    for info in catalog.documents():
        document = catalog.document(info.doc_id)
        assert document is not None
        for passage in split(document, passage_chars=PASSAGE_CHARS, overlap_chars=0):
            expected[passage.passage_id] = vector_key(model, passage)
            vector = vectors.get(passage.passage_id)
            if vector is None:
                wrong.append(f"{info.source} lacks a passage or its vector")
            elif model == embedder.name and not np.allclose(
                vector, embedder.embed_query(embedded_text(passage)), atol=1e-3
            ):
                wrong.append(f"{info.source} has the vector of another text")
    if extra := vectors.keys() - expected.keys():
        wrong.append(f"{len(extra)} passages that no document has")
    with closing(sqlite3.connect(catalog.path)) as connection:
        rows = connection.execute("SELECT passage_id, vector_key FROM passages").fetchall()
        if len(rows) != len(expected) or dict(rows) != expected:
            wrong.append(f"{len(rows)} rows of passages, {len(expected)} expected")
        parted = connection.execute(
            "SELECT path FROM documents GROUP BY path HAVING count(DISTINCT collection) > 1"
        ).fetchall()
        if parted:
            wrong.append(f"{len(parted)} files are in two collections at once")
        keys = {row[0] for row in connection.execute("SELECT vector_key FROM vectors")}
        if orphans := keys - set(expected.values()):
            wrong.append(f"{len(orphans)} vectors that no passage has")
        for check in ("integrity_check", "foreign_key_check"):
            found = connection.execute(f"PRAGMA {check}").fetchall()
            if found not in ([("ok",)], []):
                wrong.append(f"{check}: {found[:3]}")
    return wrong


def _look_at_followers(catalog: Catalog, store: Path) -> list[str]:
    wrong: list[str] = []
    held = catalog.changes(0, limit=10**9)
    vectors = dict(zip([p.passage_id for p in held.passages], held.vectors, strict=True))
    with closing(sqlite3.connect(store / "lexical.sqlite3")) as connection:
        ids = [row[0] for row in connection.execute("SELECT passage_id FROM rows")]
        texts = connection.execute(
            "SELECT r.passage_id, w.text FROM rows r JOIN words w ON w.rowid = r.row"
        ).fetchall()
        count = connection.execute("SELECT count(*) FROM words").fetchone()[0]
        if sorted(ids) != sorted(vectors) or count != len(ids):
            wrong.append(f"lexical: {len(ids)} ids, {count} texts, {len(vectors)} passages")
        if dict(texts) != {p.passage_id: p.text for p in held.passages}:
            wrong.append("lexical: other texts than the catalogue's")
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    folders = list((store / "vectors").glob("gen-*"))
    if len(folders) != 1:
        return [*wrong, f"{len(folders)} generations of vectors"]
    client = chromadb.PersistentClient(
        str(folders[0]), settings=chromadb.config.Settings(anonymized_telemetry=False)
    )
    found = client.get_collection("passages", embedding_function=None).get(include=["embeddings"])
    client.close()
    if sorted(found["ids"]) != sorted(vectors):
        wrong.append(f"vectors: {len(found['ids'])} ids, {len(vectors)} passages")
    elif any(
        not np.allclose(vectors[i], row, atol=1e-3)
        for i, row in zip(found["ids"], found["embeddings"], strict=True)
    ):
        wrong.append("vectors: other vectors than the catalogue's")
    return wrong
