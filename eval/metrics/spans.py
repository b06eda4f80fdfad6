"""Exact match and token F1 as SQuAD scores them (Rajpurkar et al. 2016 and 2018)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalise(text: str) -> str:
    """Lower the case, drop ASCII punctuation and articles, and join words by single spaces.

    It is `normalize_answer` of the official SQuAD 2.0 script, character for character, so
    figures can stand beside published ones.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """Say 1.0 when the normalised prediction equals one of the references.

    No references means that the question has no answer: only "" is right then.
    """
    return max(float(normalise(prediction) == normalise(ref)) for ref in _usable(references))


def token_f1(prediction: str, references: Sequence[str]) -> float:
    """Score the best overlap of words, counted with repetition, with one of the references.

    Where either side is empty the score is 1.0 if both are, else 0.0.
    """
    return max(_pair_f1(prediction, reference) for reference in _usable(references))


def contains_answer(text: str, references: Sequence[str]) -> bool:
    """Say whether the words of a reference stand in the text, in order and side by side.

    References that are empty after normalisation are ignored; with none left the answer is False.
    """
    padded = f" {normalise(text)} "
    wanted = [norm for norm in map(normalise, references) if norm]
    return any(f" {norm} " in padded for norm in wanted)


def _usable(references: Sequence[str]) -> list[str]:
    """Keep references that say something, as the official script does; [""] when none does."""
    return [reference for reference in references if normalise(reference)] or [""]


def _pair_f1(prediction: str, reference: str) -> float:
    found, wanted = normalise(prediction).split(), normalise(reference).split()
    if not found or not wanted:
        return float(found == wanted)
    shared = sum((Counter(found) & Counter(wanted)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(found), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)
