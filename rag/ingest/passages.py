"""Cut a document into passages: runs of whole sentences that stay inside their section.

Cuts are decided from what is near, not from the whole document, so that an edit changes the
passages around it and leaves the others, with their ids and vectors, as they were.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.ingest.sentences import sentences_of
from rag.types import Document, Passage, Section

_STANDS_ALONE = 0.5  # a section with this share of a passage's size is not merged with another
_LEAST_FILL = 0.5  # a cut is looked for beyond this share of a passage's size
_MID_PARAGRAPH = 0.35  # what a cut inside a paragraph costs, in passage sizes
_LINE_END = 0.1  # what a cut costs at a line's end with no blank line below it
_AFTER_HEADING = 3.0  # what it costs to part a heading from its text
_AFTER_COLON = 0.5  # what it costs to part "She said:" from what she said


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence: where it lies, its section (an index, -1 before the first), a cut's cost here."""

    start: int
    end: int
    section: int
    is_heading: bool
    cut_cost: float


def split(document: Document, *, passage_chars: int, overlap_chars: int) -> list[Passage]:
    """Cut a document into passages of at most `passage_chars` characters.

    Only a single longer sentence (with the headings right above it) exceeds that. A passage
    begins with up to `overlap_chars` of the whole sentences that end the one before it in the
    same section. Small sections are merged; a heading never ends a passage.
    """
    units = _units(document)
    paths = _section_paths(document)
    seen: Counter[str] = Counter()
    passages: list[Passage] = []
    for group in _groups(units, passage_chars):
        for first, last in _runs(group, passage_chars, overlap_chars):
            run = group[first:last]
            start, end = run[0].start, run[-1].end
            text = document.text[start:end]
            passages.append(
                Passage(
                    passage_id=_passage_id(document.doc_id, text, seen[text]),
                    doc_id=document.doc_id,
                    text=text,
                    start=start,
                    end=end,
                    title=document.title,
                    source=document.source,
                    page=bisect_right(document.page_starts, start) or None,
                    section=_common_path(run, paths),
                    date=document.metadata.get("date", ""),
                )
            )
            seen[text] += 1
    return passages


def _passage_id(doc_id: str, text: str, occurrence: int) -> str:
    key = f"{doc_id}\x1f{occurrence}\x1f{text}"
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _units(document: Document) -> list[_Unit]:
    text, sections = document.text, document.sections
    spans = _cut_at(sentences_of(document), sections)
    starts = [section.start for section in sections]
    units: list[_Unit] = []
    for index, (start, end) in enumerate(spans):
        section = bisect_right(starts, start) - 1
        heading_end = starts[section] + len(sections[section].title) if section >= 0 else -1
        following = spans[index + 1][0] if index + 1 < len(spans) else len(text)
        units.append(
            _Unit(
                start=start,
                end=end,
                section=section,
                is_heading=end <= heading_end,
                cut_cost=_cut_cost(text, end, following),
            )
        )
    return units


def _cut_cost(text: str, end: int, following: int) -> float:
    breaks = text.count("\n", end, following)
    cost = 0.0 if breaks > 1 else _LINE_END if breaks else _MID_PARAGRAPH
    return cost + (_AFTER_COLON if text[end - 1] == ":" else 0.0)


def _cut_at(spans: Sequence[tuple[int, int]], sections: Sequence[Section]) -> list[tuple[int, int]]:
    """Cut the sentences in which a section begins; readers put headings on their own lines."""
    starts = [section.start for section in sections]
    pieces: list[tuple[int, int]] = []
    for start, end in spans:
        for cut in starts[bisect_right(starts, start) : bisect_right(starts, end - 1)]:
            pieces.append((start, cut))
            start = cut
        pieces.append((start, end))
    return pieces


def _section_paths(document: Document) -> list[tuple[str, ...]]:
    """Give each section the titles above it and its own, but for the document's own title."""
    paths: list[tuple[str, ...]] = []
    above: list[Section] = []
    for section in document.sections:
        while above and above[-1].level >= section.level:
            above.pop()
        above.append(section)
        titles = tuple(part.title for part in above)
        if titles[0].casefold() == document.title.casefold():
            titles = titles[1:]
        paths.append(titles)
    return paths


def _common_path(run: Sequence[_Unit], paths: Sequence[tuple[str, ...]]) -> str:
    """Name the sections that hold all of a passage's sentences, headings not counted."""
    indexes = {unit.section for unit in run if not unit.is_heading} or {run[0].section}
    found = [paths[index] if index >= 0 else () for index in indexes]
    common = found[0]
    for path in found[1:]:
        shared = 0
        while shared < min(len(common), len(path)) and common[shared] == path[shared]:
            shared += 1
        common = common[:shared]
    return " › ".join(common)


def _groups(units: Sequence[_Unit], passage_chars: int) -> Iterator[list[_Unit]]:
    """Gather the sentences of each section; merge small sections, and headings with no text."""
    group: list[_Unit] = []
    for section in _by_section(units):
        if group and not _belong_together(group, section, passage_chars):
            yield group
            group = []
        group.extend(section)
    if group:
        yield group


def _by_section(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    section: list[_Unit] = []
    for unit in units:
        if section and unit.section != section[0].section:
            yield section
            section = []
        section.append(unit)
    if section:
        yield section


def _belong_together(group: Sequence[_Unit], section: Sequence[_Unit], passage_chars: int) -> bool:
    if group[-1].is_heading:
        return True  # a heading stays with what follows it
    if section[-1].end - group[0].start > passage_chars:
        return False
    enough = _STANDS_ALONE * passage_chars
    return _length(group) < enough and _length(section) < enough


def _length(units: Sequence[_Unit]) -> int:
    return units[-1].end - units[0].start


def _runs(
    group: Sequence[_Unit], passage_chars: int, overlap_chars: int
) -> Iterator[tuple[int, int]]:
    """Cut a group into runs of sentences, as index pairs, the repeated sentences included."""
    # Repeated sentences count towards the size, so what is new must leave room for them.
    room = max(passage_chars - overlap_chars, passage_chars // 2)
    first = 0
    while first < len(group):
        last = _run_end(group, first, room if first else passage_chars)
        start = first
        while (
            start > 0
            and group[first].start - group[start - 1].start <= overlap_chars
            and group[last - 1].end - group[start - 1].start <= passage_chars
        ):
            start -= 1
        yield start, last
        first = last


def _run_end(group: Sequence[_Unit], first: int, size: int) -> int:
    """Choose where the run that begins at `first` ends: at the best cut within `size`.

    While more than two runs are left the fullest run is best; the last two share what is left
    evenly. Paragraph ends win over near misses. Ties go to the later cut.
    """
    start = group[first].start
    rest = group[-1].end - start
    if rest <= size:
        return len(group)
    target = size if rest > 2 * size else rest / 2
    best, best_cost = 0, 0.0
    for index in range(first, len(group) - 1):
        unit = group[index]
        length = unit.end - start
        if best and length > size:
            break
        cost = abs(target - length) / size + unit.cut_cost
        cost += 1.0 if length < _LEAST_FILL * target else 0.0
        cost += _AFTER_HEADING if unit.is_heading else 0.0
        if not best or cost <= best_cost:
            best, best_cost = index + 1, cost
    return _with_its_sentence(group, first, best or len(group), size)


def _with_its_sentence(group: Sequence[_Unit], first: int, last: int, size: int) -> int:
    """Let headings that would be a passage of their own take the long sentence below them."""
    headings_only = all(unit.is_heading for unit in group[first:last])
    short = group[last - 1].end - group[first].start <= size // 2
    return last + 1 if headings_only and short and last < len(group) else last
