"""footnote ingest --ray: embed on a cluster, then bring what it made into the store."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from rag.build import build_embedder, open_ingestor, plan_ingest, read_limits
from rag.errors import StoreBusyError
from rag.ingest.files import Action
from rag.ingest.on_ray import MakeEmbedder, Recipe, connected, read_and_embed
from rag.ingest.report import Report
from rag.ingest.shard_rows import fingerprint_of
from rag.ingest.shards import Shards
from rag.ingest_command import progress_bar
from rag.settings import Settings
from rag.store.read_only import may_be_written, not_writable
from rag.store.written_with import written_with

_EMBEDDED = (Action.ADD, Action.REPLACE)  # a file that was moved has its vectors


def run_on_ray(
    settings: Settings,
    paths: Sequence[str],
    address: str,
    console: Console,
    *,
    prune: bool = False,
    collection: str | None = None,
    make_embedder: MakeEmbedder | None = None,
) -> Report:
    """Ingest by way of the cluster at an address; what was cut off goes on where it stopped.

    The cluster fills a folder of shards beside the store; after that this process, as the store's
    only writer, commits them document by document, and deletes the folder.

    Raises:
        StoreBusyError: another process does the same to this store.
        StoreError: shards are there that were made with another model or passage size.
    """
    make_embedder = make_embedder or functools.partial(build_embedder, _without_secrets(settings))
    embedder = make_embedder()
    fingerprint = fingerprint_of(embedder.embed_passages)
    with _alone(settings.data_dir):
        shards = Shards(settings.data_dir / "shards", written_with(settings), fingerprint)
        steps = [s for s in plan_ingest(settings, paths, prune=prune) if s.action in _EMBEDDED]
        if missing := shards.missing(steps):
            recipe = Recipe(
                make_embedder=make_embedder,
                model=embedder.name,
                fingerprint=tuple(fingerprint),
                passage_chars=settings.passage_chars,
                overlap_chars=settings.overlap_chars,
                limits=read_limits(settings),
            )
            with connected(address), progress_bar(console) as show:
                shards.write(read_and_embed(missing, recipe, show))
        with (
            progress_bar(console) as show,
            open_ingestor(settings, show, embedder, shards) as ingestor,
        ):
            report = ingestor.ingest(paths, prune=prune, order=shards.order, collection=collection)
        shards.delete()
        return report


def _without_secrets(settings: Settings) -> Settings:
    """Return what an embedder is made of; nodes need not know the rest."""
    return Settings.model_construct(
        embedding_model=settings.embedding_model, allow_downloads=settings.allow_downloads
    )


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    if not may_be_written(data_dir / "catalog.sqlite3"):
        raise not_writable(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(data_dir / "shards.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreBusyError(
            f"Another process is filling {data_dir} by way of a cluster.",
            "Wait for it to finish; nothing was changed.",
        ) from error
    try:
        yield
    finally:
        lock.release()
