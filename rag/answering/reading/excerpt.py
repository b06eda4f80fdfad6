"""The stretch of a passage where a question's words are: what a closer look begins with."""

from __future__ import annotations

from rag.answering.reading.marking import Wanted
from rag.answering.text.features import content_stems
from rag.ingest.sentences import sentence_spans

_AGAIN = 0.1
"""What a word counts for each time that it is repeated; once in full."""


def excerpt(wanted: Wanted, text: str, most_chars: int) -> tuple[int, int]:
    """Return the whole sentences, side by side, that hold most of what is wanted, half-open.

    They have at most `most_chars` together, but for a single longer one. Of equally good
    stretches the longest is taken, of these the first; a short text is taken whole.
    """
    spans = sentence_spans(text)
    if len(text) <= most_chars or not spans:
        return 0, len(text)
    words = [content_stems(text[start:end]) & wanted.weight.keys() for start, end in spans]
    best = (-1.0, 0)
    chosen = spans[0]
    for first, (start, _) in enumerate(spans):
        once: set[str] = set()
        every = 0.0
        for number in range(first, len(spans)):
            end = spans[number][1]
            if number > first and end - start > most_chars:
                break
            once |= words[number]
            every += sum(wanted.weight[word] for word in words[number])
            worth = sum(wanted.weight[word] for word in sorted(once)) + _AGAIN * every
            if (worth, end - start) > best:
                best, chosen = (worth, end - start), (start, end)
    return chosen
