"""Quality on public benchmarks, beside a plain LangChain pipeline in the same run.

    python -m eval.bench_quality --data DIR [--only NAME ...] [--limit 200] [--no-plain]

DIR holds the benchmarks, each in a folder of its own (docs/benchmarks.md tells where they come
from). Stores and runs are kept in --work, so a run that was stopped goes on. Prints a Markdown
table and writes table.md and table.json beside the runs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.baseline_langchain import PlainLangChain
from eval.bench_sets import BENCHES, Bench
from eval.dataset import fingerprint
from eval.measures import MEASURES, show
from eval.metrics.coverage import Span, coverage
from eval.metrics.intervals import Estimate, mean_estimate
from eval.run import run_dataset
from eval.run_files import Run
from eval.scores import run_figures
from eval.systems import (
    Answerer,
    Within,
    build_store,
    configuration,
    describe_store,
    open_footnote,
)
from rag.build import Parts
from rag.settings import Settings, keep_libraries_quiet, load_settings
from rag.types import Document

_READ = 5
"""How many passages the text measures look at, as the published table does."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of one benchmark: ours, the plain pipeline's, and what is published."""

    bench: str
    measure: str
    questions: int
    ours: Estimate
    plain: Estimate | None
    published: str


def measure(name: str, bench: Bench, work: Path, *, plain: bool) -> list[Row]:
    """Run one benchmark and return its rows."""
    folder, shared = work / name, work / "stores" / _store_name(bench)
    shared.mkdir(parents=True, exist_ok=True)
    settings = load_settings(data_dir=shared / "footnote")
    build_store(settings, bench.dataset.corpus_files(shared))
    with open_footnote(settings) as (footnote, parts):
        ours = _figures(_run(footnote, bench, folder / "footnote", settings, parts), bench, parts)
        theirs: Mapping[str, Estimate] = {}
        if plain:
            baseline = PlainLangChain(_documents(parts), shared / "plain")
            run = _run(baseline, bench, folder / "plain", settings, parts)
            theirs = _figures(run, bench, parts)
    asked = len(bench.dataset.cases)
    return [
        Row(name, measured, asked, ours[measured], theirs.get(measured), published)
        for measured, published in bench.measures.items()
        if measured in ours
    ]


def text_figures(run: Run, documents: Mapping[str, Document]) -> dict[str, Estimate]:
    """Estimate how much of the wanted text the first five hits hold, and how much else.

    A hit of another document than the wanted one counts as read text that was not wanted.
    """
    recalls, ious = [], []
    for record in run.records:
        wanted_in = {item["source"] for item in record["case"]["relevant"]}
        [doc_id] = wanted_in
        text = documents[doc_id].text
        wanted = [
            span for item in record["case"]["relevant"] if (span := _locate(text, item["quote"]))
        ]
        # Elsewhere is put beyond the end of the text, where nothing is wanted.
        read = [
            (hit["start"], hit["end"])
            if hit["source"].endswith(f"#{doc_id}")
            else (len(text) + hit["start"], len(text) + hit["end"])
            for hit in record["found"][:_READ]
        ]
        if wanted:
            scores = coverage(wanted, read)
            recalls.append(scores.recall)
            ious.append(scores.iou)
    return {"text_recall@5": mean_estimate(recalls), "text_iou@5": mean_estimate(ious)}


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| set | figure | questions | Footnote | plain LangChain | published |",
        "|---|---|---:|---:|---:|---|",
    ]
    for row in rows:
        label = MEASURES[row.measure].label
        cells = (_cell(row.measure, row.ours), _cell(row.measure, row.plain))
        lines.append(
            f"| {row.bench} | {label} | {row.ours.n} | {cells[0]} | {cells[1]} | {row.published} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    keep_libraries_quiet()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the benchmarks")
    parser.add_argument("--only", nargs="+", choices=list(BENCHES), default=list(BENCHES))
    parser.add_argument("--limit", type=int, default=200, help="questions of each benchmark")
    parser.add_argument("--work", type=Path, default=Path(".footnote/bench"))
    parser.add_argument("--no-plain", action="store_true", help="leave the plain pipeline out")
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    for name in given.only:
        started = time.perf_counter()
        bench = BENCHES[name](given.data, given.limit)
        measured = measure(name, bench, given.work, plain=not given.no_plain)
        rows += measured
        print(table(measured))
        print(f"({name}: {time.perf_counter() - started:.0f} s)\n", flush=True)
        _write(given.work, rows)
    print(table(rows))


def _store_name(bench: Bench) -> str:
    """Name what benchmarks over the same documents share, so nothing is embedded twice."""
    dataset = bench.dataset
    if not dataset.records:
        return dataset.name
    return f"{dataset.name}-{fingerprint([record['_id'] for record in dataset.records])[:6]}"


def _run(answerer: Answerer, bench: Bench, folder: Path, settings: Settings, parts: Parts) -> Run:
    asked = Within(answerer, bench.within) if bench.within else answerer
    return run_dataset(
        asked,
        bench.dataset,
        folder,
        configuration=configuration(settings),
        store=describe_store(parts),
        search_only=bench.search_only,
    )


def _figures(run: Run, bench: Bench, parts: Parts) -> dict[str, Estimate]:
    figures = run_figures(run.records)
    if "text_iou@5" in bench.measures:
        figures |= text_figures(run, {d.doc_id: d for d in _documents(parts)})
    return figures


def _documents(parts: Parts) -> Iterator[Document]:
    for info in parts.catalog.documents():
        if (document := parts.catalog.document(info.doc_id)) is not None:
            yield document


def _locate(text: str, quote: str) -> Span | None:
    """Find a quote whose line ends may differ from the text's; None when it is not there."""
    plain = quote.replace("\r\n", "\n").strip()
    start = text.find(plain)
    return None if start < 0 else (start, start + len(plain))


def _cell(name: str, estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "–"
    return (
        f"{show(name, estimate.value)} ({show(name, estimate.low)} to {show(name, estimate.high)})"
    )


def _write(work: Path, rows: Sequence[Row]) -> None:
    (work / "table.md").write_text(table(rows) + "\n", encoding="utf-8")
    listed: list[dict[str, Any]] = [asdict(row) for row in rows]
    (work / "table.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
