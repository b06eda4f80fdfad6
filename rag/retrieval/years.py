"""Years that a question names: a passage that holds one of them is the likelier one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rag.types import Passage

BONUS = 0.2
"""What a named year adds, as a share of the best score; docs/ablations.md has what it is worth."""

_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")


def years(text: str) -> frozenset[str]:
    """Return the years from 1000 to 2099 that a text names in figures."""
    return frozenset(_YEAR.findall(text))


def named_years(passage: Passage) -> frozenset[str]:
    """Return the years that a passage, its headings or the date of its document name."""
    return years(f"{passage.date} {passage.context} {passage.text}")


def prefer_years(
    wanted: frozenset[str],
    ranking: Sequence[tuple[str, float]],
    named: Mapping[str, frozenset[str]],
    *,
    bonus: float = BONUS,
) -> list[tuple[str, float]]:
    """Lift what names a wanted year, best first; scores in [0, 1] stay there, ties as they are.

    `named` are years by the ids of the ranking; an id that is missing names none.
    """
    lift = bonus * max((score for _, score in ranking), default=0.0)
    lifted = [
        (one, (score + lift * bool(wanted & named.get(one, frozenset()))) / (1 + bonus))
        for one, score in ranking
    ]
    return sorted(lifted, key=lambda pair: -pair[1])
