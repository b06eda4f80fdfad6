"""What a sentence and a question have in common, as numbers that need no trained reader."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.answering.text.candidates import Candidate

_FUNCTION_WORDS = (
    "a about after all also an and any are as at be been before but by can could did do does for "
    "from get had has have he her him his how i if in into is it its just many me more most much "
    "my no not of on one or other our out over she should so some than that the their them then "
    "there these they this those to under up us was we were what when where which who whom whose "
    "why will with would you your s t"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
STEM_CHARS = 6

NAMES = (
    "cosine of question and sentence",
    "cosine of question and passage's best sentence",
    "share of the question's rare words in the sentence",
    "share of them in the sentence or its neighbours",
    "share of them in the passage or its title",
    "the expected kind of answer is there",
    "the expected kind of answer is missing",
    "the sentence is a question",
)
"""The columns of `features`."""

NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|twice|"
    r"(?:dozen|hundred|thousand|million|billion)s?)\b",
    re.I,
)
DATE = re.compile(
    r"\b(?:1\d|20)\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|"
    r"October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|"
    r"[Yy]esterday|[Tt]oday|[Tt]omorrow)\b"
)
REASON = re.compile(r"\b(?:because|since|due to|so that|in order to|as a result|reason)\b", re.I)

CUES = (
    (re.compile(r"^(?:\W*in )?(?:when|what year|what date|which year|on what date)\b", re.I), DATE),
    (re.compile(r"\bhow (?:many|much|long|old|often|far|big|tall|large)\b", re.I), NUMBER),
    (re.compile(r"\b(?:what|which) (?:percentage|percent|number|amount)\b", re.I), NUMBER),
    (re.compile(r"^why\b", re.I), REASON),
)
"""Questions by their words, and a pattern of the answers that they expect."""

WHO = re.compile(r"^(?:who|whose|whom|by whom)\b", re.I)
WHERE = re.compile(r"^where\b|\b(?:what|which) (?:city|country|place|state|town)\b", re.I)


def features(
    query: str, found: Sequence[Candidate], cosines: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Describe candidates, shape (n, len(NAMES)); `cosines` are theirs with the query, (n,)."""
    stems = [content_stems(candidate.text) for candidate in found]
    wanted = content_stems(query)
    weight = _rarity(wanted, stems)
    passage_stems, best = _by_passage(found, stems, cosines)
    rows = []
    for i, candidate in enumerate(found):
        passage = candidate.hit.passage
        nearby = stems[i].union(*(stems[j] for j in (i - 1, i + 1) if _same_passage(found, i, j)))
        around = passage_stems[passage.passage_id] | content_stems(passage.context)
        cue = expected_kind(query, candidate.text)
        rows.append(
            (
                float(cosines[i]),
                best[passage.passage_id],
                _share(wanted & stems[i], weight),
                _share(wanted & nearby, weight),
                _share(wanted & around, weight),
                float(cue is True),
                float(cue is False),
                float(candidate.text.rstrip("\"'”’ ").endswith("?")),
            )
        )
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(NAMES))


def content_stems(text: str) -> frozenset[str]:
    """Return the first letters of the words that carry meaning, so that "asked" meets "asking"."""
    words = re.findall(r"\w+", text.casefold())
    return frozenset(_stem(word) for word in words if word not in FUNCTION_WORDS)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if len(word) > len(ending) + 2 and word.endswith(ending) and not word.endswith("ss"):
            word = word.removesuffix(ending)
            break
    return word[:STEM_CHARS].removesuffix("e")


def expected_kind(query: str, text: str, *, begins: bool = True) -> bool | None:
    """Whether text holds the kind of thing asked for; None when no kind shows.

    A capital at the very beginning is no sign of a name, unless text does not begin a sentence.
    """
    for asked, pattern in CUES:
        if asked.search(query):
            return pattern.search(text) is not None
    if WHO.search(query) or WHERE.search(query):
        return bool(_names(text, begins) - {word.lower() for word in re.findall(r"\w+", query)})
    return None


def _names(text: str, begins: bool) -> set[str]:
    """Return the capitalised words, lowered, that do not merely begin a sentence."""
    words = re.findall(r"[\w’'-]+", text)
    return {
        word.lower()
        for i, word in enumerate(words)
        if word[0].isupper()
        and word.lower() not in FUNCTION_WORDS
        and (i or not begins or word.isupper())
    }


def _rarity(wanted: frozenset[str], sentences: Sequence[frozenset[str]]) -> dict[str, float]:
    """Weigh each word of the question by its inverse frequency among the sentences at hand."""
    seen = Counter(word for words in sentences for word in words & wanted)
    return {word: math.log(1 + len(sentences) / (1 + seen[word])) for word in wanted}


def _share(words: frozenset[str], weight: dict[str, float]) -> float:
    total = sum(weight.values())
    return sum(weight[word] for word in words) / total if total else 0.0


def _by_passage(
    found: Sequence[Candidate], stems: Sequence[frozenset[str]], cosines: NDArray[np.float32]
) -> tuple[dict[str, frozenset[str]], dict[str, float]]:
    words: dict[str, frozenset[str]] = {}
    best: dict[str, float] = {}
    for candidate, mine, cosine in zip(found, stems, cosines, strict=True):
        key = candidate.hit.passage.passage_id
        words[key] = words.get(key, frozenset()) | mine
        best[key] = max(best.get(key, -1.0), float(cosine))
    return words, best


def _same_passage(found: Sequence[Candidate], i: int, j: int) -> bool:
    return (
        0 <= j < len(found) and found[i].hit.passage.passage_id == found[j].hit.passage.passage_id
    )
