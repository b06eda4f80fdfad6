"""Misspelt words of a question, put right by the words of the passages that were found for it."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import takewhile

from rag.types import Hit

_LEAST_CHARS = 4
_TWO_SLIPS_CHARS = 8
"""A word of this length may hold two slips."""
_ASKING = frozenset(("what", "which", "when", "where", "whose", "does", "about", "because"))
"""Words of questions themselves, which no passage need hold."""
_ENDINGS = "s es d ed ing r rs er ers ly e n en an ans y"
_FORMS = frozenset(("", *_ENDINGS.split()))
"""What may stand at the end of one word where another of the same stem has another ending."""
_WORD = re.compile(r"[^\W\d_]+")
_LEFT_ALONE = re.compile(r"[\"“«„][^\"”»“]+[\"”»“]|\S*[\d@/_]\S*|\w+\.\w\S*")
"""What is quoted, and numbers, addresses and the like."""


def respelled(query: str, hits: Sequence[Hit]) -> str:
    """Return a question with the words that are none replaced by those that the hits have.

    A word that the packaged models know, or that a hit holds in this form or another, stays as it
    is. Others become the word with the same first letter that is one slip away (two, when it is
    long): a letter too many, too few, another, or two that changed places. Ties go to the word
    that the hits hold more often.
    """
    doubtful = _doubtful(query)
    if not doubtful:
        return query
    found = Counter(
        word.lower()
        for hit in hits
        for word in _WORD.findall(f"{hit.passage.context} {hit.passage.text}")
    )
    meant = {
        match.start(): _in_the_case_of(match[0], better)
        for match in doubtful
        if not _is_held(match[0].lower(), found) and (better := _nearest(match[0].lower(), found))
    }
    return _WORD.sub(lambda match: meant.get(match.start(), match[0]), query)


def slips(one: str, other: str, most: int) -> int:
    """Return how many slips lie between two words, counted up to `most` + 1.

    Two neighbours that changed places are one slip, and stay where they are afterwards (Damerau,
    "A technique for computer detection and correction of spelling errors", 1964).
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, above, row = above, row, [i]
        for j, facing in enumerate(other, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != facing))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], facing):
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def _doubtful(query: str) -> list[re.Match[str]]:
    """Find the words of a question that are long enough and not known to be any."""
    alone = [match.span() for match in _LEFT_ALONE.finditer(query)]
    shouted = query.isupper()
    return [
        match
        for match in _WORD.finditer(query)
        if len(match[0]) >= _LEAST_CHARS
        and (shouted or not match[0].isupper())
        and not any(start <= match.start() < end for start, end in alone)
        and match[0].lower() not in _known_words()
    ]


def _is_held(word: str, found: Counter[str]) -> bool:
    """Whether the passages hold a word, or another form of it: "approves", "approved"."""
    return word in found or any(_are_forms(word, other) for other in found)


def _are_forms(one: str, other: str) -> bool:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    endings = {one[same:], other[same:]}
    return same >= _LEAST_CHARS + ("" not in endings) and endings <= _FORMS


def _nearest(word: str, found: Counter[str]) -> str:
    """Return the word that a misspelt one stands for, "" when there is none."""
    most = 2 if len(word) >= _TWO_SLIPS_CHARS else 1
    distances = {
        other: distance
        for other in {*found, *_ASKING}
        if other[0] == word[0]
        and len(other) >= _LEAST_CHARS
        and (distance := slips(word, other, most)) <= most
    }
    return min(
        distances,
        key=lambda other: (distances[other], other not in _ASKING, -found[other], other),
        default="",
    )


def _in_the_case_of(word: str, other: str) -> str:
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other


@functools.cache
def _known_words() -> Collection[str]:
    """Return the whole words that the packaged models know, some 25,000 frequent ones."""
    from rag.bert import load_tokenizer

    return frozenset(word for word in load_tokenizer().get_vocab() if word.isalpha())
