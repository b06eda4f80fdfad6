"""Reading and embedding on an existing Ray cluster, with Ray Data.

Files are read in tasks, each in a sandbox of its own, and embedded by one actor on each node. What
they make comes back as tables of rows (`rag.ingest.shards`). Nodes write nothing, know no keys and
must see the files under the same paths. A task or an actor that dies is run again by Ray; since
ids and keys are hashes, what is made twice is the same.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag import errors
from rag.errors import ConfigurationError, InputError, ModelError, RagError
from rag.ingest.files import Action, Step
from rag.ingest.passages import split
from rag.ingest.readers.ocr import find_tesseract
from rag.ingest.reading import parts_of
from rag.ingest.report import Progress
from rag.ingest.sandbox import Limits, Sandbox
from rag.ingest.shard_rows import fingerprint_of, rows_of, same_model, schema
from rag.retrieval.embedding import Embedder
from rag.settings import keep_libraries_quiet
from rag.store.records import Vectors

if TYPE_CHECKING:
    import pyarrow as pa

_FILES_PER_TASK = 32  # a sandbox takes half a second to start
_BLOCK_BYTES = 4 << 20  # what an actor embeds at a time, and loses when it is killed
_SLICE_CHARS = 500_000
_CONNECT_SECONDS = 10.0
_OWN_ERROR = re.compile(r"^rag\.errors\.(\w+): (.+)\n  (.+)$", re.MULTILINE)
_ANY_ERROR = re.compile(r"^[\w.]+(?:Error|Exception): .+$", re.MULTILINE)


MakeEmbedder = Callable[[], Embedder]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a node needs to know to read and embed as this machine would.

    `make_embedder` must be importable on the nodes; `fingerprint` is that of its model here.
    """

    make_embedder: MakeEmbedder
    model: str
    fingerprint: tuple[float, ...]
    passage_chars: int
    overlap_chars: int
    limits: Limits


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be a client of the cluster at an address ("auto", or HOST:PORT of its head) for a while.

    Raises:
        ConfigurationError: Ray is not installed.
        InputError: there is no cluster.
    """
    keep_libraries_quiet()
    _check_address(address)
    try:
        import ray
    except ImportError as error:
        raise ConfigurationError(
            "Ingesting on a cluster needs Ray, which is not installed.",
            "Install it here and on every node: pip install 'footnote[ray]'",
        ) from error
    already = ray.is_initialized()
    try:
        if not already:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"There is no Ray cluster at {address!r}: {error}",
            "Run this on a machine of the cluster, with --ray auto or --ray HEAD:6379.",
        ) from error
    try:
        yield
    finally:
        if not already:
            ray.shutdown()


def _check_address(address: str) -> None:
    """See that somebody listens, which Ray would wait for without end."""
    host, colon, port = address.rpartition(":")
    hint = "Run this on a machine of the cluster, with --ray auto or --ray HEAD:6379."
    if "/" in address:
        raise InputError(f"{address!r} is not the address of a cluster's head.", hint)
    if colon and port.isdigit():
        try:
            socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise InputError(f"There is no Ray cluster at {address!r}: {error}", hint) from error


def read_and_embed(
    steps: Sequence[Step], recipe: Recipe, on_progress: Callable[[Progress], None]
) -> Iterator[pa.Table]:
    """Have the cluster read and embed files; yields tables of rows, in no order.

    Raises:
        InputError: a node does not see the files.
        RagError: the cluster gave up.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext
    from ray.exceptions import RayError

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise InputError("The cluster has no node with processors.", "Start one: ray start")
    # The actor takes what a node has but one, which is left for reading.
    cores = min(int(node["Resources"]["CPU"]) for node in nodes)
    actor_cores, task_cores = (cores - 1, 1) if cores > 1 else (0.5, 0.5)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what it says is raised as well
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = _BLOCK_BYTES
    planned = [_planned(step) for step in steps]
    tasks = -(-len(planned) // _FILES_PER_TASK)
    dataset = (
        ray.data.from_items(planned, override_num_blocks=tasks)
        .map_batches(
            read_files,
            batch_size=_FILES_PER_TASK,
            batch_format="pyarrow",
            fn_kwargs={"recipe": recipe},
            num_cpus=task_cores,
        )
        .map_batches(
            EmbedRows,
            batch_size=None,
            batch_format="pyarrow",
            fn_constructor_kwargs={"recipe": recipe},
            compute=ActorPoolStrategy(size=min(len(nodes), tasks)),
            num_cpus=actor_cores,
        )
    )
    try:
        tables = dataset.iter_batches(batch_size=None, batch_format="pyarrow")
        yield from _watched(tables, steps, on_progress)
    except RayError as error:
        raise _given_up(error) from error


def _planned(step: Step) -> dict[str, Any]:
    names = ("path", "source", "size_bytes", "mtime_ns")
    return {name: getattr(step, name) for name in names}


def read_files(batch: pa.Table, recipe: Recipe) -> Iterator[pa.Table]:
    """Read files as an ingest does; yields tables of rows that are still to be embedded."""
    import pyarrow as pa

    limits = dataclasses.replace(recipe.limits, tesseract=find_tesseract())
    cut = functools.partial(
        split, passage_chars=recipe.passage_chars, overlap_chars=recipe.overlap_chars
    )
    with Sandbox(limits) as sandbox:
        rows = (
            row
            for planned in batch.to_pylist()
            for step in [Step(Action.ADD, **planned)]
            for row in rows_of(step, parts_of(step, sandbox.read), cut, recipe.model)
        )
        for some in _sliced(rows):
            yield pa.Table.from_pylist(some, schema(with_texts=True))


def _sliced(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    chars = 0
    for row in rows:
        some.append(row)
        chars += len(row.get("document") or "")
        if chars >= _SLICE_CHARS:
            yield some
            some, chars = [], 0
    if some:
        yield some


class EmbedRows:
    """An actor that holds the embedding model of a node and turns texts into vectors.

    Raises:
        ModelError: the node's model is another than that of the machine that asks.
    """

    def __init__(self, recipe: Recipe) -> None:
        import ray

        self._embedder = recipe.make_embedder()
        self._node = ray.get_runtime_context().get_node_id()
        if not same_model(fingerprint_of(self._embedder.embed_passages), recipe.fingerprint):
            raise ModelError(
                f"Node {self._node} has another model under the name {recipe.model!r}.",
                "Bring the same model, and the same version of Footnote, to every node.",
            )

    def __call__(self, table: pa.Table) -> pa.Table:
        return embed_rows(table, self._embedder, self._node)


def embed_rows(table: pa.Table, embedder: Embedder, node: str) -> pa.Table:
    """Put vectors in the place of texts; equal texts are embedded once."""
    import pyarrow as pa

    rows = table.to_pylist()
    texts: dict[str, str] = {}
    for row in rows:
        texts.update(zip(row["vector_keys"] or (), row.pop("texts") or (), strict=True))
    found: dict[str, Vectors] = {}
    if texts:
        found = dict(zip(texts, embedder.embed_passages([*texts.values()]), strict=True))
    for row in rows:
        row["node"] = node
        if row["vector_keys"]:
            vectors = np.stack([found[key] for key in row["vector_keys"]])
            row["vectors"] = vectors.astype("<f2").tobytes()
    return pa.Table.from_pylist(rows, schema())


def _watched(
    tables: Iterator[pa.Table], steps: Sequence[Step], on_progress: Callable[[Progress], None]
) -> Iterator[pa.Table]:
    """Pass tables on, tell how far they are, and stop when a node does not see a file."""
    import pyarrow.compute as pc

    total = sum(step.size_bytes for step in steps)
    done = documents = passages = 0
    for table in tables:
        for row in table.select(["source", "path", "size_bytes", "sha256", "last"]).to_pylist():
            if not row["sha256"] and Path(row["path"]).exists():
                raise InputError(
                    f"A node of the cluster cannot open {row['path']}.",
                    "Mount the folder on every node under the same path, readable by Ray.",
                )
            done += row["size_bytes"] if row["last"] else 0
        documents += table.num_rows - table["document"].null_count
        passages += pc.sum(pc.list_value_length(table["passage_ids"])).as_py() or 0
        yield table
        source = table["source"][-1].as_py() if table.num_rows else ""
        on_progress(Progress(source, done, total, documents, passages))


def _given_up(error: Exception) -> RagError:
    """Find the reason in what Ray says of a task that failed: it brings no causes, only text."""
    text = str(error)
    ours = _OWN_ERROR.search(text)
    kind = getattr(errors, ours[1], None) if ours else None
    if ours and isinstance(kind, type) and issubclass(kind, RagError):
        return kind(ours[2], ours[3])
    named = _ANY_ERROR.findall(text) or text.strip().splitlines() or [type(error).__name__]
    return RagError(
        f"The cluster gave up: {named[-1]}",
        "What it had finished is kept; the same command goes on from there.",
    )
