"""Words that carry meaning, and how much of a claim's a text shares."""

from __future__ import annotations

import re

_WORDS = (
    "a about above after again against all also am an and any are as at be because been "
    "before being below between both but by can could did do does doing down during each few "
    "for from further had has have having he her here hers herself him himself his how i if "
    "in into is it its itself just let may me might more most much must my myself no nor not "
    "now of off on once only or other our ours out over own please shall she should so some "
    "such than that the their theirs them themselves then there these they this those through "
    "to too under until up upon us very was we were what when where which while who whom "
    "whose why will with within without would yes yet you your yours s t re ve ll d m don "
    "didn doesn isn wasn weren aren"
)
FUNCTION_WORDS = frozenset(_WORDS.split())
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def weighted_words(text: str) -> dict[str, float]:
    """Return the stems of a text's content words; numbers weigh 2, everything else 1.

    A stem is a word's first six letters; Chinese, Japanese and Korean count pairs of characters.
    """
    weights: dict[str, float] = {}
    for word in re.findall(r"\w+", text.casefold()):
        if _WIDE.search(word):
            weights.update((word[i : i + 2], 1.0) for i in range(max(1, len(word) - 1)))
        elif word not in FUNCTION_WORDS:
            weights[word[:6]] = 2.0 if word[0].isdigit() else 1.0
    return weights


def coverage(claim: str, text: str) -> float:
    """Return the share of a claim's content words that a text contains, by weight, in [0, 1]."""
    weights = weighted_words(claim)
    total = sum(weights.values())
    words = weighted_words(text)
    return (
        sum(weight for word, weight in weights.items() if word in words) / total if total else 0.0
    )
