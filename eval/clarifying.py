"""How often Footnote asks back: where a question is open, and where it is clear.

    python -m eval.clarifying [--data DIR]

`DIR` holds the public sets; without it only our own made-up questions and those of the sample
corpus are measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

from eval.ablation_data import Collection, VectorCache, load
from eval.ablation_search import Bench, numbers_of, shipped, shipped_lexical
from eval.checking import Tally, tally
from eval.dataset import Case
from eval.loaders import load_jsonl
from rag.answering.question.clarify import ask_back
from rag.answering.question.condense import RuleCondenser
from rag.build import build_embedder
from rag.ingest.readers import read_file
from rag.settings import PROJECT_ROOT, keep_libraries_quiet, load_settings
from rag.types import Clarification, Document, Hit

DATASETS = Path(__file__).parent / "datasets"
SETS = (
    "anthropic_docs",
    "clapnq",
    "newsqa",
    "squad2",
    "scifact_beir",
)
READ_K = 10


def made_up(path: Path = DATASETS / "clarifying.jsonl") -> tuple[Collection, dict[str, bool]]:
    """Read our own documents and questions, and which of these are open, by id."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    documents = tuple(
        Document(row["document"], row["title"], row["document"], row["text"])
        for row in rows
        if "document" in row
    )
    questions = {row["id"]: row["question"] for row in rows if "question" in row}
    is_open = {row["id"]: row["unclear"] for row in rows if "question" in row}
    return _collection("made up", documents, questions), is_open


def sample_corpus() -> tuple[Collection, list[Case]]:
    """Read the sample documents and the questions on them."""
    documents = tuple(
        document
        for path in sorted((PROJECT_ROOT / "corpus").iterdir())
        for document in read_file(path, f"corpus/{path.name}")
        if isinstance(document, Document)
    )
    cases = list(load_jsonl(DATASETS / "corpus.jsonl").cases)
    queries = {case.case_id: RuleCondenser().query(case.to_question()) for case in cases}
    return _collection("sample corpus", documents, queries), cases


def asked_back(bench: Bench, *, weakly: bool = False) -> dict[str, Clarification | None]:
    """Return what is asked back to each question of a bench, by its id.

    With the bench's vectors the search is the product's, without them its words alone.
    """
    if bench.cache is not None:
        rankings = shipped(bench)
    else:
        rankings = numbers_of(shipped_lexical(bench, bench.questions, READ_K))
    return {
        qid: ask_back(
            question,
            [
                Hit(bench.passages[int(i)], 0.0, rank)
                for rank, i in enumerate(ranking[:READ_K], start=1)
            ],
            weakly=weakly,
        )
        for qid, question, ranking in zip(bench.qids, bench.questions, rankings, strict=True)
    }


def measure_made_up(cache: VectorCache) -> None:
    """Print how many of our own open questions are asked about, and of the clear ones."""
    collection, is_open = made_up()
    found = asked_back(Bench(collection, cache))
    for wanted, name in ((True, "open"), (False, "clear")):
        ids = [qid for qid, value in is_open.items() if value is wanted]
        print(f"made up, {name:21} {tally(found[qid] is not None for qid in ids)}")
        for qid in ids:
            if (found[qid] is not None) is not wanted:
                print(f"    {'not ' if wanted else ''}asked: {collection.questions[qid]}")


def measure_sample(cache: VectorCache) -> None:
    """Print how often the questions on the sample corpus are asked about."""
    collection, cases = sample_corpus()
    bench = Bench(collection, cache)
    found = asked_back(bench)
    weak = asked_back(bench, weakly=True)
    for answerable, name in ((True, "answerable"), (False, "not answerable")):
        asked = {
            case.case_id
            for case in cases
            # Where history adds words, the question is clear by it, and nobody asks back.
            if case.answerable is answerable
            and (not case.history or collection.questions[case.case_id] == case.question)
        }
        of = sum(case.answerable is answerable for case in cases)
        sure = sum(found[qid] is not None for qid in asked)
        print(f"sample corpus, {name:15} {Tally(sure, of)}; {_weak(found, weak, asked)} weakly")


def measure_set(folder: Path, name: str) -> None:
    """Print how often the answerable questions of a public set are asked about, and which."""
    bench = Bench(load(folder, name), None)
    found = asked_back(bench)
    weak = asked_back(bench, weakly=True)
    said = tally(one is not None for one in found.values())
    print(f"{name:30} {said}; {_weak(found, weak, found.keys())} weakly")
    for qid, question in zip(bench.qids, bench.questions, strict=True):
        if (one := found[qid]) is not None:
            print(f"    {question.strip()} -> {one.question}")


def _weak(
    found: dict[str, Clarification | None],
    weak: dict[str, Clarification | None],
    among: Iterable[str],
) -> int:
    """Count what is asked back only where the documents would not have answered."""
    return sum(found[qid] is None and weak[qid] is not None for qid in among)


def _collection(
    name: str, documents: tuple[Document, ...], questions: dict[str, str]
) -> Collection:
    return Collection(name, documents, questions, {}, frozenset(), {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="the folder of the public sets")
    data = parser.parse_args().data
    keep_libraries_quiet()
    embedder = build_embedder(load_settings())
    with tempfile.TemporaryDirectory() as folder:
        cache = VectorCache(Path(folder), lambda: embedder)
        measure_made_up(cache)
        measure_sample(cache)
    for name in SETS if data else ():
        measure_set(data, name)


if __name__ == "__main__":
    main()
