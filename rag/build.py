"""The only place that constructs parts from Settings."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.errors import StoreBusyError
from rag.ingest.files import Step
from rag.ingest.pipeline import Ingestor
from rag.ingest.readers import read_file
from rag.ingest.readers.ocr import find_tesseract
from rag.ingest.reading import ReadFile, parts_of
from rag.ingest.report import Progress
from rag.ingest.sandbox import Limits, Sandbox
from rag.language import language_note
from rag.retrieval.embedding import Embedder, SentenceTransformerEmbedder
from rag.retrieval.hashing import HASHING_MODEL, HashingEmbedder
from rag.retrieval.packaged import PACKAGED_MODEL
from rag.retrieval.remembering import Remembering
from rag.retrieval.retriever import HybridRetriever
from rag.settings import Settings
from rag.store.catalog import Catalog
from rag.store.faults import reach
from rag.store.indexes import Indexes, in_step
from rag.store.write_lock import write_lock
from rag.store.written_with import BEING_REINDEXED, check_written_with, written_with

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from rag.answering.generation import Generator
    from rag.answering.reading.evidence import EvidenceFinder
    from rag.answering.reading.model import Reading, ReadingModel
    from rag.assistant import Assistant
    from rag.ingest.shards import Shards


@dataclass(frozen=True, slots=True)
class Parts:
    """An open store and the assistant over it."""

    catalog: Catalog
    indexes: Indexes
    embedder: Embedder
    assistant: Assistant


@contextmanager
def open_catalog(settings: Settings) -> Iterator[Catalog]:
    """Open the catalogue, and close it at the end.

    Raises:
        StoreError: it is damaged, or was written with another model or other passage settings.
    """
    with closing(Catalog(settings.data_dir / "catalog.sqlite3")) as catalog:
        if catalog.counts().documents:
            check_written_with(catalog.all_meta(), settings)
        yield catalog


@contextmanager
def open_parts(settings: Settings) -> Iterator[Parts]:
    """Open a store for asking: catalogue, indexes brought up to date, models, assistant.

    The assistant is an ordinary object; what it holds is released when the context ends.
    """
    with (
        open_catalog(settings) as catalog,
        closing(Indexes(catalog, settings.data_dir)) as indexes,
    ):
        indexes.follow()
        embedder = build_embedder(settings)
        yield Parts(
            catalog, indexes, embedder, build_assistant(settings, catalog, indexes, embedder)
        )


@contextmanager
def open_catalog_for_writing(settings: Settings) -> Iterator[Catalog]:
    """Open the catalogue as its only writer; the indexes have followed when this ends well.

    Raises:
        StoreBusyError: another process is writing.
    """
    with write_lock(settings.data_dir), open_catalog(settings) as catalog:
        reach("store.write.locked")
        yield catalog
        catalog.checkpoint()
        reach("store.write.checkpointed")
        if not in_step(catalog, settings.data_dir):
            with closing(Indexes(catalog, settings.data_dir)) as indexes:
                indexes.follow()
                reach("store.write.followed")


@contextmanager
def open_ingestor(
    settings: Settings,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    embedder: Embedder | None = None,
    shards: Shards | None = None,
) -> Iterator[Ingestor]:
    """Open a store for writing; the indexes have followed when the context ends well.

    Who opens it again and again gives an embedder, whose model is then loaded once. What `shards`
    hold is neither read nor embedded here.

    Raises:
        StoreBusyError: another process is writing.
    """
    with open_catalog_for_writing(settings) as catalog:
        if not catalog.counts().documents:
            catalog.set_meta(written_with(settings))
        with Sandbox(read_limits(settings)) as sandbox:
            yield _ingestor(settings, catalog, on_progress, sandbox.read, embedder, shards)


def plan_ingest(
    settings: Settings,
    paths: Sequence[str],
    *,
    prune: bool = False,
    collection: str | None = None,
) -> list[Step]:
    """Decide what an ingest would do with each file; changes nothing."""
    with open_catalog(settings) as catalog:
        ingestor = _ingestor(settings, catalog, lambda progress: None)
        return ingestor.plan(paths, prune=prune, collection=collection)


def reindex(
    settings: Settings, on_progress: Callable[[Progress], None] = lambda progress: None
) -> None:
    """Split and embed the whole store again under the present settings.

    An interrupted run leaves the store refused until it is run again.

    Raises:
        StoreBusyError: another process is writing, or serves the store.
    """
    path = settings.data_dir / "catalog.sqlite3"
    with (
        write_lock(settings.data_dir),
        closing(Catalog(path)) as catalog,
        closing(Indexes(catalog, settings.data_dir)) as indexes,
    ):
        if not indexes.owner:
            raise StoreBusyError(
                f"The store {settings.data_dir} is being served by another process.",
                "Stop it (footnote serve), then run footnote reindex again.",
            )
        catalog.set_meta({"embedding_model": BEING_REINDEXED})
        _ingestor(settings, catalog, on_progress).reindex()
        catalog.set_meta(written_with(settings))
        indexes.reset()
        indexes.follow()


def build_embedder(settings: Settings) -> Embedder:
    """Build the embedder; its model is loaded at first use."""
    if settings.embedding_model == HASHING_MODEL:
        return HashingEmbedder()
    return SentenceTransformerEmbedder(
        settings.embedding_model, allow_downloads=settings.allow_downloads
    )


def build_retriever(
    settings: Settings, catalog: Catalog, indexes: Indexes, embedder: Embedder
) -> HybridRetriever:
    """Build the search over an open store."""
    return HybridRetriever(
        catalog,
        indexes,
        embedder,
        search_k=settings.search_k,
        dense_share=settings.dense_share,
        year_bonus=settings.year_bonus,
    )


def build_assistant(
    settings: Settings,
    catalog: Catalog,
    indexes: Indexes,
    embedder: Embedder,
    finder: EvidenceFinder | None = None,
) -> Assistant:
    """Build the assistant over an open store; `finder` reads instead of what is configured."""
    from rag.answering.chat.models import condense_seconds, load_chat_model
    from rag.answering.chat.rewriting import ModelCondenser
    from rag.answering.question.clarify import ask_back
    from rag.answering.question.condense import RuleCondenser
    from rag.answering.question.spelling import respelled
    from rag.answering.reader import Reader
    from rag.answering.roles import as_spelled, nothing_to_remark
    from rag.assistant import Assistant  # brings LangChain, which takes seconds to import

    model = load_chat_model(settings) if settings.model else None
    reads_english_only = settings.embedding_model == PACKAGED_MODEL
    return Assistant(
        retriever=build_retriever(settings, catalog, indexes, embedder),
        reader=Reader(
            finder or build_evidence_finder(settings, embedder),
            abstain_below=settings.abstain_below,
            max_sentences=settings.max_sentences,
        ),
        condenser=RuleCondenser()
        if model is None
        else ModelCondenser(model, seconds=condense_seconds(settings)),
        generator=None if model is None else _build_generator(settings, model, embedder),
        has_documents=lambda: catalog.counts().documents > 0,
        respell=respelled if reads_english_only else as_spelled,
        remark=language_note if reads_english_only else nothing_to_remark,
        ask_back=ask_back,
        read_k=settings.read_k,
    )


def _build_generator(settings: Settings, model: BaseChatModel, embedder: Embedder) -> Generator:
    """Build what writes answers with a chat model, and what doubts them."""
    from rag.answering.chat.models import condense_seconds
    from rag.answering.chat.opinion import SecondOpinion
    from rag.answering.checking.support import SupportChecker
    from rag.answering.generation import Generator

    seconds = condense_seconds(settings)
    opinion = SecondOpinion(model, settings.model, seconds=seconds)
    return Generator(
        model,
        settings.model,
        context_chars=settings.context_chars,
        checker=SupportChecker(embedder),
        opinion=opinion if settings.second_opinion else None,
        hide_unsupported=settings.hide_unsupported,
        seconds=settings.model_timeout_seconds,
        condense_seconds=seconds,
    )


def build_evidence_finder(settings: Settings, embedder: Embedder) -> EvidenceFinder:
    """Build what finds the sentences that answer; its model is loaded at first use."""
    from rag.answering.reading.evidence import SimilarityEvidence, TrainedEvidence

    if settings.reader == "similarity":
        return SimilarityEvidence(embedder)
    return TrainedEvidence(_ReadingModelAtFirstUse(), Remembering(embedder))


class _ReadingModelAtFirstUse:
    """The packaged reading model, loaded when the first passage is read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: ReadingModel | None = None

    def read(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Reading]:
        with self._lock:
            if self._model is None:
                from rag.answering.reading.model import ReadingModel

                self._model = ReadingModel.load()
        return self._model.read(question, passages)


def read_limits(settings: Settings) -> Limits:
    """Say what reading a file may take."""
    return Limits(
        memory_bytes=settings.read_memory_mb * 2**20,
        cpu_seconds=settings.read_seconds,
        wall_seconds=2 * settings.read_seconds,
        tesseract=find_tesseract(),
        ocr_languages=settings.ocr_languages,
    )


def _ingestor(
    settings: Settings,
    catalog: Catalog,
    on_progress: Callable[[Progress], None],
    read: ReadFile = read_file,
    embedder: Embedder | None = None,
    shards: Shards | None = None,
) -> Ingestor:
    here = functools.partial(parts_of, read=read)
    return Ingestor(
        catalog,
        build_embedder(settings) if embedder is None else embedder,
        passage_chars=settings.passage_chars,
        overlap_chars=settings.overlap_chars,
        on_progress=on_progress,
        parts=here if shards is None else functools.partial(shards.parts, otherwise=here),
    )
