"""Fit the constants of `SimilarityEvidence`, and print what they are worth on held-back questions.

python -m eval.tools.fit_similarity --data DIR

DIR holds `squad2/corpus.jsonl` (`{_id, title, text}`) and `queries.jsonl` (`{question, gold,
spans}`), and `nq_qed/examples.jsonl` (`{question, title, context, spans}`). Half of the questions
drawn fit the weights, the other half the confidence; its figures are cross-fitted by halves.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from eval.tools.fitting import Described, fit_line, fit_softmax, log_odds
from eval.tools.paragraphs import Asked, Remembering, draw, load, report, search
from rag.answering.reader import Reader
from rag.answering.reading.evidence import Likeness, SimilarityEvidence
from rag.answering.text.candidates import candidates
from rag.answering.text.features import NAMES, features
from rag.retrieval.embedding import SentenceTransformerEmbedder
from rag.types import Answer, Hit, Question

MAX_SENTENCES = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--paragraphs", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    embedder = Remembering(SentenceTransformerEmbedder())
    passages, asked = load(options.data)
    asked = draw(asked, options.questions, rng)
    wanted = {name for one in asked for name in one.gold}
    pool = sorted(passages, key=lambda passage: passage.passage_id not in wanted)
    pool = pool[: options.paragraphs]
    embedder.embed_passages(
        [one.text for passage in pool for one in candidates([Hit(passage, 0.0, 1)])]
    )
    asked = search(pool, asked, embedder, rng)
    half = len(asked) // 2
    described = [pair for one in asked[:half] if (pair := describe(one, embedder)) is not None]
    weights = fit_softmax(described)
    fitted = Likeness(tuple(weights.round(2).tolist()), 1.0, 0.0)
    for name, weight in zip(NAMES, fitted.weights, strict=True):
        print(f"{weight:6.2f}  {name}")
    rest = asked[half:]
    halves = (rest[::2], rest[1::2])
    answers = [
        answer
        for train, test in (halves, halves[::-1])
        for answer in answer_all(test, with_line(fitted, train, embedder), embedder)
    ]
    print(*report(answers, [*halves[1], *halves[0]]), sep="\n")
    print(with_line(fitted, rest, embedder))


def with_line(fitted: Likeness, asked: Sequence[Asked], embedder: Remembering) -> Likeness:
    """Fit the confidence to whether the answer was right."""
    answers = answer_all(asked, replace(fitted, slope=1.0, intercept=0.0), embedder)
    right = [one.is_right(answer) for one, answer in zip(asked, answers, strict=True)]
    line = fit_line(log_odds([answer.confidence for answer in answers]).tolist(), right)
    return replace(fitted, slope=round(line[0], 3), intercept=round(line[1], 3))


def answer_all(asked: Sequence[Asked], fitted: Likeness, embedder: Remembering) -> list[Answer]:
    """Answer every question, however unsure."""
    finder = SimilarityEvidence(embedder, fitted)
    reader = Reader(finder, abstain_below=0.0, max_sentences=MAX_SENTENCES)
    return [reader.read(Question(one.question), one.question, one.hits) for one in asked]


def describe(one: Asked, embedder: Remembering) -> Described | None:
    """Return the features of a question's sentences, and which answer; None without sentences."""
    found = candidates(one.hits)
    if not found:
        return None
    gold = np.array([one.holds(c.hit.passage, c.start, c.end) for c in found])
    vectors = embedder.embed_passages([candidate.text for candidate in found])
    return features(one.question, found, vectors @ embedder.embed_query(one.question)), gold


if __name__ == "__main__":
    main()
