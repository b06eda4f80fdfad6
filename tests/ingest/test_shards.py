"""Shards made by what nodes run, without a cluster, and what an ingest makes of them."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import re
import signal
from pathlib import Path

import pytest

from rag.build import open_ingestor, plan_ingest, read_limits
from rag.errors import InputError, ModelError, StoreError
from rag.ingest.on_ray import Recipe, _given_up, connected, embed_rows, read_files
from rag.ingest.shard_rows import fingerprint_of, same_model
from rag.ingest.shards import Shards
from rag.retrieval.hashing import HashingEmbedder
from rag.settings import Settings
from rag.store.written_with import written_with
from tests.crash import child
from tests.crash.child import Fault
from tests.ingest.test_on_ray import held

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None,
    reason="Arrow is not installed: pip install '.[ray]'",
)
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.crash.child"])
FINGERPRINT = fingerprint_of(HashingEmbedder().embed_passages)
NO_CLUSTER = "127.0.0.1:1"  # nobody listens there


class CountingEmbedder(HashingEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.embedded = 0

    def embed_passages(self, texts):
        self.embedded += len(texts)
        return super().embed_passages(texts)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(12):
        told = " ".join(f"The pear met apple number {number * n} at noon." for n in range(30))
        (docs / f"{number:02}.txt").write_text(f"Note {number}. {told}")
    records = [{"_id": f"r{n}", "title": "", "text": f"Fig number {n} is ripe."} for n in range(5)]
    (docs / "set.jsonl").write_text("\n".join([*map(json.dumps, records), "{broken"]))
    (docs / "empty.txt").write_text("")
    return Settings(
        data_dir=tmp_path / "store",
        embedding_model="hashing",
        passage_chars=child.PASSAGE_CHARS,
        reader="similarity",
    )


def open_shards(settings: Settings, fingerprint: list[float] = FINGERPRINT) -> Shards:
    return Shards(settings.data_dir / "shards", written_with(settings), fingerprint)


def recipe(settings: Settings) -> Recipe:
    return Recipe(
        make_embedder=HashingEmbedder,
        model="hashing",
        fingerprint=tuple(FINGERPRINT),
        passage_chars=settings.passage_chars,
        overlap_chars=settings.overlap_chars,
        limits=read_limits(settings),
    )


def fill(settings: Settings, paths: tuple[str, ...] = ("docs",)) -> Shards:
    """Do what a cluster does, here."""
    import pyarrow as pa

    shards = open_shards(settings)
    steps = shards.missing(plan_ingest(settings, paths))
    names = ("path", "source", "size_bytes", "mtime_ns")
    planned = [{name: getattr(step, name) for name in names} for step in steps]
    read = read_files(pa.Table.from_pylist(planned), recipe(settings))
    shards.write(embed_rows(table, HashingEmbedder(), "here") for table in read)
    return shards


def load(settings: Settings, shards: Shards) -> int:
    """Ingest what the shards hold; returns how many passages had to be embedded here."""
    embedder = CountingEmbedder()
    with open_ingestor(settings, embedder=embedder, shards=shards) as ingestor:
        ingestor.ingest(["docs"], order=shards.order)
    return embedder.embedded


@pytest.fixture
def alone(settings: Settings, tmp_path: Path) -> tuple[set, set]:
    """What one process makes of the folder."""
    with open_ingestor(settings.model_copy(update={"data_dir": tmp_path / "alone"})) as ingestor:
        ingestor.ingest(["docs"])
    return held(tmp_path / "alone")


def test_shards_become_what_one_process_makes(settings, alone):
    shards = fill(settings)
    assert shards.missing(plan_ingest(settings, ["docs"])) == []
    assert load(settings, shards) == 0
    assert held(settings.data_dir) == alone
    assert {reason for *_, reason in alone[1]} == {"", "bad-record", "empty"}


def test_a_shard_says_what_the_catalogue_will_hold(settings, alone):
    import pyarrow.parquet as pq

    shards = fill(settings)
    (record,) = shards.records
    rows = pq.read_table(shards.folder / record.name).to_pylist()
    made = {
        (passage, key)
        for row in rows
        for passage, key in zip(row["passage_ids"] or (), row["vector_keys"] or (), strict=True)
    }
    assert made == {(passage[0], passage[2]) for passage in alone[0]}
    assert record.passages == len(made)
    assert record.rows == len(rows) == 12 + 5 + 1 + 1


def test_what_changed_since_is_read_and_embedded_here(settings, alone, tmp_path):
    shards = fill(settings)
    path = tmp_path / "docs" / "03.txt"
    text, status = path.read_text(), path.stat()
    path.write_text(text.replace("pear", "plum"))  # as long, and as old
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    embedded_here = load(settings, shards)
    new = {passage[1] for passage in held(settings.data_dir)[0] - alone[0]}
    assert embedded_here == len(new) > 0


def test_a_damaged_shard_is_made_again(settings, alone):
    first = fill(settings, ("docs/0*.txt",))
    (record,) = first.records
    path = first.folder / record.name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (first.folder / "000007.parquet.part").write_bytes(b"cut off")
    shards = fill(settings)
    assert load(settings, shards) == 0
    assert held(settings.data_dir) == alone
    shards.delete()
    assert not shards.folder.exists()


def test_a_second_run_makes_only_what_is_missing(settings, alone):
    fill(settings, ("docs/0*.txt",))
    shards = fill(settings)
    assert [record.rows for record in shards.records] == [10, 9]
    assert load(settings, shards) == 0
    assert held(settings.data_dir) == alone


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"passage_chars": 500}, "passage_chars"), ({"embedding_model": "other"}, "embedding_model")],
)
def test_shards_of_other_settings_are_refused(settings, changes, named):
    fill(settings)
    with pytest.raises(StoreError, match=f"{named} = ") as refused:
        open_shards(settings.model_copy(update=changes))
    assert "delete this folder" in refused.value.hint


def test_shards_of_another_model_with_the_same_name_are_refused(settings):
    fill(settings)
    with pytest.raises(StoreError, match="another model"):
        open_shards(settings, FINGERPRINT[::-1])
    assert not same_model(FINGERPRINT, FINGERPRINT[:-1])


@pytest.mark.parametrize(
    ("point", "visit"),
    [("catalog.put.passages", 9), ("ingest.commit.file", 2)],
)
def test_a_loader_that_is_killed_goes_on_where_it_stopped(settings, alone, tmp_path, point, visit):
    fill(settings)
    arguments = ["ingest", "docs", "--data-dir", "store", "--ray", NO_CLUSTER]
    killed = run(arguments, tmp_path, Fault(point, visit, "kill"))
    assert killed == -signal.SIGKILL
    passages, files = held(settings.data_dir)
    assert passages <= alone[0]
    assert files < alone[1]
    assert run(arguments, tmp_path, None) == 65, "one file is empty and one is broken"
    assert held(settings.data_dir) == alone
    assert not (settings.data_dir / "shards").exists()


def test_what_a_node_says_is_what_the_person_reads():
    error = ModelError("Node 7 has another model.", "Bring the same one.")
    told = f"ray::EmbedRows()\n  File x\nrag.errors.ModelError: {error}\nMore of Ray's."
    found = _given_up(RuntimeError(told))
    assert isinstance(found, ModelError)
    assert (found.message, found.hint) == (error.message, error.hint)
    found = _given_up(RuntimeError("ray::x\nMemoryError: too much\n  see the manual"))
    assert found.message == "The cluster gave up: MemoryError: too much"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:10001", "nowhere.invalid:1"])
def test_an_address_where_no_cluster_is_is_told_at_once(address):
    with pytest.raises(InputError, match=re.escape(address)), connected(address):
        pytest.fail("there is no cluster")


def run(arguments: list[str], folder: Path, fault: Fault | None) -> int:
    ours, theirs = _processes.Pipe(duplex=False)
    process = _processes.Process(target=child.command, args=(arguments, str(folder), fault, theirs))
    process.start()
    theirs.close()
    while os.read(ours.fileno(), 65536):
        continue
    process.join()
    ours.close()
    return process.exitcode
