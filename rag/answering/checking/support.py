"""Check each sentence of an answer against what it cites, and cite what does support it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.answering.checking.agreement import agreement, choose, coverage
from rag.answering.citations import Draft, Quote
from rag.answering.question.kinds import OF_QUESTIONS
from rag.answering.text.claims import Word, content_words, date_words, is_claim
from rag.answering.text.instructions import trusted_spans
from rag.answering.text.statements import asks
from rag.answering.text.tables import tells_of_another_column
from rag.types import Hit, Passage, Support

if TYPE_CHECKING:
    from rag.answering.reading.evidence import SentenceEmbedder

ELSEWHERE = 2
"""So many other passages are looked at for a sentence that its own do not support ..."""
ELSEWHERE_COVERAGE = 0.5
"""... those that hold this share of its words at least."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression on the columns of `agreement.NAMES` and the cosine.

    From `supported` on a sentence is supported, below `partial` it is not; between, in part.
    """

    weights: tuple[float, ...]
    bias: float
    supported: float
    partial: float


# By `python -m eval.tools.fit_support --data DIR`; see docs/decisions/011-support.md.
FITTED = Weights(
    weights=(
        *(0.512, 0.298, 0.471, -0.043, 0.0, 0.0, -0.352, -1.480, 0.0, 0.318, 0.0),
        *(-1.676, -0.489, -1.157, -1.475, 0.0, 0.194, 1.774),
    ),
    bias=-1.875,
    supported=0.57,
    partial=0.3,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence with the quotes that support it best, and how probably they do, in [0, 1]."""

    draft: Draft
    support: Support
    probability: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentences of some passages that hold most of a claim, best first."""

    quotes: tuple[Quote, ...]
    counted: tuple[float, ...]

    @property
    def text(self) -> str:
        return " ".join(" ".join(quote.text.split()) for quote in self.quotes)


class SupportChecker:
    """Decides how well passages support sentences. Safe to share among threads."""

    def __init__(self, embedder: SentenceEmbedder, weights: Weights = FITTED) -> None:
        self._embedder = embedder
        self._weights = weights

    def check(self, drafts: Sequence[Draft], hits: Sequence[Hit]) -> list[Checked]:
        """Check each sentence against the passages that it quotes.

        A sentence that these do not support is looked for in the two other hits that hold most
        of its words. When one of them does support it, its quotes are from there, and it is
        `moved`. What is supported quotes exactly the sentences that support it; what is not
        quotes nothing, for a footnote means that somebody checked.
        """
        cited = self._judge(
            [
                (draft, tuple(dict.fromkeys(quote.passage for quote in draft.quotes)))
                if is_claim(draft.text)
                else (draft, ())
                for draft in drafts
            ]
        )
        doubted = [
            (i, passage)
            for i, one in enumerate(cited)
            if one.support in ("partial", "unsupported")
            for passage in _elsewhere(drafts[i], hits)
        ]
        others = self._judge([(drafts[i], (passage,)) for i, passage in doubted])
        best = dict(enumerate(cited))
        for (i, _), other in zip(doubted, others, strict=True):
            better = other.probability > best[i].probability
            if other.support == "supported" and better:
                best[i] = replace(other, draft=replace(other.draft, moved=True))
        return [best[i] for i in range(len(drafts))]

    def _judge(self, claims: Sequence[tuple[Draft, tuple[Passage, ...]]]) -> list[Checked]:
        """Judge claims by passages, embedding them all at once."""
        found = [find_evidence(draft.text, passages) for draft, passages in claims]
        texts = [
            text
            for (draft, _), evidence in zip(claims, found, strict=True)
            if evidence
            for text in (draft.text, evidence.text)
        ]
        vectors = iter(self._embedder.embed_passages(texts)) if texts else iter(())
        judged = []
        for (draft, _), evidence in zip(claims, found, strict=True):
            cosine = float(next(vectors) @ next(vectors)) if evidence else 0.0
            judged.append(self._verdict(draft, evidence, cosine))
        return judged

    def _verdict(self, draft: Draft, evidence: Evidence | None, cosine: float) -> Checked:
        if not is_claim(draft.text):
            return Checked(replace(draft, quotes=(), support="no_claim"), "no_claim", 0.0)
        if evidence is None:
            return Checked(replace(draft, quotes=(), support="unsupported"), "unsupported", 0.0)
        probability = self.probability((*evidence.counted, cosine))
        support: Support = "unsupported"
        if probability >= self._weights.supported:
            support = "supported"
        elif probability >= self._weights.partial:
            support = "partial"
        quotes = () if support == "unsupported" else evidence.quotes
        return Checked(replace(draft, quotes=quotes, support=support), support, probability)

    def probability(self, values: Sequence[float]) -> float:
        """Return the probability that evidence with these columns supports its claim."""
        parts = zip(self._weights.weights, values, strict=True)
        return 0.5 * (1 + math.tanh(0.5 * (sum(w * x for w, x in parts) + self._weights.bias)))


def find_evidence(claim: str, passages: Sequence[Passage]) -> Evidence | None:
    """Choose the sentences of passages that hold most of a claim; None when none shares a word.

    What a passage says to an assistant is no evidence of anything, and neither is a question, nor
    a row of a table that has the claim's number in another column than the claim.
    """
    words = content_words(claim)
    sentences = [
        Quote(passage, passage.start + start, passage.start + end)
        for passage in passages
        for start, end in trusted_spans(passage.text)
    ]
    around: list[Word] = [word for quote in sentences for word in content_words(quote.text)]
    sentences = [quote for quote in sentences if _can_support(claim, quote)]
    said = [content_words(quote.text) for quote in sentences]
    chosen = choose(words, said)
    if not chosen:
        return None
    for passage in passages:
        around += [*content_words(passage.context), *date_words(passage.date)]
    counted = agreement(words, [said[i] for i in chosen], around)
    return Evidence(tuple(sentences[i] for i in chosen), counted)


def _can_support(claim: str, quote: Quote) -> bool:
    passage = quote.passage
    if asks(quote.text) and not OF_QUESTIONS.search(claim):
        return False
    span = quote.start - passage.start, quote.end - passage.start
    return not tells_of_another_column(passage.text, span, claim)


def _elsewhere(draft: Draft, hits: Sequence[Hit]) -> list[Passage]:
    """Return the passages that a sentence does not cite and that hold most of its words."""
    cited = {quote.passage.passage_id for quote in draft.quotes}
    words = content_words(draft.text)
    shares = [
        (coverage(words, content_words(hit.passage.text)), hit)
        for hit in hits
        if hit.passage.passage_id not in cited
    ]
    near = [pair for pair in shares if pair[0] >= ELSEWHERE_COVERAGE]
    return [hit.passage for _, hit in sorted(near, key=lambda p: (-p[0], p[1].rank))[:ELSEWHERE]]
