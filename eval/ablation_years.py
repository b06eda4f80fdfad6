"""What it is worth to prefer passages that hold a year of the question.

    python -m eval.ablation_years FOLDER ... [--work FOLDER]

Each FOLDER holds `corpus.jsonl` and `queries.jsonl` (`{question, gold, answerable}`). Only
questions that name a year are asked. Choose on training questions, look at others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.dataset import Case, same_source
from eval.loaders import load_plain
from eval.measures import show
from eval.metrics.intervals import Estimate, mean_estimate
from eval.systems import build_store
from rag.build import Parts, open_parts
from rag.retrieval.fusion import score_fusion
from rag.retrieval.years import named_years, prefer_years, years
from rag.settings import Settings, keep_libraries_quiet, load_settings
from rag.types import Passage

BONUSES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 1.0)


def year_rows(parts: Parts, settings: Settings, cases: Sequence[Case]) -> Iterator[str]:
    """Describe each bonus: the share of questions with a right passage first, and the MRR."""
    ranks: dict[float, list[int]] = {bonus: [] for bonus in BONUSES}
    for case in cases:
        found = _ranking(parts, settings, case.question)
        passages = {one.passage_id: one for one in parts.catalog.passages([i for i, _ in found])}
        named = {passage_id: named_years(passage) for passage_id, passage in passages.items()}
        for bonus, its_ranks in ranks.items():
            lifted = prefer_years(years(case.question), found, named, bonus=bonus)
            its_ranks.append(_rank(case, [passages[i] for i, _ in lifted if i in passages]))
    yield "| bonus | first | MRR |"
    yield "|---|---|---|"
    for bonus, its_ranks in ranks.items():
        first = mean_estimate([float(rank == 1) for rank in its_ranks])
        mrr = mean_estimate([1 / rank if rank else 0.0 for rank in its_ranks])
        yield f"| {bonus:g} | {_cell(first)} | {_cell(mrr)} |"


def _cell(estimate: Estimate) -> str:
    value, low, high = (
        show("mrr@10", part) for part in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"


def _ranking(parts: Parts, settings: Settings, query: str) -> list[tuple[str, float]]:
    """Return what the product's search finds before it looks at years."""
    indexes = parts.indexes
    return score_fusion(
        indexes.search_dense(parts.embedder.embed_query(query), settings.search_k, None),
        indexes.search_lexical(query, settings.search_k, None),
        dense_share=settings.dense_share,
    )


def _rank(case: Case, passages: Sequence[Passage]) -> int:
    """Return the rank of the first passage of a right document; 0 when there is none."""
    for rank, passage in enumerate(passages, start=1):
        if any(same_source(passage.source, item.source) for item in case.relevant):
            return rank
    return 0


def main() -> None:
    """Print a table for each folder."""
    keep_libraries_quiet()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, default=Path(".footnote/years"))
    given = parser.parse_args()
    for folder in given.folders:
        dataset = load_plain(folder)
        cases = [case for case in dataset.cases if case.answerable and years(case.question)]
        work = given.work / f"{folder.parent.name}-{folder.name}"
        settings = load_settings(data_dir=work / "store")
        build_store(settings, dataset.corpus_files(work))
        with open_parts(settings) as parts:
            print(f"\n{folder.parent.name}/{folder.name}, {len(cases)} questions\n")
            print(*year_rows(parts, settings, cases), sep="\n", flush=True)


if __name__ == "__main__":
    main()
