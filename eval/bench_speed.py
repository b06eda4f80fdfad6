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
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eval.bench_pipelines import run_ours, run_plain
from eval.bench_text import Text, count_passages, docstring_texts, folder_texts
from rag.settings import keep_libraries_quiet, load_settings

QUESTIONS = 200
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
    shutil.rmtree(work / pipeline)
    return figures


def _medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


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
