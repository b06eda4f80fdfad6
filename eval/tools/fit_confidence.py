"""Fit the constants of `TrainedEvidence`, and print risk and coverage on held-back questions.

python -m eval.tools.fit_confidence --data DIR --held data/reader/heldback.jsonl [--store FOLDER]

The held file is what `training.data` kept apart, lines of `{question, source, title, text, spans}`;
DIR (see `eval.tools.fit_similarity`) lends its paragraphs as distractors. With a store that holds
`corpus/`, the questions of `eval/datasets/corpus.jsonl` that are tagged "dev" are fitted on too.
Weights and confidence are cross-fitted by halves for the figures, and fitted on all in the end.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.dataset import Case, same_source
from eval.loaders import load_dataset
from eval.rows import rows_of
from eval.tools.fitting import Described, fit_line, fit_softmax, log_odds
from eval.tools.paragraphs import Asked, Remembering, Spans, from_examples, load, report, search
from rag.answering.reader import Reader
from rag.answering.reading.evidence import MARKS, PassageReader, TrainedEvidence, Trust
from rag.answering.reading.marking import NAMES, marks
from rag.answering.reading.model import Reading, ReadingModel
from rag.build import open_parts
from rag.ingest.sentences import sentence_spans
from rag.retrieval.embedding import SentenceTransformerEmbedder
from rag.settings import load_settings
from rag.types import Answer, Hit, Passage, Question

CASES = Path(__file__).resolve().parent.parent / "datasets" / "corpus.jsonl"
MAX_SENTENCES = 4
SIGNS = (1, 1, 1, -1, 1, 1, -1, -1, 1)
"""Which of `NAMES` speak for a sentence."""


class ReadOnce:
    """A reading model that reads each passage of a question once, and only when it is asked to.

    So what is fitted sees what the product reads: the first hits whole, the others as excerpts and
    only in doubt.
    """

    def __init__(self, model: PassageReader) -> None:
        self._model = model
        self._known: dict[tuple[str, str, str], Reading] = {}

    def read(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Reading]:
        fresh = [one for one in dict.fromkeys(passages) if (question, *one) not in self._known]
        for one, reading in zip(fresh, self._model.read(question, fresh), strict=True):
            self._known[question, *one] = reading
        return [self._known[question, *one] for one in passages]


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question and its hits, and what reads them."""

    asked: Asked
    model: ReadOnce
    embedder: Remembering

    def describe(self) -> Described | None:
        """Return the features of the sentences, and which answer; None without sentences."""
        finder = TrainedEvidence(self.model, self.embedder)
        readings = finder._read(self.asked.question, self.asked.hits)  # as the product does
        found = marks(self.asked.question, self.asked.hits, readings)[:MARKS]
        if not found:
            return None
        vectors = self.embedder.embed_passages([mark.text for mark in found])
        cosines = vectors @ self.embedder.embed_query(self.asked.question)
        gold = [self.asked.holds(mark.hit.passage, mark.start, mark.end) for mark in found]
        rows = [(*mark.features, cosine) for mark, cosine in zip(found, cosines, strict=True)]
        return np.array(rows, dtype=np.float64), np.array(gold)

    def answer(self, trust: Trust) -> Answer:
        """Answer, however unsure."""
        finder = TrainedEvidence(self.model, self.embedder, trust)
        reader = Reader(finder, abstain_below=0.0, max_sentences=MAX_SENTENCES)
        text = self.asked.question
        return reader.read(Question(text), text, self.asked.hits)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--distractors", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    embedder = Remembering(SentenceTransformerEmbedder())
    pool, asked = held_back(options.held, options.data, options.distractors, rng)
    asked = search(pool, rng.sample(asked, options.questions), embedder, rng)
    if options.store:
        asked += own_cases(options.store)
    rng.shuffle(asked)
    model = ReadOnce(ReadingModel.load(options.model))
    read = [ReadQuestion(one, model, embedder) for one in asked]
    halves = (read[::2], read[1::2])
    answers = [
        one.answer(trust)
        for train, test in (halves, halves[::-1])
        for trust in [fit(train)]
        for one in test
    ]
    tested = [one.asked for one in (*halves[1], *halves[0])]
    for source in sorted({one.source for one in tested}):
        print(f"\n{source}:")
        chosen = [i for i, one in enumerate(tested) if one.source == source]
        print(*report([answers[i] for i in chosen], [tested[i] for i in chosen]), sep="\n")
    print("\nall:", *report(answers, tested), sep="\n")
    trust = fit(read)
    for name, weight in zip(NAMES, trust.weights, strict=True):
        print(f"{weight:7.3f}  {name}")
    print(trust)


def fit(read: Sequence[ReadQuestion]) -> Trust:
    """Fit the weights to choose sentences, or none; scale them to whether answers are right."""
    described = [pair for one in read if (pair := one.describe()) is not None]
    *weights, nothing = fit_softmax(described, abstaining=True, signs=SIGNS)
    raw = Trust(tuple(float(weight) for weight in weights), -float(nothing))
    answers = [one.answer(raw) for one in read]
    right = [one.asked.is_right(answer) for one, answer in zip(read, answers, strict=True)]
    slope, intercept = fit_line(log_odds([a.confidence for a in answers]).tolist(), right)
    scaled = tuple(round(slope * weight, 3) for weight in raw.weights)
    return Trust(scaled, round(slope * raw.bias + intercept, 3))


def held_back(
    held: Path, data: Path, distractors: int, rng: random.Random
) -> tuple[list[Passage], list[Asked]]:
    """Return the held-back paragraphs with some others, and the held-back questions."""
    wanted = [row for row in rows_of(held) if row["source"] in ("squad", "nq")]
    own, asked = from_examples(iter(wanted))
    texts = {passage.text for passage in own}
    others = [passage for passage in load(data)[0] if passage.text not in texts]
    return [*own, *rng.sample(others, distractors)], asked


def own_cases(store: Path) -> list[Asked]:
    """Ask the project's own dev questions of a store that holds the corpus."""
    with open_parts(load_settings(data_dir=store)) as parts:
        cases = load_dataset(CASES).select(tags=("dev",)).cases
        return [
            Asked(case.question, "corpus", gold_of(case, hits), hits)
            for case in cases
            if not case.history
            for hits in [parts.assistant.search(case.question, 10)]
        ]


def gold_of(case: Case, hits: Sequence[Hit]) -> dict[str, Spans]:
    """Find a case's answers inside its quotes, or each sentence of a quote, in the hits.

    A quote that was not found counts as well, so that the question stays answerable.
    """
    gold: dict[str, Spans] = {}
    for item in case.relevant:
        gold.setdefault(f"not found: {item.source}", ((0, 0),))
        for passage in (
            hit.passage for hit in hits if same_source(hit.passage.source, item.source)
        ):
            spans = tuple(_spans_in(passage, item.quote, case.answers))
            gold[passage.passage_id] = gold.get(passage.passage_id, ()) + spans
    return gold


def _spans_in(passage: Passage, quote: str, answers: Sequence[str]) -> Iterator[tuple[int, int]]:
    at = passage.text.find(quote) if quote else -1
    if at < 0:
        return
    inside = [(quote.find(answer), len(answer)) for answer in answers if answer in quote]
    spans = [(first, first + size) for first, size in inside] or sentence_spans(quote)
    for first, last in spans:
        yield passage.start + at + first, passage.start + at + last


if __name__ == "__main__":
    main()
