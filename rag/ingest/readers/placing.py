"""Finds a stretch of a document's text among the words of the page that it was read from.

The text is not the page: hyphens at line ends are undone, running lines are gone, rows of tables
have the names of their columns. So both are compared word by word, and letter by letter where they
differ; what is found is equal, letter for letter, and what is not found has no place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_WORD = re.compile(r"\S+")
_COLUMN_NAME = re.compile(r"\|(?: [^|:\n]{1,60}:)?")  # what `pdf_tables` writes before a cell
_MOST_COMPARED = 4_000_000  # letters of one times letters of the other
_SURE_LETTERS = 3  # fewer could be equal by chance, unless they are whole words

Letter = tuple[int, int]
"""A letter of the page: the number of its word, and its number in the word."""


def find_letters(text: str, start: int, end: int, words: Sequence[str]) -> list[Letter]:
    """Find the letters of `text[start:end]` among the page's words; those without a place lack.

    `text` is all that was read from the page: of two equal stretches the right one is found.
    """
    own = [(match.start(), match[0]) for match in _WORD.finditer(text)]
    matcher = SequenceMatcher(None, [word for _, word in own], words, autojunk=False)
    found: list[Letter] = []
    for kind, first, last, page_first, page_last in matcher.get_opcodes():
        if not own[first:last] or own[last - 1][0] + len(own[last - 1][1]) <= start:
            continue
        if own[first][0] >= end:
            break
        ours = [offset + place for offset, word in own[first:last] for place in range(len(word))]
        theirs = [
            (number, place)
            for number in range(page_first, page_last)
            for place in range(len(words[number]))
        ]
        equal = zip(ours, theirs, strict=True) if kind == "equal" else None
        pairs = _similar(text, ours, theirs, words) if equal is None else equal
        found += [letter for offset, letter in pairs if start <= offset < end]
    return found


def share_found(text: str, start: int, end: int, found: Sequence[Letter]) -> float:
    """Return how many of the stretch's letters and digits were found; column names do not count."""
    own = _COLUMN_NAME.sub("", text[start:end])
    wanted = sum(not character.isspace() for character in own)
    return min(1.0, len(found) / wanted) if wanted else 0.0


def _similar(
    text: str, ours: Sequence[int], theirs: Sequence[Letter], words: Sequence[str]
) -> Iterator[tuple[int, Letter]]:
    """Pair what is equal in two stretches that differ."""
    if len(ours) * len(theirs) > _MOST_COMPARED:
        return
    left = "".join(text[offset] for offset in ours)
    right = "".join(words[number][place] for number, place in theirs)
    for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        pairs = theirs[block.b : block.b + block.size]
        if pairs and (block.size >= _SURE_LETTERS or _are_words(pairs, words)):
            yield from zip(ours[block.a : block.a + block.size], pairs, strict=True)


def _are_words(letters: Sequence[Letter], words: Sequence[str]) -> bool:
    (_, first), (number, last) = letters[0], letters[-1]
    return first == 0 and last == len(words[number]) - 1
