"""Merging rankings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def score_fusion(
    dense: Sequence[tuple[Item, float]],
    lexical: Sequence[tuple[Item, float]],
    *,
    dense_share: float,
) -> list[tuple[Item, float]]:
    """Merge two rankings by their scores, best first; the new scores are in [0, 1].

    An item scores `dense_share` x its cosine, scaled to run from 0 to 1 over the ranking, plus the
    rest x its BM25 score as a share of the best. A search that missed an item gives it nothing.
    Ties keep the order of first appearance. Bruch, Gai & Ingber, TOIS 2023, compare such sums with
    reciprocal ranks. Cosines are scaled by their range because each model has a range of its own.
    """
    scores: dict[Item, float] = defaultdict(float)
    if dense:
        best, least = dense[0][1], dense[-1][1]
        span = best - least
        for item, cosine in dense:
            scores[item] += dense_share * ((cosine - least) / span if span > 0 else 1.0)
    for item, score in lexical:
        scores[item] += (1 - dense_share) * score / lexical[0][1]
    return sorted(scores.items(), key=lambda pair: -pair[1])


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
