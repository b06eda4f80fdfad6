"""How much of retrieval is left in other languages, with the models that are packaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.ablation_data import VectorCache, load_language
from eval.ablation_search import (
    SHIPPED_SHARE,
    Bench,
    Ranking,
    numbers_of,
    shipped_lexical,
    top,
)
from rag.retrieval.fusion import score_fusion

LANGUAGES = ("en", "de", "es", "ro", "tr", "vi", "ru", "el", "ar", "hi", "th", "zh")


def language_rows(folder: Path, cache: VectorCache) -> Iterator[str]:
    """Describe each language's share of questions whose paragraph is first, and among five."""
    yield "| | dense first | in 5 | BM25 first | in 5 | both first | in 5 |"
    yield "|---|---|---|---|---|---|---|"
    for language in LANGUAGES:
        bench = Bench(load_language(folder, language), cache)
        dense = [
            [(int(i), float(row[i])) for i in ranking]
            for row, ranking in zip(bench.cosines, top(bench.cosines, 50), strict=True)
        ]
        lexical = shipped_lexical(bench, bench.questions, 50)
        both = [
            score_fusion(*pair, dense_share=SHIPPED_SHARE)
            for pair in zip(dense, lexical, strict=True)
        ]
        cells = [
            f"{_share_found(bench, numbers_of(found), within):.2f}"
            for found in (dense, lexical, both)
            for within in (1, 5)
        ]
        yield f"| {language} | {' | '.join(cells)} |"


def _share_found(bench: Bench, rankings: Sequence[Ranking], within: int) -> float:
    found = 0
    for qid, ranking in zip(bench.qids, rankings, strict=True):
        documents = dict.fromkeys(bench.passages[int(i)].doc_id for i in ranking)
        found += any(doc in bench.collection.relevant[qid] for doc in list(documents)[:within])
    return found / len(bench.qids)
