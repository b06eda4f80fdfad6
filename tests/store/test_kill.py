"""kill -9 in the middle of ingest and indexing: nothing acknowledged is lost, nothing is doubled.

Each round starts a real process that ingests a folder and follows with both indexes, kills it
after a while that grows from round to round, and then looks at what it left.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from rag.ingest.pipeline import Ingestor
from rag.store.catalog import Catalog
from rag.store.indexes import Indexes
from tests.conftest import PROJECT, WordEmbedder

DOCUMENTS = 60
ROUNDS = 8

INGEST = """
import sys
from pathlib import Path
from rag.ingest.pipeline import Ingestor
from rag.store.catalog import Catalog
from rag.store.indexes import Indexes
from tests.conftest import WordEmbedder

catalog = Catalog(Path(sys.argv[1]))
indexes = Indexes(catalog, catalog.path.parent)
print("started", flush=True)
for part in sys.argv[2:]:
    Ingestor(catalog, WordEmbedder(), passage_chars=200, overlap_chars=0).ingest([part])
    for info in catalog.documents():
        print("done", info.source, flush=True)
    indexes.follow()
"""


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    draw = random.Random(7)
    folders = []
    for group in range(6):
        folder = tmp_path / f"docs{group}"
        folder.mkdir()
        for number in range(DOCUMENTS // 6):
            fruit = draw.choice(WordEmbedder.words)
            sentences = [
                f"Sentence {n} of {group}-{number} speaks of the {fruit}." for n in range(20)
            ]
            (folder / f"{number}.txt").write_text(" ".join(sentences))
        folders.append(folder)
    return folders


def test_kills_lose_and_double_nothing(tmp_path, folders):
    store = tmp_path / "store" / "catalog.sqlite3"
    command = [sys.executable, "-c", INGEST, str(store), *map(str, folders)]
    acknowledged: set[str] = set()
    killed = 0
    for round_number in range(ROUNDS):
        process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(0.02 + 0.08 * round_number)
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().splitlines()
        process.stdout.close()
        killed += process.wait() == -signal.SIGKILL
        acknowledged |= {line[5:] for line in lines if line.startswith("done ")}
        with closing(Catalog(store)) as catalog:
            check(catalog, acknowledged)
    assert killed >= 3, "the rounds are too slow or the ingest too fast to test anything"

    with closing(Catalog(store)) as catalog, closing(Indexes(catalog, store.parent)) as indexes:
        ingestor = Ingestor(catalog, WordEmbedder(), passage_chars=200, overlap_chars=0)
        ingestor.ingest(list(map(str, folders)))
        assert catalog.counts().documents == DOCUMENTS
        indexes.follow()
        assert not indexes.behind
        ids = {i for i, _ in indexes.search_lexical("sentence speaks", 10_000)}
        assert len(ids) == catalog.counts().passages
        assert indexes.vectors is not None
        found = indexes.vectors.search(WordEmbedder().embed_query("apple"), 10_000)
        assert {i for i, _ in found} == ids


def check(catalog: Catalog, acknowledged: set[str]) -> None:
    """What the store holds is whole: every document has all its passages, each once."""
    documents = catalog.documents()
    assert acknowledged <= {info.source for info in documents}
    for info in documents:
        document = catalog.document(info.doc_id)
        assert document is not None
        held = [p for p in catalog.changes(0, limit=10**6).passages if p.doc_id == info.doc_id]
        assert "".join(p.text for p in held).replace(" ", "") == document.text.replace(" ", "")
