"""Choose, calibrate and pack the reader that ships.

    python -m training.export --data data/reader --checkpoint data/checkpoints/last.pt

Everything is fitted on the held-back articles: whether the last weights or their average are
used, the calibration, and the threshold for questions without an answer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from eval.metrics.abstention import auroc
from eval.metrics.calibration import expected_calibration_error
from eval.metrics.spans import exact_match, token_f1
from rag.answering.reading.input import bunches, windows
from rag.answering.reading.model import FORMAT, PACKAGED, best_spans
from rag.answering.reading.network import ReadingNetwork, pack_int8
from rag.bert import load_tokenizer
from training.data import SEED, Example, holds_answer
from training.encoding import read_examples
from training.mining import BM25

HEADS = 12
SIZES = {"squad": 900, "nq": 500, "qamr": 200}  # held-back questions used


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the network said of one held-back example."""

    example: Example
    answerable: float
    gap: float
    text: str

    @property
    def references(self) -> list[str]:
        return [self.example.text[s:e] for s, e in self.example.spans]

    @property
    def f1(self) -> float:
        return token_f1(self.text, self.references)


def sample(examples: Sequence[Example], share: float = 1.0) -> list[Example]:
    """Take some held-back questions of each set, each also with the nearest wrong passage."""
    rng = random.Random(SEED)
    taken: list[Example] = []
    for source, size in SIZES.items():
        rows = [e for e in examples if e.source == source]
        taken += rng.sample(rows, min(round(share * size), len(rows)))
    texts = list({e.text: e for e in examples}.values())
    index = BM25([f"{e.title}. {e.text}" for e in texts])
    wrong = []
    for example in [e for e in taken if e.spans and e.source != "qamr"]:
        for i in index.top(example.question, 5):
            other = texts[i]
            if other.text != example.text and not holds_answer(other.text, example):
                new = replace(example, title=other.title, text=other.text, spans=(), kind="hard")
                wrong.append(new)
                break
    return taken + wrong


def outcomes(weights: Mapping[str, Tensor], examples: Sequence[Example]) -> list[Outcome]:
    """Read every example in float32; only the first window of a long passage counts."""
    network = ReadingNetwork(weights, HEADS, torch.float32)
    tokenizer = load_tokenizer()
    rows = [windows(tokenizer, e.question, [(e.title, e.text)])[0][0] for e in examples]
    found: dict[int, Outcome] = {}
    for bunch in bunches(rows):
        for i, logits in zip(bunch, network.read([rows[i] for i in bunch]), strict=True):
            gap, spans = best_spans(logits)
            start, end = rows[i].offsets[spans[0][0]][0], rows[i].offsets[spans[0][1]][1]
            text = examples[i].text[start:end]
            found[i] = Outcome(examples[i], logits.answerable, gap, text)
    return [found[i] for i in range(len(examples))]


def fit_logistic(
    features: NDArray[np.float64], labels: NDArray[np.float64], rounds: int = 30
) -> NDArray[np.float64]:
    """Return logistic weights, bias last, by Newton's method with a little ridge."""
    table = np.column_stack([features, np.ones(len(features))])
    weights = np.zeros(table.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(table @ weights, -30, 30)))
        gradient = table.T @ (chance - labels) + 1e-3 * weights
        curve = table.T @ (table * (chance * (1 - chance))[:, None])
        weights -= np.linalg.solve(curve + 1e-3 * np.eye(len(weights)), gradient)
    return weights


def calibrate(found: Sequence[Outcome]) -> NDArray[np.float64]:
    """Fit P(this passage answers) on the answerability logit and the span gap."""
    features = np.array([[o.answerable, o.gap] for o in found])
    return fit_logistic(features, np.array([float(bool(o.example.spans)) for o in found]))


def squad_threshold(found: Sequence[Outcome], chances: Sequence[float]) -> float:
    """Return the probability below which saying "no answer" gives the best SQuAD F1."""
    rows = [(c, o) for c, o in zip(chances, found, strict=True) if o.example.source == "squad"]
    rows = sorted((r for r in rows if r[1].example.kind != "hard"), key=lambda r: r[0])
    # Say no answer to the first k: unanswerable ones among them count 1, the others 0.
    answered = sum(o.f1 for _, o in rows if o.example.spans)
    best, threshold, now = answered, 0.0, answered
    for i, (chance, one) in enumerate(rows):
        now += 1.0 if not one.example.spans else -one.f1
        if now > best:
            following = rows[i + 1][0] if i + 1 < len(rows) else 1.0
            best, threshold = now, (chance + following) / 2
    return threshold


def summary(found: Sequence[Outcome], fitted: NDArray[np.float64]) -> dict[str, float]:
    """Return the held-back figures of one set of weights."""
    values = np.array([[o.answerable, o.gap, 1.0] for o in found]) @ fitted
    chances = 1 / (1 + np.exp(-values))
    labels = [float(bool(o.example.spans)) for o in found]
    figures = {}
    for source in SIZES:
        rows = [o for o in found if o.example.source == source and o.example.spans]
        figures[f"{source}_f1"] = float(np.mean([o.f1 for o in rows]))
        exact = [exact_match(o.text, o.references) for o in rows]
        figures[f"{source}_em"] = float(np.mean(exact))
    own = [
        i for i, o in enumerate(found) if o.example.source == "squad" and o.example.kind == "gold"
    ]
    figures["squad_auroc"] = auroc(chances[own], [labels[i] for i in own]) or 0.0
    figures["auroc"] = auroc(chances, labels) or 0.0
    figures["calibration_error"] = expected_calibration_error(chances, labels) or 0.0
    figures["no_answer_below"] = squad_threshold(found, chances.tolist())
    return {name: round(value, 4) for name, value in figures.items()}


def restored(weights: Mapping[str, Tensor], storage: str) -> dict[str, Tensor]:
    """Return what the weights are after having been stored."""
    from rag.answering.reading.network import unpack

    return unpack(stored(weights, storage))


def stored(weights: Mapping[str, Tensor], storage: str) -> dict[str, Tensor]:
    """Return the tensors to write: int8 with a scale a row, or bfloat16."""
    if storage == "int8":
        return pack_int8(weights)
    return {n: w.to(torch.bfloat16 if w.ndim > 1 else torch.float32) for n, w in weights.items()}


def write(
    folder: Path, weights: Mapping[str, Tensor], storage: str, about: Mapping[str, object]
) -> None:
    """Write `reader.safetensors`, then the `reader.json` that vouches for it."""
    folder.mkdir(parents=True, exist_ok=True)
    data = save({n: w.contiguous() for n, w in stored(weights, storage).items()})
    (folder / "reader.safetensors").write_bytes(data)
    described = {
        "format": FORMAT,
        "weights": "reader.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
        "heads": HEADS,
        "storage": storage,
        **about,
    }
    text = json.dumps(described, indent=2) + "\n"
    (folder / "reader.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, default=Path("data/reader"))
    parser.add_argument("--checkpoint", type=Path, default=Path("data/checkpoints/last.pt"))
    parser.add_argument("--out", type=Path, default=PACKAGED)
    parser.add_argument("--weights", choices=("average", "network", "best"), default="best")
    parser.add_argument("--storage", choices=("int8", "bfloat16"), default="int8")
    parser.add_argument("--share", type=float, default=1.0, help="of the held-back questions")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    state = torch.load(arguments.checkpoint, weights_only=True, map_location="cpu")
    examples = sample(read_examples(arguments.data / "heldback.jsonl"), arguments.share)
    names = ("average", "network") if arguments.weights == "best" else (arguments.weights,)
    best, chosen = -1.0, ""
    for name in names:
        # The average holds every trained and frozen parameter; there are no other buffers.
        weights = {n: state[name][n].float() for n in state["average"]}
        found = outcomes(restored(weights, arguments.storage), examples)
        fitted = calibrate(found)
        figures = summary(found, fitted)
        print(name, arguments.storage, json.dumps(figures), flush=True)
        worth = figures["squad_f1"] + figures["nq_f1"] + figures["auroc"]
        if worth > best:
            best, chosen = worth, name
            kept = (weights, [round(float(w), 5) for w in fitted], figures)
    weights, fit, figures = kept
    about = {
        "calibration": {"answerable": fit, "relevance": fit[:2]},
        "trained": {"chosen": chosen, "seed": SEED, **state["progress"]},
        "held_back": figures,
    }
    write(arguments.out, weights, arguments.storage, about)


if __name__ == "__main__":
    main()
