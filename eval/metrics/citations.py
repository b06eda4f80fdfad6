"""Citation recall and precision after ALCE (Gao et al. 2023, arXiv 2305.14627, section 3).

ALCE asks a model of 11 billion parameters whether cited passages entail a sentence. Here whether
they do is a parameter, and the default compares words: see `lexical_support`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Supports = Callable[[str, str], bool]
"""`supports(evidence, sentence)`: whether the evidence, by itself, backs what the sentence says."""

_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = (
    "a an and are as at be been but by did do does for from had has have he her his i in into is it"
    " its not of on or our she so than that the their them then there these they this those to was"
    " we were what when where which who whom whose why will with would you your"
)
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True, slots=True)
class CitationScores:
    """Shares in [0, 1]; None where there is nothing to take a share of."""

    recall: float | None
    precision: float | None


def citation_scores(
    statements: Sequence[tuple[str, Sequence[str]]], supports: Supports | None = None
) -> CitationScores:
    """Score an answer given as (sentence, evidence of each of its citations) pairs.

    Recall is the share of sentences that their citations together support; a sentence without
    citations is not supported. Precision is the share of citations that are needed or sufficient:
    one counts when its sentence is supported and either it supports the sentence alone, or the
    others do not support it without it. Without sentences both are None; without citations
    precision is 0, as in ALCE.
    """
    check = supports or lexical_support
    if not statements:
        return CitationScores(None, None)
    supported = correct = cited = 0
    for sentence, evidence in statements:
        cited += len(evidence)
        if not evidence or not check("\n".join(evidence), sentence):
            continue
        supported += 1
        correct += sum(_needed(i, evidence, sentence, check) for i in range(len(evidence)))
    return CitationScores(supported / len(statements), correct / cited if cited else 0.0)


def _needed(index: int, evidence: Sequence[str], sentence: str, supports: Supports) -> bool:
    if len(evidence) == 1 or supports(evidence[index], sentence):
        return True
    others = [text for i, text in enumerate(evidence) if i != index]
    return not supports("\n".join(others), sentence)


def lexical_support(evidence: str, sentence: str, share: float = 0.75) -> bool:
    """Say whether the evidence holds the share of the sentence's content words, and every number.

    It is blind to negation and paraphrase: read it as an upper bound for copied text and a lower
    one for rewritten text. A sentence of function words alone is supported by any evidence.
    """
    wanted = content_words(sentence)
    found = content_words(evidence)
    if any(word.isdigit() and word not in found for word in wanted):
        return False
    return len(wanted & found) >= share * len(wanted)


def content_words(text: str) -> frozenset[str]:
    """List the words of a text in lower case, without function words."""
    return frozenset(_WORD.findall(text.lower())) - _STOP_WORDS


def quote_share(quote: str, wanted: str) -> float:
    """Return what share of the wanted text a quote or passage holds, in [0, 1].

    White space aside, the wanted text is looked for whole, then as a piece cut off by either end
    of the quote (a passage that ends in its middle), then the other way round.
    """
    have, want = " ".join(quote.split()), " ".join(wanted.split())
    if not have or not want:
        return 0.0
    if want in have:
        return 1.0
    if have in want:
        return len(have) / len(want)
    longest = min(len(have), len(want)) - 1
    for size in range(longest, 0, -1):
        if have.startswith(want[-size:]) or have.endswith(want[:size]):
            return size / len(want)
    return 0.0
