"""Where the words of a page stand, and the boxes of a stretch of its text among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.errors import DocumentError
from rag.ingest.readers.ocr import Words
from rag.ingest.readers.pdf_lines import tidied
from rag.ingest.readers.placing import find_letters, share_found
from rag.ingest.readers.views import MAX_BOXES, Box, PageRequest

_ENOUGH = 0.9  # of the letters must be found, or they are not those that were read
_SAME_LINE = 0.3  # of the lower height is shared by letters of one line


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word on the page: `at` says for each of its letters what `PlacedWords.box` is asked for."""

    text: str
    line: int
    at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlacedWords:
    """The words of a page in the order in which they are read, and where a letter stands.

    `box` gives the place of what is printed; `room` that of its line, as high as the type is large.
    """

    words: list[PlacedWord]
    box: Callable[[int], Box]
    room: Callable[[int], Box]


def recognised(lines: Sequence[Words], scale: float) -> PlacedWords:
    """Place the words that Tesseract found; a box is a word's, since letters have none.

    `scale` is how many of its pixels a point has.
    """
    words: list[PlacedWord] = []
    places: list[Box] = []
    rooms: list[Box] = []
    for number, line in enumerate(lines):
        for word, (left, top, right, bottom) in zip(line.words, line.places, strict=True):
            letters = tidied(word)
            words.append(PlacedWord(letters, number, (len(places),) * len(letters)))
            places.append(Box(left / scale, top / scale, right / scale, bottom / scale))
            rooms.append(Box(left / scale, line.top / scale, right / scale, line.bottom / scale))
    return PlacedWords(words, places.__getitem__, rooms.__getitem__)


def boxes_of(places: PlacedWords, request: PageRequest) -> tuple[Box, ...]:
    """Give the boxes of the stretch: one for what stands together on a line."""
    words = [word.text for word in places.words]
    found = find_letters(request.text, request.start, request.end, words)
    if share_found(request.text, request.start, request.end, found) < _ENOUGH:
        raise DocumentError(
            f"{request.source}: the words are not on page {request.page} as they were read.",
            "Run footnote ingest again.",
            reason="unplaced",
        )
    boxes = [_around(run, places) for run in _runs(sorted(set(found)), places)]
    return tuple(box for box in boxes if box.left < box.right and box.top < box.bottom)[:MAX_BOXES]


def _runs(letters: Sequence[tuple[int, int]], places: PlacedWords) -> Iterator[list[int]]:
    """Yield what follows each other on one line, as what `PlacedWords.box` is asked for.

    PDFium has a word that is hyphenated at a line's end in one line, and it stands in two.
    """
    run: list[int] = []
    previous = (-1, -1)
    for number, place in letters:
        word = places.words[number]
        follows = (number, place) == (previous[0], previous[1] + 1) or (
            number == previous[0] + 1
            and place == 0
            and previous[1] + 1 == len(places.words[previous[0]].text)
            and word.line == places.words[previous[0]].line
        )
        if run and not (follows and _level(places.room(run[-1]), places.room(word.at[place]))):
            yield run
            run = []
        run.append(word.at[place])
        previous = (number, place)
    if run:
        yield run


def _level(one: Box, other: Box) -> bool:
    """Whether two letters stand side by side, or above each other on a page that is turned."""
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    across = min(one.right, other.right) - max(one.left, other.left)
    return down > _SAME_LINE * min(one.bottom - one.top, other.bottom - other.top) or (
        across > _SAME_LINE * min(one.right - one.left, other.right - other.left)
    )


def _around(run: Sequence[int], places: PlacedWords) -> Box:
    boxes = [places.box(at) for at in run]
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
