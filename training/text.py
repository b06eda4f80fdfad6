"""Plain text helpers of the training data: tokenised text undone, sentences, questions varied."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

Span = tuple[int, int]

STOPWORDS = frozenset(
    "a an the of in on at to for from by with and or is are was were be been do does did has have "  # noqa: SIM905
    "had what which who whom whose when where why how that this these those it its as".split()
)
_REPLACED = {"``": '"', "''": '"', "-LRB-": "(", "-RRB-": ")", "--": "–"}
_NO_SPACE_BEFORE = re.compile(r"^(?:[.,;:!?%)\]}]|'s|n't|'re|'ve|'ll|'d|'m|')$")
_NO_SPACE_AFTER = frozenset("([{$£€#")
_JOINED = frozenset({"-", "–", "/"})
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])")
_ABBREVIATION = re.compile(r"(?:\b[A-Z]|\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|No|Inc|Co|Corp|Ltd|Gen))\.$")


def undo_tokens(text: str, spans: Sequence[Span] = ()) -> tuple[str, list[Span]]:
    """Undo Penn Treebank spacing, and carry character spans over to the new text."""
    out: list[str] = []
    length, glue, open_quote = 0, True, False
    where = [0] * (len(text) + 1)  # old character position -> new one
    position = 0
    for token in text.split(" "):
        start, end = position, position + len(token)
        position = end + 1
        if not token:
            where[start] = length
            continue
        new = _REPLACED.get(token, token)
        closing = new == '"' and open_quote
        if not (glue or closing or _NO_SPACE_BEFORE.match(new) or _joins(new, out)):
            out.append(" ")
            length += 1
        for offset in range(len(token) + 1):
            where[start + offset] = length + min(offset, len(new))
        where[start] = length
        out.append(new)
        length += len(new)
        if new == '"':
            open_quote = not open_quote
        glue = new in _NO_SPACE_AFTER or new in _JOINED or (new == '"' and open_quote)
    return "".join(out), [(where[start], where[end]) for start, end in spans]


def _joins(token: str, out: list[str]) -> bool:
    return token in _JOINED and bool(out) and out[-1][-1:].isalnum()


def sentences(text: str) -> list[Span]:
    """Split text into sentences; the spans cover it without gaps but the white space."""
    found, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if _ABBREVIATION.search(text[start : match.start()]):
            continue
        found.append((start, match.start() + len(match.group().rstrip())))
        start = match.end()
    if text[start:].strip():
        found.append((start, len(text)))
    return found or [(0, len(text))]


def crop(
    text: str, spans: Sequence[Span], max_chars: int, rng: random.Random
) -> tuple[str, list[Span]]:
    """Keep a random run of whole sentences of at most about `max_chars` around the spans."""
    parts = sentences(text)
    if spans:
        anchor = rng.choice(list(spans))
        inside = [i for i, (s, e) in enumerate(parts) if s < anchor[1] and e > anchor[0]]
    else:
        inside = [rng.randrange(len(parts))]
    if not inside:
        return text, list(spans)
    first, last = inside[0], inside[-1]
    while True:
        choices = [i for i in (first - 1, last + 1) if 0 <= i < len(parts)]
        if not choices:
            break
        chosen = rng.choice(choices)
        low, high = min(first, chosen), max(last, chosen)
        if parts[high][1] - parts[low][0] > max_chars:
            break
        first, last = low, high
    start, end = parts[first][0], parts[last][1]
    kept = [(s - start, e - start) for s, e in spans if s >= start and e <= end]
    return text[start:end], kept


def vary_question(question: str, rng: random.Random) -> str:
    """Write the question as people type: no question mark, keywords only, a slip of the finger."""
    if rng.random() < 0.4:
        question = question.rstrip("? ")
    if rng.random() < 0.07:
        kept = [w for w in question.rstrip("?").split() if w.lower() not in STOPWORDS]
        if len(kept) >= 2:
            question = " ".join(kept)
    if rng.random() < 0.08:
        question = _slip(question, rng)
    return question


def _slip(question: str, rng: random.Random) -> str:
    words = question.split()
    long = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return question
    index = rng.choice(long)
    word = words[index]
    at = rng.randrange(1, len(word) - 2)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    words[index] = rng.choice(
        (swapped, word[:at] + word[at + 1 :], word[:at] + word[at : at + 1] + word[at:])
    )
    return " ".join(words)
