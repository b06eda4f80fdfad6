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
from numpy.typing import NDArray
from scipy.optimize import minimize

from eval.tools.paragraphs import Asked, Remembering, draw, load, report, search
from rag.answering.candidates import candidates
from rag.answering.evidence import Likeness, SimilarityEvidence
from rag.answering.features import NAMES, features
from rag.answering.reader import Reader
from rag.retrieval.embedding import SentenceTransformerEmbedder
from rag.types import Answer, Hit, Question

MAX_SENTENCES = 4
RIDGE = 0.001

Floats = NDArray[np.float64]


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
    wanted = {one.gold for one in asked}
    pool = sorted(passages, key=lambda passage: passage.passage_id not in wanted)
    pool = pool[: options.paragraphs]
    embedder.embed_passages(
        [one.text for passage in pool for one in candidates([Hit(passage, 0.0, 1)])]
    )
    asked = search(pool, asked, embedder, rng)
    half = len(asked) // 2
    weights = fit_weights(asked[:half], embedder)
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


def fit_weights(asked: Sequence[Asked], embedder: Remembering) -> Floats:
    """Maximise the softmax share of the sentences that answer among all sentences of the hits."""
    described = [pair for one in asked if (pair := _describe(one, embedder)) is not None]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for rows, gold in described:
            scores = rows @ weights
            odds = np.exp(scores - scores.max())
            share = odds / odds.sum()
            right = float(share[gold].sum())
            mean_of_right = (share[gold] / right) @ rows[gold]
            total -= np.log(right) / len(described)
            slope = slope + (share @ rows - mean_of_right) / len(described)
        return total, slope

    result: Floats = minimize(loss, np.zeros(len(NAMES)), jac=True, method="L-BFGS-B").x
    return result


def with_line(fitted: Likeness, asked: Sequence[Asked], embedder: Remembering) -> Likeness:
    """Fit the confidence to whether the answer was right (Platt 1999)."""
    answers = answer_all(asked, replace(fitted, slope=1.0, intercept=0.0), embedder)
    right = np.array([one.is_right(a) for one, a in zip(asked, answers, strict=True)], float)
    sure = np.clip([answer.confidence for answer in answers], 1e-12, 1 - 1e-12)
    likeness = np.log(sure / (1 - sure))

    def loss(line: Floats) -> float:
        logits = (2 * right - 1) * (line[0] * likeness + line[1])
        return float(np.logaddexp(0, -logits).mean())

    slope, intercept = minimize(loss, np.array([1.0, -1.0]), method="Nelder-Mead").x
    return replace(fitted, slope=round(float(slope), 3), intercept=round(float(intercept), 3))


def answer_all(asked: Sequence[Asked], fitted: Likeness, embedder: Remembering) -> list[Answer]:
    """Answer every question, however unsure."""
    finder = SimilarityEvidence(embedder, fitted)
    reader = Reader(finder, abstain_below=0.0, max_sentences=MAX_SENTENCES)
    return [reader.read(Question(one.question), one.question, one.hits) for one in asked]


def _describe(one: Asked, embedder: Remembering) -> tuple[Floats, NDArray[np.bool_]] | None:
    """Return the features of a question's sentences, and which answer; None when none does."""
    found = candidates(one.hits)
    gold = np.array(
        [
            candidate.hit.passage.passage_id == one.gold
            and any(candidate.start <= start and end <= candidate.end for start, end in one.spans)
            for candidate in found
        ]
    )
    if not gold.any():
        return None
    vectors = embedder.embed_passages([candidate.text for candidate in found])
    return features(one.question, found, vectors @ embedder.embed_query(one.question)), gold


if __name__ == "__main__":
    main()
