"""Eight processes ingest at once, while a server answers: one writes, the others wait or say so."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.build import open_parts
from rag.ingest.passages import split
from rag.settings import Settings
from rag.store.following import following
from rag.types import Document
from tests.crash import child

WRITERS = 8
LETTERS = 3  # of each writer
WAITS_SECONDS = 30.0

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.crash.child"])


@pytest.fixture
def letters(tmp_path: Path) -> dict[str, int]:
    """Write each writer's folder; map the sources to how many passages they have."""
    counts = {}
    for writer in range(WRITERS):
        folder = tmp_path / f"docs{writer}"
        folder.mkdir()
        for number in range(LETTERS):
            text = " ".join(
                f"Sentence {n} was written by person{writer} in letter{number} about the harvest."
                for n in range(30)
            )
            (folder / f"{number}.txt").write_text(text)
            document = Document("d", "", "", text)
            passages = split(document, passage_chars=child.PASSAGE_CHARS, overlap_chars=0)
            counts[f"docs{writer}/{number}.txt"] = len(passages)
    return counts


def start(tmp_path: Path, writer: int):
    ours, theirs = _processes.Pipe(duplex=False)
    process = _processes.Process(
        target=child.command,
        args=(["ingest", f"docs{writer}", "--data-dir", "store"], str(tmp_path), None, theirs),
    )
    process.start()
    theirs.close()
    return process, ours


def printed(connection) -> Iterator[bytes]:
    while part := os.read(connection.fileno(), 65536):
        yield part
    connection.close()


def test_eight_writers_and_a_server(tmp_path, letters):
    settings = Settings(
        data_dir=tmp_path / "store",
        embedding_model="hashing",
        passage_chars=child.PASSAGE_CHARS,
        reader="similarity",
    )
    with open_parts(settings) as parts, following(parts.indexes):
        started = [start(tmp_path, writer) for writer in range(WRITERS)]
        waiting = list(range(WRITERS))
        while any(process.is_alive() for process, _ in started):
            infos = parts.catalog.documents()
            assert all(info.passages == letters[info.source] for info in infos), "half a document"
            if infos:
                hits = parts.assistant.search("harvest", 5)
                assert hits
                assert all(hit.passage.source in letters for hit in hits)
            time.sleep(0.02)  # leave the machine to the writers
        for writer, (process, connection) in enumerate(started):
            process.join()
            said = b"".join(printed(connection)).decode()
            assert process.exitcode in (0, 75), said
            assert process.exitcode == 0 or "Another process" in said
            if process.exitcode == 0:
                waiting.remove(writer)
        for writer in waiting:  # those that were told to come again do
            process, connection = start(tmp_path, writer)
            process.join()
            assert process.exitcode == 0, b"".join(printed(connection))
        assert len(waiting) < WRITERS

        held = {info.source: info.passages for info in parts.catalog.documents()}
        assert held == letters, "every document is there, once and whole"
        deadline = time.monotonic() + WAITS_SECONDS
        while parts.indexes.behind:
            assert time.monotonic() < deadline, "the server's indexes did not follow"
            time.sleep(0.05)
        for writer in range(WRITERS):
            (hit, *_) = parts.assistant.search(f"person{writer} letter1", 3)
            assert hit.passage.source.startswith(f"docs{writer}/")
        assert len(parts.indexes.search_lexical("sentence", 10_000)) == sum(letters.values())
