"""What words that very many passages have cost, and what it would cost to do without them.

    python -m eval.ablation_common_words [--sizes 2000 20000 100000] [--questions 40]
    python -m eval.ablation_common_words --data DIR --sets scifact_beir anthropic_docs

The first fills lexical indexes of several sizes with sentences of the documentation inside the
installed packages and prints the processor's milliseconds for a question, ranked by FTS5's own
bm25() and as shipped. The second prints nDCG@10 of BM25 alone as shipped, and for shortcuts that
read fewer passages.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.ablation_data import load
from eval.ablation_search import Bench, Figures, Ranking, top
from eval.ablation_words import ranked_by_fts5, telling
from eval.bench_text import mixed_texts
from rag.ingest.passages import split
from rag.store.lexical import STOP_WORDS, LexicalIndex
from rag.store.records import Changes
from rag.types import Document, Passage

_SEARCH_K = 50
_BATCH = 1000
_NO_WORD = (
    "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"  # too long to be mended: nothing but the lengths is read
)
_SENTENCE = re.compile(r"[A-Z][^.!?\n]{25,90}(?=[.!?]\s)")


def main() -> None:
    """Print either table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=[2_000, 20_000, 100_000])
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--data", type=Path, help="the folder of the collections")
    parser.add_argument("--sets", nargs="+", default=[], help="NAME, or NAME:DOCUMENTS for a part")
    given = parser.parse_args()
    if given.data:
        lines = quality([Bench(load(given.data, name), None) for name in given.sets])
    else:
        lines = growth(given.sizes, given.questions)
    for line in lines:
        print(line, flush=True)


def growth(sizes: Sequence[int], questions: int) -> Iterator[str]:
    """Describe what a question costs at several sizes as lines of Markdown."""
    with tempfile.TemporaryDirectory(prefix="footnote-words-") as folder:
        path = Path(folder) / "lexical.sqlite3"
        index = LexicalIndex(path, "ablation")
        asked: list[str] = []
        measured: list[dict[str, float]] = []
        passages = _passages()
        held = 0
        for size in sizes:
            while held < size:
                batch = list(itertools.islice(passages, min(_BATCH, size - held)))
                _apply(index, batch)
                held += len(batch)
                asked = asked or _questions(batch, questions)
            measured.append(_measure(path, index, asked, documents=int(batch[-1].doc_id[1:])))
        index.close()
    yield f"| processor ms a question | {' | '.join(f'{size:,}' for size in sizes)} | last/first |"
    yield f"|---|{'---|' * (len(sizes) + 1)}"
    for name in measured[0]:
        values = [figures[name] for figures in measured]
        cells = " | ".join(f"{value:,.2f}" for value in values)
        yield f"| {name} | {cells} | {values[-1] / values[0] if values[0] else 0:.1f} |"


def _passages() -> Iterator[Passage]:
    for number, text in enumerate(mixed_texts()):
        document = Document(f"d{number}", text.name, text.name, text.text)
        yield from split(document, passage_chars=1000, overlap_chars=0)


def _questions(passages: Sequence[Passage], count: int) -> list[str]:
    found = sorted({match[0] for p in passages for match in _SENTENCE.finditer(p.text)})
    return [f"How to {one[0].lower()}{one[1:]}?" for one in random.Random(1).sample(found, count)]


def _apply(index: LexicalIndex, passages: Sequence[Passage]) -> None:
    index.apply(Changes(index.applied + 1, (), tuple(passages), np.zeros((0, 0), np.float32)))


def _measure(
    path: Path, index: LexicalIndex, asked: Sequence[str], *, documents: int
) -> dict[str, float]:
    figures = {}
    words = {question: telling(question, STOP_WORDS) for question in asked}
    before = [_cpu_ms(functools.partial(ranked_by_fts5, path, words[q], _SEARCH_K)) for q in asked]
    figures["FTS5's bm25(), median"] = statistics.median(before)
    figures["FTS5's bm25(), slowest"] = max(before)
    cold, opening, differing = [], [], 0
    for question in asked:
        fresh = LexicalIndex(path, "ablation", owner=False)
        opening.append(_cpu_ms(functools.partial(fresh.search, _NO_WORD, 1)))
        cold.append(_cpu_ms(functools.partial(fresh.search, question, _SEARCH_K)))
        found = fresh.search(question, _SEARCH_K)
        differing += found != ranked_by_fts5(path, words[question], _SEARCH_K)
        fresh.close()
    figures["none of its words asked for before, median"] = statistics.median(cold)
    figures["none of its words asked for before, slowest"] = max(cold)
    for question in asked:
        index.search(question, _SEARCH_K)
    warm = [_cpu_ms(functools.partial(index.search, q, _SEARCH_K)) for q in asked]
    figures["all of its words asked for before, median"] = statistics.median(warm)
    figures["all of its words asked for before, slowest"] = max(warm)
    some = frozenset(f"d{number}" for number in range(0, documents, 3))
    index.search(_NO_WORD, 1, some)
    among = [_cpu_ms(functools.partial(index.search, q, _SEARCH_K, some)) for q in asked]
    figures["the same for a reader of every third document"] = statistics.median(among)
    return figures | {
        "once for a process: the lengths of passages": statistics.median(opening),
        "questions whose ranking or scores differ from FTS5's": float(differing),
    }


def _cpu_ms(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return (time.process_time() - started) * 1000


def quality(benches: Sequence[Bench]) -> Iterator[str]:
    """Describe BM25 alone, as shipped and with shortcuts, as lines of Markdown."""
    yield f"| nDCG@10 | {' | '.join(bench.name for bench in benches)} | read, of all matches |"
    yield f"|---|{'---|' * (len(benches) + 1)}"
    for label, chosen in _shortcuts():
        results = [_shortened(bench, chosen) for bench in benches]
        cells = " | ".join(f"{_mean_ndcg(figures):.3f}" for figures, _ in results)
        yield f"| {label} | {cells} | {statistics.mean(share for _, share in results):.2f} |"


Chosen = Callable[[NDArray[np.int64], int], tuple[NDArray[np.bool_], NDArray[np.bool_]]]
"""From the passages that have each word, and all: which words propose, and which are counted."""


def _shortcuts() -> Iterator[tuple[str, Chosen]]:
    yield "**as shipped: every word**", functools.partial(_left_out, share=1.0)
    for share in (0.1, 0.05):
        yield (
            f"words of more than {share:.0%} of the passages left out",
            functools.partial(_left_out, share=share),
        )
    for share in (0.1, 0.05, 0.02):
        yield (
            f"the rarest words, {share:.0%} of the passages at most, propose; all are counted",
            functools.partial(_proposed, share=share),
        )


def _left_out(
    having: NDArray[np.int64], passages: int, share: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    kept = having <= share * passages
    if not kept.any():  # the rarest, where all are common
        kept = having == having.min(initial=passages)
    return kept, kept


def _proposed(
    having: NDArray[np.int64], passages: int, share: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Take words, rarest first, until they would have more passages than allowed."""
    order = np.argsort(having, kind="stable")
    so_far = np.cumsum(having[order])
    # As many as it takes to propose what search asks for.
    taken = (so_far <= share * passages) | (so_far - having[order] < _SEARCH_K)
    propose = np.zeros(len(having), np.bool_)
    propose[order[taken]] = True
    return propose, np.ones(len(having), np.bool_)


def _shortened(bench: Bench, chosen: Chosen) -> tuple[dict[str, Figures], float]:
    """Return each question's figures, and the share of all matches that was read."""
    worth = bench.words.bm25().T.tocsr()
    queries = bench.words.queries(bench.questions, STOP_WORDS)
    rankings: list[Ranking] = []
    read = matching = 0
    for row in range(len(bench.questions)):
        words = worth[queries[row].indices]
        having = np.diff(words.indptr).astype(np.int64)
        propose, counted = chosen(having, len(bench.passages))
        proposed = np.asarray((words[propose] > 0).sum(axis=0)).ravel() > 0
        scores = np.asarray(words[counted].sum(axis=0)).ravel()
        rankings.append(top(np.where(proposed, scores, 0.0)[None], _SEARCH_K)[0])
        read += int(proposed.sum())
        matching += int((bench.bm25[row] > 0).sum())
    return bench.measure(rankings), read / matching


def _mean_ndcg(figures: Mapping[str, Figures]) -> float:
    return statistics.mean(one.ndcg for one in figures.values())


if __name__ == "__main__":
    main()
