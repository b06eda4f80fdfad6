"""How far a claim and its evidence agree, in numbers: what the support of a sentence rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rag.answering.text.claims import Word

NAMES = (
    "share of the claim's words in the evidence, by weight",
    "share of them in the best single sentence",
    "share of them in the passage, its title and date",
    "numbers and dates missing in the evidence, at most 2",
    "numbers and dates missing in the passage, at most 2",
    "names missing in the evidence, at most 2",
    "names missing in the passage, at most 2",
    "negations that differ, at most 2",
    "words that the evidence has the opposite of, at most 2",
    "share of neighbouring words that are neighbours in the evidence",
    "share of those that stand in the same order",
    "numbers that stand in another's place, at most 2",
    "names that stand in another's place, at most 2",
    "share of the claim's words in the evidence, where a number is absent",
    "share of them, where a name is absent",
    "share of the claim's words in order in the evidence",
    "logarithm of the number of words",
)
"""The columns of `agreement`."""

MAX_WINDOW = 3
"""So many sentences of the cited passages may support a claim together."""
NEAR_WORDS = 5
RIVAL_WORDS = 3
_GAIN = 0.08  # a further sentence must hold this share more of the claim
_PREFIX_CHARS = 4

_OPPOSITES = (
    "increas/decreas rise/fall rose/fell ris/fal gain/los grow/shrink grew/shrank more/less "
    "more/few higher/lower high/low before/after early/late first/last begin/end began/end "
    "start/end open/clos win/los won/lost support/oppos accept/reject allow/forb allow/ban "
    "agre/disagr public/privat north/south east/west north/southe best/worst better/worse "
    "improv/worsen success/fail always/never all/non major/minor ancient/modern true/fals "
    "strength/weak approv/reject approv/den admit/den enter/leave arriv/leav arriv/depart "
    "remember/forgot rich/poor strong/weak large/small larg/smal old/young old/new hot/cold "
    "warm/cool above/below inside/outside maximum/minimum same/differ legal/illeg content/disco "
    "encourag/discour confirm/den welcom/rejec majorit/minori most/few praise/critic prais/critic"
)


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split():
        one, other = (word[:6] for word in pair.split("/"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES = _opposites()


def coverage(claim: Sequence[Word], words: Iterable[Word]) -> float:
    """Return the share of the claim's words among others, by weight; 0 for a claim without any."""
    stems = Stems(words)
    total = sum(word.weight for word in claim)
    return sum(word.weight for word in claim if word in stems) / total if total else 0.0


def choose(claim: Sequence[Word], sentences: Sequence[Sequence[Word]]) -> list[int]:
    """Choose the sentences that hold most of a claim together, at most three, best first.

    Each further one must add a twelfth of the claim. Ties go to the shorter, then to the earlier.
    """
    stems = [Stems(words) for words in sentences]
    total = sum(word.weight for word in claim) or 1.0
    chosen: list[int] = []
    left = list(claim)
    while left and len(chosen) < MAX_WINDOW:
        gains = [sum(word.weight for word in left if word in own) / total for own in stems]
        best = min(range(len(gains)), key=lambda i: (-gains[i], len(sentences[i]), i), default=None)
        if best is None or gains[best] < (_GAIN if chosen else 1e-9):
            break
        chosen.append(best)
        left = [word for word in left if word not in stems[best]]
    return chosen


class Stems:
    """A set of words to look up in; names also meet those that begin alike (China, Chinese)."""

    def __init__(self, words: Iterable[Word]) -> None:
        words = list(words)
        self._all = {word.stem for word in words}
        self._beginnings = {w.stem[:_PREFIX_CHARS] for w in words if w.kind == "name"}

    def __contains__(self, word: Word) -> bool:
        if word.stem in self._all:
            return True
        return word.kind == "name" and word.stem[:_PREFIX_CHARS] in self._beginnings


def agreement(
    claim: Sequence[Word], window: Sequence[Sequence[Word]], around: Sequence[Word]
) -> tuple[float, ...]:
    """Describe a claim beside the sentences chosen for it and all that stands around them.

    The window is best sentence first; the result has the columns of `NAMES`.
    """
    evidence = [word for sentence in window for word in sentence]
    stems, near_by = Stems(evidence), Stems([*evidence, *around])
    facts = [word for word in claim if word.kind != "word" and word.sure]
    missing = [word for word in facts if word not in stems]
    absent = [word for word in missing if word not in near_by]
    together, ordered = _neighbours(claim, window)
    swapped = _in_anothers_place(claim, window)
    held = coverage(claim, evidence)
    return (
        held,
        coverage(claim, window[0]) if window else 0.0,
        coverage(claim, [*evidence, *around]),
        _at_most_2(word.kind == "number" for word in missing),
        _at_most_2(word.kind == "number" for word in absent),
        _at_most_2(word.kind == "name" for word in missing),
        _at_most_2(word.kind == "name" for word in absent),
        negations(claim, evidence),
        _at_most_2(_has_opposite(word, stems) for word in claim),
        together,
        ordered,
        _at_most_2(word.kind == "number" for word in swapped),
        _at_most_2(word.kind == "name" for word in swapped),
        held * any(word.kind == "number" for word in absent),
        held * any(word.kind == "name" for word in absent),
        in_order(claim, evidence) / len(claim) if claim else 0.0,
        math.log(1 + len(claim)),
    )


def negations(claim: Sequence[Word], evidence: Sequence[Word]) -> float:
    """Count the words that are negated on one side only, at most 2."""
    seen: dict[str, set[bool]] = {}
    for word in evidence:
        seen.setdefault(word.stem, set()).add(word.negated)
    differ = sum(word.stem in seen and word.negated not in seen[word.stem] for word in claim)
    denied = {word.negated for word in claim}, {word.negated for word in evidence}
    one_side = (True in denied[0]) != (True in denied[1])
    return float(min(differ, 2)) if differ else 0.5 * one_side


def in_order(claim: Sequence[Word], evidence: Sequence[Word]) -> int:
    """Return how many of the claim's words stand in the same order in the evidence."""
    best = [0] * (len(evidence) + 1)
    for word in claim:
        before = 0
        for i, other in enumerate(evidence, start=1):
            here = best[i]
            best[i] = before + 1 if word.stem == other.stem else max(best[i], best[i - 1])
            before = here
    return best[-1]


Places = dict[str, list[tuple[int, int]]]


def _places(window: Sequence[Sequence[Word]]) -> Places:
    """Return where each stem stands: sentence and word, from 0."""
    found: Places = {}
    for row, sentence in enumerate(window):
        for column, word in enumerate(sentence):
            found.setdefault(word.stem, []).append((row, column))
    return found


def _neighbours(claim: Sequence[Word], window: Sequence[Sequence[Word]]) -> tuple[float, float]:
    """Compare pairs of words that stand beside each other in the claim with the evidence."""
    places = _places(window)
    pairs = [
        (one, other)
        for i, one in enumerate(claim)
        for other in claim[i + 1 : i + 3]
        if one.stem in places and other.stem in places and one.stem != other.stem
    ]
    near = ordered = 0
    for one, other in pairs:
        distances = [
            second - first
            for row, first in places[one.stem]
            for other_row, second in places[other.stem]
            if row == other_row and abs(second - first) <= NEAR_WORDS
        ]
        near += bool(distances)
        ordered += any(distance > 0 for distance in distances)
    if not pairs:
        return 0.5, 0.5
    return near / len(pairs), ordered / near if near else 0.5


def _in_anothers_place(claim: Sequence[Word], window: Sequence[Sequence[Word]]) -> list[Word]:
    """Return names and numbers beside whose neighbours the evidence has another one instead.

    Another is of the same kind, near the neighbours, and not in the claim.
    """
    places = _places(window)
    own = Stems(claim)
    found = []
    for i, fact in enumerate(claim):
        if fact.kind == "word" or not fact.sure:
            continue
        beside = [*claim[max(0, i - 2) : i], *claim[i + 1 : i + 3]]
        spots = {
            spot for word in beside if word.stem != fact.stem for spot in places.get(word.stem, ())
        }
        there = Stems(_near(window, spots, NEAR_WORDS))
        rivals = (
            word
            for word in _near(window, spots, RIVAL_WORDS)
            if word.kind == fact.kind and word not in own and _same_form(word, fact)
        )
        if fact not in there and any(rivals):
            found.append(fact)
    return found


def _near(
    window: Sequence[Sequence[Word]], spots: Iterable[tuple[int, int]], words: int
) -> list[Word]:
    return [
        word
        for row, column in spots
        for word in window[row][max(0, column - words) : column + words + 1]
    ]


def _same_form(one: Word, other: Word) -> bool:
    """Whether two numbers can take each other's place: years, months and other numbers do not."""
    if one.kind != "number":
        return True
    return (one.stem.isalpha(), len(one.stem) == 4) == (other.stem.isalpha(), len(other.stem) == 4)


def _has_opposite(word: Word, stems: Stems) -> bool:
    return word not in stems and any(
        Word(other, "word") in stems for other in OPPOSITES.get(word.stem, ())
    )


def _at_most_2(found: Iterable[bool]) -> float:
    return float(min(sum(found), 2))
