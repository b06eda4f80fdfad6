"""Fit how the support of a sentence is decided, on the halves of the data that are not reported.

    python -m eval.tools.fit_support --data DIR

prints the constants of `rag.answering.checking.support.FITTED` and how they do on what they were
fitted on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from eval.checking_data import (
    Claim,
    clapnq_sentences,
    climate_claims,
    half,
    mtrag_sentences,
    wice_claims,
)
from eval.planted import Cited, plant
from eval.tools.fitting import Floats
from rag.answering.checking.support import find_evidence
from rag.answering.reading.evidence import SentenceEmbedder
from rag.build import build_embedder
from rag.settings import keep_libraries_quiet, load_settings
from rag.types import Passage

SIGNS = (1, 1, 1, -1, -1, -1, -1, -1, -1, 1, 1, -1, -1, -1, -1, 1, 0, 1)
"""Whether each column speaks for a sentence: few examples should not teach the opposite."""
RIDGE = 0.002
FALSE_ALARMS = 0.09
SHARE_OF_CLAIMS = 0.35
PLANTED_EACH = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A sentence beside its passage, whether that supports it, and the set that it is from."""

    text: str
    passage: Passage
    supported: bool
    name: str


def rows_to_fit(data: Path) -> Iterator[Row]:
    """List what may be fitted on: half of each reported set, and all of MTRAG."""
    for name, claims in (("wice", wice_claims(data)), ("climate", climate_claims(data))):
        yield from (_row(name, claim) for claim in claims if half(claim.text) == 0)
    clapnq = [one for one in clapnq_sentences(data) if half(one.text) == 0]
    for name, right in (("clapnq", clapnq), ("mtrag", mtrag_sentences(data)[::2])):
        yield from (_cited(name, one, supported=True) for one in right)
        wrong = plant(right, PLANTED_EACH, seed=1)
        yield from (_cited(name, one.sentence, supported=False) for one in wrong)


def _row(name: str, claim: Claim) -> Row:
    return Row(claim.text, claim.passage, claim.supported, name)


def _cited(name: str, one: Cited, *, supported: bool) -> Row:
    return Row(one.text, one.context[one.cited], supported, name)


def describe(rows: Sequence[Row], embedder: SentenceEmbedder) -> tuple[Floats, list[bool]]:
    """Return the columns of each row, (n, 18), and which rows share any word at all."""
    found = [find_evidence(row.text, (row.passage,)) for row in rows]
    texts = [t for row, one in zip(rows, found, strict=True) if one for t in (row.text, one.text)]
    vectors = iter(embedder.embed_passages(texts))
    columns = [
        (*one.counted, float(next(vectors) @ next(vectors))) if one else (0.0,) * len(SIGNS)
        for one in found
    ]
    return np.array(columns), [one is not None for one in found]


def fit(columns: Floats, supported: Floats, weight: Floats) -> Floats:
    """Fit the weights and the bias of a logistic regression, each of the sign it must have."""
    extended = np.hstack([columns, np.ones((len(columns), 1))])
    sign = 2 * supported - 1

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (extended @ weights)
        slope = -(weight * sign / (1 + np.exp(margin))) @ extended
        penalty = RIDGE * float(weights[:-1] @ weights[:-1])
        slope[:-1] += 2 * RIDGE * weights[:-1]
        return float(weight @ np.logaddexp(0, -margin)) + penalty, slope

    bounds = [{1: (0, None), -1: (None, 0), 0: (None, None)}[sign] for sign in SIGNS]
    start = np.zeros(extended.shape[1])
    fitted: Floats = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)]
    ).x
    return fitted


def balanced(rows: Sequence[Row]) -> Floats:
    """Weigh rows so that claims and answers count alike, and right and wrong ones of each set."""
    weight = np.zeros(len(rows))
    sets = {"wice": SHARE_OF_CLAIMS / 2, "climate": SHARE_OF_CLAIMS / 2}
    for name, share in (
        sets | dict.fromkeys(("clapnq", "mtrag"), (1 - SHARE_OF_CLAIMS) / 2)
    ).items():
        for supported in (True, False):
            mine = np.array([row.name == name and row.supported is supported for row in rows])
            weight[mine] = share / 2 / max(mine.sum(), 1)
    return weight


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the public sets")
    data = parser.parse_args().data
    keep_libraries_quiet()
    rows = list(rows_to_fit(data))
    columns, _ = describe(rows, build_embedder(load_settings()))
    report(rows, columns)


def report(rows: Sequence[Row], columns: Floats) -> None:
    """Fit, choose the threshold, and print both."""
    right = np.array([float(row.supported) for row in rows])
    fitted = fit(columns, right, balanced(rows))
    odds = columns @ fitted[:-1] + fitted[-1]
    answers = np.array([row.name in ("clapnq", "mtrag") for row in rows])
    threshold = float(np.quantile(odds[answers & (right == 1)], FALSE_ALARMS))
    print("weights", tuple(round(float(w), 3) for w in fitted[:-1]), "bias", round(fitted[-1], 3))
    print("supported from", round(1 / (1 + np.exp(-threshold)), 3))
    for name in ("wice", "climate", "clapnq", "mtrag"):
        mine = np.array([row.name == name for row in rows])
        said = odds[mine] >= threshold
        truth = right[mine] == 1
        precision, recall = (said & truth).sum() / max(said.sum(), 1), said[truth].mean()
        print(
            f"{name}: {mine.sum()} rows, accuracy {(said == truth).mean():.3f}, "
            f"F1 {2 * precision * recall / max(precision + recall, 1e-9):.3f}, "
            f"caught {(~said[~truth]).mean():.3f}, false alarms {(~said[truth]).mean():.3f}"
        )


if __name__ == "__main__":
    main()
