"""What grows with the store: time, memory and disk at ingest, then queries stage by stage.

    python -m eval.bench_scale [--sizes 2000 20000 200000] [--hashing] [--questions 60]
    python -m eval.bench_scale --arithmetic

Texts are sentences of the documentation inside the installed packages, drawn at random. Each size
is ingested in a process of its own and asked in another, so that each has a peak of its own.
--hashing takes hashed words of the packaged model's dimension in place of its vectors: the store
is then the same size and an ingest takes minutes, but similarity means little, and what the model
takes in time and memory is missing. Compare figures of one run only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eval.bench_text import count_passages, mixed_texts
from rag.retrieval.embedding import Embedder
from rag.settings import Settings, keep_libraries_quiet, load_settings

_DIMENSION = 384  # of the packaged model
_SEARCH_K, _RECALL_K = 50, 10
_WARM_UP = 5
_SENTENCE = re.compile(r"[A-Z][^.!?\n]{25,90}(?=[.!?]\s)")


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and print a table with a column for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=[2_000, 20_000, 200_000])
    parser.add_argument("--hashing", action="store_true", help="hashed words instead of a model")
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    parser.add_argument(
        "--arithmetic", action="store_true", help="how far embedding is from the machine's limit"
    )
    parser.add_argument("--child", choices=("ingest", "ask"), help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    keep_libraries_quiet()
    if options.arithmetic:
        from eval.bench_arithmetic import print_arithmetic

        print_arithmetic()
        return
    if options.child:
        run = ingest if options.child == "ingest" else ask
        print(json.dumps(run(options.work, hashing=options.hashing)))
        return
    results: list[dict[str, float]] = []
    for size in options.sizes:
        results.append(bench(size, options.questions, hashing=options.hashing))
        if options.json:
            options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print_table(results, hashing=options.hashing)


def bench(size: int, questions: int, *, hashing: bool) -> dict[str, float]:
    """Ingest and ask one size, each in a process of its own; returns the figures."""
    with tempfile.TemporaryDirectory(prefix="footnote-scale-") as name:
        work = Path(name)
        files, candidates = write_texts(work, size)
        write_questions(work, candidates, questions)
        figures = {"files": float(files)}
        for child in ("ingest", "ask"):
            command = [sys.executable, "-m", "eval.bench_scale", "--child", child]
            command += ["--work", str(work), *(["--hashing"] if hashing else [])]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{child} failed at {size:,}:\n{done.stderr[-4000:]}")
            figures |= json.loads(done.stdout.splitlines()[-1])
            load = os.getloadavg()[0]
            print(f"  {size:,}: {child} done, load {load:.1f}", file=sys.stderr, flush=True)
    return figures


def write_texts(work: Path, size: int) -> tuple[int, list[str]]:
    """Write files until they make `size` passages; returns how many, and some of the sentences."""
    settings = load_settings()
    candidates: list[str] = []
    passages = files = 0
    for text in mixed_texts():
        folder = work / "text" / f"{files // 1000:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{text.name}.txt").write_text(text.text, encoding="utf-8")
        files += 1
        passages += count_passages(text, settings.passage_chars, settings.overlap_chars)
        if len(candidates) < 5000:
            candidates += (match[0] for match in _SENTENCE.finditer(text.text))
        if passages >= size:
            break
    return files, candidates


def write_questions(work: Path, sentences: Sequence[str], count: int) -> None:
    """Write questions that share their words with sentences drawn at random."""
    drawn = random.Random(1).sample(sorted(set(sentences)), count + _WARM_UP)
    asked = [f"How to {one[0].lower()}{one[1:]}?" for one in drawn]
    (work / "questions.json").write_text(json.dumps(asked), encoding="utf-8")


def _settings(work: Path, *, hashing: bool) -> Settings:
    model = "hashing" if hashing else None
    return load_settings(data_dir=work / "store", embedding_model=model)


def _embedder(settings: Settings, *, hashing: bool) -> Embedder:
    from rag.build import build_embedder
    from rag.retrieval.hashing import HashingEmbedder

    return HashingEmbedder(_DIMENSION) if hashing else build_embedder(settings)


def ingest(work: Path, *, hashing: bool) -> dict[str, float]:
    """Ingest the files; returns seconds by stage, peaks of memory and bytes on disk."""
    from rag.build import open_ingestor

    settings = _settings(work, hashing=hashing)
    embedder = _embedder(settings, hashing=hashing)
    embedder.embed_passages(["warm up"] * 32)
    base = _peak()
    started, cpu = time.perf_counter(), time.process_time()
    with open_ingestor(settings, embedder=embedder) as ingestor:
        report = ingestor.ingest([str(work / "text")])
        written, written_cpu, written_peak = time.perf_counter(), time.process_time(), _peak()
    ended, ended_cpu = time.perf_counter(), time.process_time()
    return {
        "passages": report.passages,
        "ingest_seconds": ended - started,
        "read_seconds": report.seconds - report.embed_seconds - report.commit_seconds,
        "embed_seconds": report.embed_seconds,
        "commit_seconds": report.commit_seconds,
        "index_seconds": ended - written,
        "catalog_cpu_seconds": written_cpu - cpu,
        "index_cpu_seconds": ended_cpu - written_cpu,
        "base_peak_bytes": base,
        "catalog_peak_bytes": written_peak,
        "peak_bytes": _peak(),
        "reader_peak_bytes": _peak(resource.RUSAGE_CHILDREN),
        **_sizes(settings.data_dir),
    }


def _sizes(store: Path) -> dict[str, float]:
    graphs = sum(path.stat().st_size for path in store.glob("vectors/*/*/*"))
    chroma = sum(path.stat().st_size for path in store.rglob("chroma.sqlite3*"))
    return {
        "catalog_bytes": sum(path.stat().st_size for path in store.glob("catalog.sqlite3*")),
        "lexical_bytes": sum(path.stat().st_size for path in store.glob("lexical.sqlite3*")),
        "chroma_bytes": chroma,
        "graph_bytes": graphs,
    }


def ask(work: Path, *, hashing: bool) -> dict[str, float]:
    """Ask every question; returns milliseconds by stage, recall and the peak of memory."""
    from rag.build import build_assistant, open_catalog
    from rag.retrieval.fusion import score_fusion
    from rag.store.exact import ExactSearch
    from rag.store.indexes import Indexes
    from rag.types import Question

    settings = _settings(work, hashing=hashing)
    embedder = _embedder(settings, hashing=hashing)
    questions = json.loads((work / "questions.json").read_text(encoding="utf-8"))
    warm_up, questions = questions[:_WARM_UP], questions[_WARM_UP:]
    embedder.embed_query("warm up")
    with open_catalog(settings) as catalog:
        started = time.perf_counter()
        indexes = Indexes(catalog, settings.data_dir)
        try:
            figures = {"open_seconds": time.perf_counter() - started}
            stages: dict[str, Callable[[str], Any]] = {
                "embed": embedder.embed_query,
                "dense": lambda q: indexes.search_dense(vectors[q], _SEARCH_K),
                "lexical": lambda q: indexes.search_lexical(q, _SEARCH_K),
                "fusion": lambda q: catalog.passages(
                    [one for one, _ in score_fusion(dense[q], lexical[q], dense_share=0.4)][:10]
                ),
            }
            everything = [*warm_up, *questions]
            vectors = {q: embedder.embed_query(q) for q in everything}
            dense = {q: indexes.search_dense(vectors[q], _SEARCH_K) for q in everything}
            lexical = {q: indexes.search_lexical(q, _SEARCH_K) for q in everything}
            for stage, call in stages.items():
                figures |= _timed(stage, call, warm_up, questions)
            assistant = build_assistant(settings, catalog, indexes, embedder)
            figures |= _timed("answer", lambda q: assistant.answer(Question(q)), warm_up, questions)
            figures["query_peak_bytes"] = _peak()
            exact = ExactSearch(catalog)
            figures |= _timed(
                "exact", lambda q: exact.search(vectors[q], _SEARCH_K), warm_up, questions
            )
            figures["recall"] = statistics.mean(
                _overlap(dense[q][:_RECALL_K], exact.search(vectors[q], _RECALL_K))
                for q in questions
            )
        finally:
            indexes.close()
    return figures | {"exact_peak_bytes": _peak()}


def _timed(
    stage: str, call: Callable[[str], Any], warm_up: Sequence[str], questions: Sequence[str]
) -> dict[str, float]:
    for question in warm_up:
        call(question)
    times, cpu_times = [], []
    for question in questions:
        started, cpu = time.perf_counter(), time.process_time()
        call(question)
        times.append((time.perf_counter() - started) * 1000)
        cpu_times.append((time.process_time() - cpu) * 1000)
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    figures = {"p50": cuts[9], "p95": cuts[18], "cpu": statistics.median(cpu_times)}
    return {f"{stage}_{name}_ms": value for name, value in figures.items()}


def _overlap(found: Sequence[tuple[str, float]], wanted: Sequence[tuple[str, float]]) -> float:
    """Return the share of the wanted that were found; what ties with the last wanted counts."""
    least = wanted[-1][1] - 1e-3  # vectors are float16 in one place and float32 in the other
    return sum(score >= least for _, score in found) / len(wanted)


def _peak(whose: int = resource.RUSAGE_SELF) -> int:
    """Return the most memory held so far, in bytes."""
    peak = resource.getrusage(whose).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


_ROWS = (
    ("passages per second at ingest", "rate", 1, ",.0f"),
    ("  ms a passage: read and split", "read_each", 1, ".3f"),
    ("  ms a passage: embed", "embed_each", 1, ".3f"),
    ("  ms a passage: commit", "commit_each", 1, ".3f"),
    ("  ms a passage: index", "index_each", 1, ".3f"),
    ("  processor ms a passage: until committed", "catalog_cpu_each", 1, ".3f"),
    ("  processor ms a passage: index", "index_cpu_each", 1, ".3f"),
    ("memory before the ingest, MB", "base_peak_bytes", 1e6, ",.0f"),
    ("peak until committed, MB", "catalog_peak_bytes", 1e6, ",.0f"),
    ("peak of the ingest, MB", "peak_bytes", 1e6, ",.0f"),
    ("peak of the process that reads, MB", "reader_peak_bytes", 1e6, ",.0f"),
    ("catalogue on disk, MB", "catalog_bytes", 1e6, ",.1f"),
    ("BM25 index (FTS5) on disk, MB", "lexical_bytes", 1e6, ",.1f"),
    ("Chroma's records on disk, MB", "chroma_bytes", 1e6, ",.1f"),
    ("Chroma's graph on disk, MB", "graph_bytes", 1e6, ",.1f"),
    ("opening for questions, s", "open_seconds", 1, ".1f"),
    *(
        (f"{stage}, {shown}, ms", f"{name}_{which}_ms", 1, ".1f")
        for stage, name in (
            ("query: embedding", "embed"),
            ("query: dense", "dense"),
            ("query: lexical", "lexical"),
            ("query: fusion and passages", "fusion"),
            ("whole answer", "answer"),
            ("dense, exact instead", "exact"),
        )
        for which, shown in (("p50", "p50"), ("p95", "p95"), ("cpu", "p50 of the processor"))
    ),
    ("peak with questions, MB", "query_peak_bytes", 1e6, ",.0f"),
    ("peak with exact search, MB", "exact_peak_bytes", 1e6, ",.0f"),
    (f"recall@{_RECALL_K} of the graph", "recall", 1, ".3f"),
)


def print_table(results: Sequence[dict[str, float]], *, hashing: bool) -> None:
    """Print a line for each figure, a column for each size, and last over first."""
    for figures in results:
        figures["rate"] = figures["passages"] / figures["ingest_seconds"]
        for stage in ("read", "embed", "commit", "index", "catalog_cpu", "index_cpu"):
            figures[f"{stage}_each"] = 1000 * figures[f"{stage}_seconds"] / figures["passages"]
    print("Vectors of hashed words: no model" if hashing else "Vectors of the packaged model")
    sizes = "".join(f"{figures['passages']:>12,.0f}" for figures in results)
    print(f"{'passages':44}{sizes}{'last/first':>12}")
    for title, name, unit, style in _ROWS:
        values = [figures[name] / unit for figures in results]
        ratio = f"{values[-1] / values[0]:>12.2f}" if values[0] else f"{'':>12}"
        print(f"{title:44}{''.join(f'{value:>12{style}}' for value in values)}{ratio}", flush=True)


if __name__ == "__main__":
    main()
