"""What each part of retrieval is worth: one change at a time, on public collections.

Settings are chosen on the tuning questions; the figures to report are of the others. Every text is
embedded once and cached, so that a second run takes minutes.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.ablation_data import COLLECTIONS, VectorCache, load, misspelt
from eval.ablation_languages import language_rows
from eval.ablation_reading import Rereader, by_sentences, size_rows
from eval.ablation_search import (
    Bench,
    Figures,
    Ranking,
    capped,
    convex,
    diverse,
    fused,
    numbers_of,
    shipped,
    shipped_lexical,
    top,
    with_neighbours,
)
from eval.ablation_words import Words, rm3
from rag.retrieval.embedding import SentenceTransformerEmbedder
from rag.store.lexical import STOP_WORDS

Run = Callable[[Bench], Sequence[Ranking]]
_RESAMPLES = 2000


def fusion_runs() -> Iterator[tuple[str, Run]]:
    """Yield every way to use the two searches, what is shipped first."""
    yield "**as shipped**", lambda b: shipped(b)
    yield "dense only", lambda b: top(b.cosines, 50)
    yield "BM25 only", lambda b: top(b.bm25, 50)
    for weights in ((1, 1), (1, 2), (2, 1)):
        yield (
            f"reciprocal ranks, dense : BM25 = {weights[0]} : {weights[1]}",
            functools.partial(_reciprocal, weights=weights),
        )
    yield "reciprocal ranks, constant 10", lambda b: _reciprocal(b, (1, 1), constant=10)
    for share in (0.2, 0.3, 0.4, 0.5, 0.6):
        yield f"scores as shipped, dense share {share}", functools.partial(shipped, share=share)
    for scale, shares in (("min-max", (0.4, 0.5)), ("z-score", (0.4, 0.5)), ("theory", (0.7,))):
        for share in shares:
            yield (
                f"scores, {scale}, dense share {share}",
                functools.partial(_convex, scale=scale, share=share),
            )
    for k in (10, 20, 100, 200):
        yield f"{k} passages from each search", functools.partial(shipped, k=k)


def query_runs() -> Iterator[tuple[str, Run]]:
    """Yield changes to the query and to what is made of the ranking."""
    yield "**as shipped**", lambda b: shipped(b)
    yield "dense query moved towards its 3 best", lambda b: shipped(b, cosines=b.moved(3, 0.3))
    yield "dense query without stop words", lambda b: shipped(b, cosines=b.without_stop_words(1))
    yield (
        "mean of the query with and without",
        lambda b: shipped(b, cosines=b.without_stop_words(0.5)),
    )
    yield "RM3 for BM25", lambda b: shipped(b, bm25=_rm3(b))
    for share in (0.1, 0.3):
        yield f"neighbours count {share}", functools.partial(_neighbours, share=share)
    yield "MMR 0.7", lambda b: diverse(shipped(b), b.held, 0.7)
    yield "MMR 0.9", lambda b: diverse(shipped(b), b.held, 0.9)
    for most in (1, 2, 3):
        yield f"at most {most} passages of a document", functools.partial(_capped, most=most)


def closer_runs() -> Iterator[tuple[str, Run]]:
    """Yield closer looks at what may answer: sentence by sentence, or by reading."""
    rereader = Rereader()
    yield "**as shipped**", lambda b: shipped(b)
    for share in (1.0, 0.5):
        label = f"nearest sentence of a passage, share {share}"
        yield label, functools.partial(by_sentences, share=share)
    for share in (1.0, 0.7, 0.4):
        label = f"the ten read reordered by the reading model, share {share}"
        yield label, functools.partial(rereader.reranked, share=share)


def word_runs() -> Iterator[tuple[str, Run]]:
    """Yield changes to BM25 alone."""
    yield "**as shipped**", lambda b: top(b.bm25, 50)
    yield (
        "no stemming",
        lambda b: top(b.lexical(words=Words.of(b.passages, "unicode61 remove_diacritics 2")), 50),
    )
    yield "stop words kept", lambda b: top(b.lexical(leave_out=frozenset()), 50)
    for weight in (0.0, 0.5, 2.0):
        yield (
            f"title and heading count {weight}",
            functools.partial(_lexical, context_weight=weight),
        )
    for k1, length in ((0.9, 0.4), (1.2, 0.4), (2.0, 0.75)):
        yield (
            f"k1 = {k1}, b = {length}",
            functools.partial(_lexical, k1=k1, b=length),
        )
    yield "RM3", lambda b: top(_rm3(b), 50)
    yield (
        "misspelt words, taken as written",
        lambda b: top(b.lexical(questions=misspelt(b.questions)), 50),
    )
    yield (
        "misspelt words, mended (shipped)",
        lambda b: _mended(b, misspelt(b.questions)),
    )
    yield "right words, mended (shipped)", lambda b: _mended(b, b.questions)


def _reciprocal(bench: Bench, weights: tuple[float, float], constant: int = 60) -> list[Ranking]:
    return fused(top(bench.cosines, 50), top(bench.bm25, 50), weights, constant)


def _convex(bench: Bench, scale: str, share: float) -> list[Ranking]:
    return convex(bench.cosines, bench.bm25, share, 50, scale=scale)


def _lexical(bench: Bench, **changes: float) -> list[Ranking]:
    return top(bench.lexical(**changes), 50)  # type: ignore[arg-type]


def _mended(bench: Bench, questions: Sequence[str]) -> list[Ranking]:
    return numbers_of(shipped_lexical(bench, questions, 50))


def _rm3(bench: Bench) -> np.ndarray:
    queries = bench.words.queries(bench.questions, STOP_WORDS)
    return rm3(bench.words.bm25(), bench.words.text, queries, share=0.7)


def _neighbours(bench: Bench, share: float) -> list[Ranking]:
    return shipped(
        bench,
        cosines=with_neighbours(bench.cosines, bench.passages, share),
        bm25=with_neighbours(bench.bm25, bench.passages, share),
    )


def _capped(bench: Bench, most: int) -> list[Ranking]:
    return capped(shipped(bench), bench.passages, most)


def table(benches: Sequence[Bench], runs: Iterator[tuple[str, Run]]) -> Iterator[str]:
    """Describe runs as lines of Markdown; the first run is what the others are compared with."""
    names = [bench.name for bench in benches]
    yield f"| | tuning | {' | '.join(names)} | mean | change | read |"
    yield f"|---|{'---|' * (len(names) + 4)}"
    base: list[dict[str, Figures]] = []
    for label, run in runs:
        scored = [bench.measure(run(bench)) for bench in benches]
        base = base or scored
        asked = [[q for q in b.qids if q not in b.collection.tuning] for b in benches]
        tuned = [[q for q in b.qids if q in b.collection.tuning] for b in benches]
        values = [_mean(s, qids, "ndcg") for s, qids in zip(scored, asked, strict=True)]
        read = np.mean([_mean(s, qids, "read") for s, qids in zip(scored, asked, strict=True)])
        tuning = np.mean([_mean(s, q, "ndcg") for s, q in zip(scored, tuned, strict=True) if q])
        cells = " | ".join(f"{value:.3f}" for value in values)
        yield (
            f"| {label} | {tuning:.3f} | {cells} | {np.mean(values):.3f} | "
            f"{_change(base, scored, asked)} | {read:.3f} |"
        )


def _mean(scored: Mapping[str, Figures], qids: Sequence[str], figure: str) -> float:
    return float(np.mean([getattr(scored[qid], figure) for qid in qids]))


def _change(
    base: Sequence[Mapping[str, Figures]],
    scored: Sequence[Mapping[str, Figures]],
    asked: Sequence[Sequence[str]],
) -> str:
    """Return the mean change over collections with its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    drawn = np.zeros(_RESAMPLES)
    mean = 0.0
    for before, after, qids in zip(base, scored, asked, strict=True):
        gaps = np.array([after[qid].ndcg - before[qid].ndcg for qid in qids])
        mean += gaps.mean() / len(asked)
        drawn += gaps[rng.integers(0, len(gaps), (_RESAMPLES, len(gaps)))].mean(axis=1) / len(asked)
    if base is scored:
        return ""
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the collections")
    parser.add_argument("--cache", type=Path, default=Path(".ablation"), help="where vectors stay")
    parser.add_argument(
        "--sets", nargs="*", default=list(COLLECTIONS), help="NAME, or NAME:DOCUMENTS for a part"
    )
    parser.add_argument("--words", nargs="*", default=[], help="sets for BM25 alone; not embedded")
    parser.add_argument("--closer", action="store_true", help="sentences, reading, passage sizes")
    parser.add_argument("--languages", action="store_true", help="measure XQuAD's languages too")
    given = parser.parse_args()
    embedder = SentenceTransformerEmbedder()
    cache = VectorCache(given.cache, lambda: embedder)
    benches = [Bench(load(given.data, name), cache) for name in given.sets]
    for bench in benches:
        asked, tuning = len(bench.qids), len(bench.collection.tuning)
        print(
            f"{bench.name}: {len(bench.passages)} passages, {asked - tuning} + {tuning} questions"
        )
    worded = [Bench(load(given.data, name), None) for name in given.words]
    for title, chosen, runs in (
        ("The two searches", benches, fusion_runs()),
        ("Query and ranking", benches, query_runs()),
        ("BM25 alone", [*benches, *worded], word_runs()),
    ):
        if chosen:
            print(f"\n{title}\n", *table(chosen, runs), sep="\n", flush=True)
    if given.closer:
        print("\nA closer look\n", *table(benches, closer_runs()), sep="\n", flush=True)
        collections = [bench.collection for bench in benches]
        print("\nPassage size\n", *size_rows(collections, cache), sep="\n", flush=True)
    if given.languages:
        print("\nLanguages\n", *language_rows(given.data, cache), sep="\n", flush=True)


if __name__ == "__main__":
    main()
