"""Where sentences begin and end: sentencex, and a rule that joins what it cuts too often.

Text is cut into blocks first (paragraphs, list items, headings), because a sentence never
crosses a block, and because sentencex takes quadratic time over quotation marks that never close.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise

from rag.types import Document

MAX_SENTENCE_CHARS = 2000
"""A longer sentence is cut at white space: it is a table or a machine's output, not prose."""

_WINDOW_CHARS = 8000  # what sentencex is given at once
_MIN_WRAP_CHARS, _MAX_WRAP_CHARS = 45, 130  # the widths that hard-wrapped prose has

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_ITEM = re.compile(r"\s*(?:[-*•·‣▪–—+>#]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s|\|)")
_FIGURES = re.compile(r"\d\S*\s+[^\sA-Za-z]*\d\S*\s*$")
_MAYBE_END = re.compile(r"[.!?…‼⁇⁈⁉。！？｡।॥۔؟՞:;]")
# A title or abbreviation before a name, that never ends a sentence.
_TITLE = re.compile(
    r"(?:^|[\s(\[“\"'‘—–-])(?:Gov|Rep|Reps|Sen|Sens|Lt|Col|Gen|Sgt|Cpl|Capt|Cmdr|Adm|Maj|Pvt|Brig|"
    r"Supt|Insp|Amb|Atty|Msgr|Fr|Rev|Hon|Pres|Prof|Dr|Drs|Mr|Mrs|Ms|Mx|Messrs|Mme|Mlle|St|Ste|Mt|Ft|vs|"
    r"cf|viz|e\.g|i\.e|Asst|Dep|Min|Sec|Secy)\.$"
)
_NUMBERED = re.compile(
    r"(?:^|[\s(\[“\"])(?:[Nn]os?|[Vv]ols?|pp?|[Cc]h|[Ss]ec|[Ff]igs?|[Aa]rt|[Pp]ar|[Ee]q|[Vv]er|[Pp]t|"
    r"[Cc]a|[Aa]pprox|[Ee]st|Rm|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.$"
)
_INITIAL = re.compile(r"(?:^|[\s(\[“\"'‘.-])[A-Z]\.$")
_STARTERS = (
    "The|He|She|It|They|We|You|I|This|That|These|Those|There|His|Her|Its|Their|Our|But|And|In|On|At|"
    "When|While|After|Before|If|As|However|Some|Many|Nobody|No|Not|An?"
)
# Sentence ends that sentencex takes for abbreviations: "in the U.S. The", "vitamin C. She".
_MISSED = re.compile(
    r"(?:\b(?:[A-Z]\.){2,}|\b[ap]\.m\.|\b(?:St|Ave|Rd|Inc|Corp|Co|Ltd|Jr|Sr|etc)\."
    rf"|(?<=[a-z]\s)[A-Z]\.)[\"'”’)]*\s+(?=[\"'“‘(]?(?:{_STARTERS})\s)"
    r"|\bno\.[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z])"
)
_LONG_QUOTE_CHARS = 300
_INNER_END = re.compile(r"[^\W_]{2}[.!?][\"'”’)]*\s+[\"'“‘(]?[A-Z]")
_QUOTED = re.compile(r"[\"“”«»()\[\]]|(?<!\w)['‘`]|['’](?!\w)")
_CLOSED = re.compile(r"([.!?…]+)([\"”’'»)\]]+)(?=\s)")
_CLAUSE = re.compile(r"\A\s*\(?\w{1,4}\)\s")
_ENUMERATOR = re.compile(r"(?:^|\n|[.!?:;]\s)\s*\(?(?:\d{1,3}|[A-Za-z])[.)]$")
_OPENERS = "\"'“‘«([{"


@dataclass(frozen=True, slots=True)
class SentencedDocument(Document):
    """A document whose sentences were found where it was read.

    `bounds` are start and end of each, one after the other.
    """

    bounds: array[int] = field(default_factory=lambda: array("I"))

    @property
    def sentences(self) -> list[tuple[int, int]]:
        """The sentences as `sentence_spans` gives them."""
        numbers = iter(self.bounds)
        return list(zip(numbers, numbers, strict=True))


def bounds_of(spans: Iterable[tuple[int, int]]) -> array[int]:
    """Write spans as `SentencedDocument.bounds`."""
    return array("I", chain.from_iterable(spans))


def sentences_of(document: Document) -> list[tuple[int, int]]:
    """Give the sentences of a document, found now if they were not before."""
    if isinstance(document, SentencedDocument):
        return document.sentences
    return sentence_spans(document.text)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Find the sentences: half-open spans, in order, without white space at either end.

    Every character that is not white space lies in exactly one span. A blank line ends a
    sentence, and so does a single line end, unless it only wraps prose at a fixed width.
    """
    spans: list[tuple[int, int]] = []
    for start, end, block in _blocks(text):
        for first, last in _block_sentences(block):
            spans.extend(_trimmed_pieces(text, start + first, min(start + last, end)))
    return spans


def _blocks(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the stretches that no sentence crosses, wrapped line ends replaced by spaces."""
    position = 0
    for match in _PARAGRAPH.finditer(text):
        yield from _paragraph_blocks(text, position, match.start())
        position = match.end()
    yield from _paragraph_blocks(text, position, len(text))


def _paragraph_blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    paragraph = text[start:end]
    if "\n" not in paragraph:
        if paragraph and not paragraph.isspace():
            yield start, end, paragraph
        return
    lines = paragraph.split("\n")
    width = max(len(line.rstrip()) for line in lines)
    position, held = start, [lines[0]]
    for above, line in pairwise(lines):
        if _is_wrap(above, line, width):
            held.append(line)
            continue
        block = " ".join(held)  # as long as before, so offsets hold
        if not block.isspace():
            yield position, position + len(block), block
        position, held = position + len(block) + 1, [line]
    block = " ".join(held)
    yield position, position + len(block), block


def _is_wrap(above: str, line: str, width: int) -> bool:
    """Tell a line end inside prose: the next word would not have fit on the line above."""
    above, below = above.rstrip(), line.lstrip()
    if not above or not below or _ITEM.match(line) or " | " in above:
        return False
    if _FIGURES.search(above) and _FIGURES.search(below):
        return False  # rows of a table
    if not _MIN_WRAP_CHARS <= width <= _MAX_WRAP_CHARS:
        return False
    if below[0].islower() and len(above) * 2 > width:
        return True
    return len(above) + 1 + len(below.split(None, 1)[0]) > width


def _block_sentences(block: str) -> Iterator[tuple[int, int]]:
    """Cut a block, a window at a time; a window's last sentence begins the next window."""
    if not _MAYBE_END.search(block):
        yield 0, len(block)
        return
    start = 0
    while len(block) - start > _WINDOW_CHARS:
        cuts = _cuts(block[start : start + _WINDOW_CHARS])
        end = cuts.pop() if cuts else _WINDOW_CHARS
        yield from _between(block, start, cuts, start + end)
        start += end
    yield from _between(block, start, _cuts(block[start:]), len(block))


def _between(block: str, start: int, cuts: list[int], end: int) -> Iterator[tuple[int, int]]:
    """Yield what lies between the cuts; what still seems to hold two sentences is cut again."""
    first = start
    for cut in [*(start + cut for cut in cuts), end]:
        if _INNER_END.search(block, first, cut):
            for inner in [first + offset for offset in _second_cuts(block[first:cut])]:
                yield first, inner
                first = inner
        yield first, cut
        first = cut


def _second_cuts(sentence: str) -> list[int]:
    """Look at a sentence alone: a stray mark elsewhere may have kept it together.

    Short quotations stay whole, with the words that say whose they are; long ones do not.
    """
    return _cuts(sentence) or (
        _cuts_in_quotes(sentence) if len(sentence) > _LONG_QUOTE_CHARS else []
    )


def _cuts(block: str) -> list[int]:
    """Find the offsets inside the block at which a new sentence begins."""
    import sentencex

    # A clause's number in brackets would keep the whole clause together.
    plain = _CLAUSE.sub(lambda match: " " * len(match[0]), block)
    found = sentencex.get_sentence_boundaries("en", plain)
    cuts = {cut for item in found[1:] if _is_cut(block, cut := item["start_index"])}
    cuts.update(match.end() for match in _MISSED.finditer(block))
    return sorted(cuts)


def _is_cut(block: str, cut: int) -> bool:
    """Decide whether a cut that sentencex proposes is the end of a sentence."""
    before, after = block[max(0, cut - 40) : cut], block[cut : cut + 40]
    if before and not before[-1].isspace() and not _is_wide(before[-1]):
        return False  # no white space: "www.example.org", "2.5"
    before, after = before.rstrip(), after.lstrip()
    following = after.lstrip(_OPENERS)
    if not before or not following or following[0].islower():
        return False
    if _TITLE.search(before) or _INITIAL.search(before) or _is_enumerator(before):
        return False
    return not (_NUMBERED.search(before) and following[0].isdigit())


def _is_enumerator(before: str) -> bool:
    """Tell the "2." of "2. Be brief" from the "12." of "on Aug. 12."."""
    match = _ENUMERATOR.search(before)
    return match is not None and not _NUMBERED.search(before[: match.start() + 1])


def _cuts_in_quotes(sentence: str) -> list[int]:
    """Find where sentences begin when quotation marks and brackets hold nothing together."""
    # `end."` becomes `end_.`, so that the mark stays with its sentence; others become spaces.
    bare = _CLOSED.sub(lambda match: "_" * len(match[2]) + match[1], sentence)
    cuts: list[int] = []
    for cut in _cuts(_QUOTED.sub(" ", bare)):
        while cut and sentence[cut - 1] in _OPENERS:
            cut -= 1  # an opening mark belongs to what follows
        cuts.append(cut)
    return [cut for cut in cuts if cut]


def _is_wide(character: str) -> bool:
    """Tell the sentence ends of scripts that put no space after them."""
    return character in "。！？｡"


def _trimmed_pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_SENTENCE_CHARS:
        space = max(text.rfind(mark, start + 1, start + MAX_SENTENCE_CHARS + 1) for mark in " \n\t")
        cut = space if space > start else start + MAX_SENTENCE_CHARS
        yield from _trimmed(text, start, cut)
        start = cut
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
