"""How well the checks of citations work: planted errors, and claims that people judged.

    python -m eval.checking [--data DIR]

`DIR` holds the public sets; without it only the sample corpus is measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.checking_data import (
    Claim,
    clapnq_sentences,
    clapnq_support,
    climate_claims,
    corpus_sentences,
    half,
    wice_claims,
)
from eval.planted import KINDS, Cited, Planted, plant
from rag.answering.checking.support import Checked, SupportChecker
from rag.answering.citations import Draft, Quote
from rag.build import build_embedder
from rag.settings import keep_libraries_quiet, load_settings
from rag.types import Hit, Passage

EACH = 60
"""Planted errors of each kind: 300 in all."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened among so many."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.share:6.1%} ({self.hits} of {self.of})"


def tally(found: Iterable[bool]) -> Tally:
    """Count what is true."""
    values = list(found)
    return Tally(sum(values), len(values))


def check(checker: SupportChecker, one: Cited) -> Checked:
    """Check a sentence with the passages of its context, as an answer's would be."""
    hits = [Hit(passage, 0.0, rank) for rank, passage in enumerate(one.context, start=1)]
    draft = Draft(one.text, (whole(one.context[one.cited]),))
    return checker.check([draft], hits)[0]


def whole(passage: Passage) -> Quote:
    """Quote all of a passage."""
    return Quote(passage, passage.start, passage.end)


def is_caught(kind: str, found: Checked) -> bool:
    """Whether the person is told: a wrong sentence is not "supported", a citation not left.

    A swapped citation is also caught when it was moved, for the sentence itself is right.
    """
    doubted = found.support in ("partial", "unsupported")
    return doubted or (kind == "swapped citation" and found.draft.moved)


def is_false_alarm(found: Checked) -> bool:
    """Whether a right sentence is doubted, or its right citation moved."""
    return found.support != "supported" or found.draft.moved


def measure_planted(checker: SupportChecker, name: str, right: Sequence[Cited]) -> None:
    """Print what is caught of 300 planted errors, and the false alarms on right sentences."""
    planted = plant(right, EACH, seed=7)
    began = time.perf_counter()
    found = [(one, check(checker, one.sentence)) for one in planted]
    alarms = [check(checker, one) for one in right]
    each = 1000 * (time.perf_counter() - began) / (len(planted) + len(right))
    print(f"\n{name}: {len(planted)} planted errors, {len(right)} right sentences")
    for kind in KINDS:
        print(f"  {kind:18} caught {_caught(found, kind)}")
    caught = tally(is_caught(one.kind, checked) for one, checked in found)
    print(f"  {'all':18} caught {caught}")
    unsupported = tally(checked.support == "unsupported" for _, checked in found)
    print(f"  {'':18} of these called unsupported, not partial {unsupported}")
    print(f"  false alarms              {tally(map(is_false_alarm, alarms))}")
    print(f"  called unsupported        {tally(c.support == 'unsupported' for c in alarms)}")
    print(f"  {each:.0f} ms a sentence")


def _caught(found: Sequence[tuple[Planted, Checked]], kind: str) -> Tally:
    return tally(is_caught(kind, checked) for one, checked in found if one.kind == kind)


def measure_claims(checker: SupportChecker, name: str, claims: Sequence[Claim]) -> None:
    """Print accuracy and F1 of "supported" on claims that people judged."""
    said = []
    for claim in claims:
        found = checker.check([Draft(claim.text, (whole(claim.passage),))], [])[0]
        said.append(found.support == "supported")
    both = sum(s and c.supported for s, c in zip(said, claims, strict=True))
    precision = both / max(sum(said), 1)
    recall = both / max(sum(claim.supported for claim in claims), 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    accuracy = tally(s == c.supported for s, c in zip(said, claims, strict=True))
    print(
        f"{name}: F1 {100 * f1:.1f}, accuracy {100 * accuracy.share:.1f} "
        f"(precision {100 * precision:.1f}, recall {100 * recall:.1f}, {len(claims)} claims)"
    )


def measure_quotes(checker: SupportChecker, data: Path) -> None:
    """Print how often the sentences quoted are among those that people marked as support."""
    right, other = 0, 0
    for cited, marked in clapnq_support(data):
        if half(cited.text) == 0:
            continue
        for quote in check(checker, cited).draft.quotes:
            good = any(_letters(quote.text) in one or one in _letters(quote.text) for one in marked)
            right, other = right + good, other + (not good)
    print(f"clapnq, quotes that people marked as support: {Tally(right, right + other)}")


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="the folder of the public sets")
    data = parser.parse_args().data
    keep_libraries_quiet()
    checker = SupportChecker(build_embedder(load_settings()))
    measure_planted(checker, "sample corpus", corpus_sentences())
    if data is None:
        return
    answers = [one for one in clapnq_sentences(data) if half(one.text) == 1]
    measure_planted(checker, "clapnq, the half that is reported", answers)
    print("\nClaims (WiCE: GPT-4 61.0/77.0, GPT-3.5 39.3/32.0)")
    for name, claims in (("wice", wice_claims(data)), ("climate_fever", climate_claims(data))):
        reported = [claim for claim in claims if half(claim.text) == 1]
        measure_claims(checker, f"{name}, the half that is reported", reported)
    measure_quotes(checker, data)


if __name__ == "__main__":
    main()
