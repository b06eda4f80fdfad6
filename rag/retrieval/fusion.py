"""Merging rankings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[Item]], *, weights: Sequence[float] | None = None, k: int = 60
) -> list[tuple[Item, float]]:
    """Merge rankings, best first: an item scores the sum of weight / (k + rank) over them.

    Ranks start at 1 and an item that a ranking misses gains nothing from it. Ties keep the order
    of first appearance. Cormack, Clarke & Buettcher, SIGIR 2009, who chose k = 60.
    """
    scores: dict[Item, float] = defaultdict(float)
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, item in enumerate(ranking, start=1):
            scores[item] += weight / (k + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])
