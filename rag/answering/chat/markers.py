"""Read a chat model's reply as it arrives: a marker becomes a footnote once it points somewhere."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.answering.citations import Draft, Quote, number
from rag.answering.text.statements import statement_spans
from rag.answering.text.words import coverage
from rag.ingest.sentences import sentence_spans
from rag.types import Hit, Passage

NO_ANSWER = "[[no answer]]"
"""What a chat model writes, and nothing else, when the documents do not answer."""

_NAMED = r"(?:(?:passages?|sources?|documents?|refs?)\s*)?"
_NUMBERS = r"\^?\d{1,3}(?:\s*(?:[-–,;&^]|and)\s*\^?\d{1,3})*"
_INSIDE = rf"\s*{_NAMED}{_NUMBERS}\s*(?:†[^\[\]【】\n]*)?"
MARKER = re.compile(rf"\[\[{_INSIDE}\]\]|\[{_INSIDE}\]|【{_INSIDE}】", re.IGNORECASE)
"""`[2]`, `[1, 2]`, `[1-3]`, `[^1]`, `[[1]]`, `[passage 2]`, `【1】`, `【1†page】`; not `[1990]`."""

_LONGEST = 60
_BRACKETED = re.compile(
    rf"\[\[[^\[\]\n]{{0,{_LONGEST}}}\]\]|\[[^\[\]\n]{{0,{_LONGEST}}}\]|【[^【】\n]{{0,{_LONGEST}}}】"
)
_UNFINISHED = re.compile(
    rf"(?:\[\[?[^\[\]\n]{{0,{_LONGEST}}}|\[\[[^\[\]\n]{{0,{_LONGEST}}}\]|【[^【】\n]{{0,{_LONGEST}}})\Z"
)
_CUT_MARKER = re.compile(
    rf"(?:(?:\[|【)\s*{_NAMED}[\^\d\s,;&–-]*|\[\[[^\[\]\n]*\]?)\Z", re.IGNORECASE
)
_NO_ANSWER_FORM = re.compile(r"\[+\s*no[ _-]?answer\s*\]+", re.IGNORECASE)
_CLOSING = frozenset(".,;:!?)]}»”’\"'…。，、！？")
_BULLET = re.compile(r"\s*(?:[-*•–]|\d{1,2}[.)]|#{1,6})\s+")
_LIST_OF_SOURCES = re.compile(
    r"^[#*\s]*(?:sources|references|citations|footnotes)[*\s]*:?[*\s]*$", re.IGNORECASE | re.M
)
_MAX_RANGE = 20
_FENCES = ("```", "~~~")
_LONE_STOP = re.compile(r"\.(?!\S)")


class MarkerReader:
    """Separate a reply into text and markers, piece by piece as it arrives.

    Marker n of the reply means `hits[n - 1]`. `body` is the text so far without markers,
    `unresolved` are the markers that point nowhere, as written, and `no_answer` says that the
    model declined before it had cited anything.
    """

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.body = ""
        self.unresolved: list[str] = []
        self.no_answer = False
        self._hits = hits
        self._placed: list[tuple[int, int]] = []
        self._leading: list[int] = []
        self._held = ""
        self._space = ""
        self._space_before = ""
        self._after_marker = False
        self._quoted: dict[Quote, None] = {}
        self._last_start = 0

    def feed(self, chunk: str) -> str:
        """Take what arrived; return what can be shown of it, with markers renumbered from 1.

        Whatever may still become a marker is held back, and so is the white space before it.
        """
        self._held += chunk
        shown: list[str] = []
        while self._held and not self.no_answer:
            opening = re.search(r"[\[【]", self._held)
            if opening is None:
                shown.append(self._write(self._take(len(self._held))))
            elif opening.start() > 0:
                shown.append(self._write(self._take(opening.start())))
            elif bracketed := _BRACKETED.match(self._held):
                shown.append(self._bracketed(self._take(bracketed.end())))
            elif _UNFINISHED.match(self._held):
                break
            else:
                shown.append(self._write(self._take(1)))
        return "".join(shown)

    def finish(self) -> str:
        """Take the end of the reply; a marker that it cuts off counts as unresolved."""
        rest = self._take(len(self._held))
        shown = ""
        if _CUT_MARKER.match(rest):
            self.unresolved.append(rest)
        elif rest and not self.no_answer:
            shown = self._write(rest)
        self._place_leading(len(self.body))
        return shown

    def drafts(self) -> list[Draft]:
        """Cut the body into sentences, each with the quotes that its markers stand for.

        A marker belongs to the sentence it stands in or after, or to the one that follows when it
        begins a line. A closing list of sources is dropped: the footnotes say it better.
        """
        listed = _LIST_OF_SOURCES.search(self.body)
        end = len(self.body[: listed.start()].rstrip()) if listed else len(self.body)
        return [draft for _, draft in self._drafts(0, end)]

    def _drafts(self, start: int, end: int) -> list[tuple[int, Draft]]:
        """Return the sentences between two offsets of the body, each with its own offset."""
        sentences = _sentences(self.body[start:end])
        cited: list[list[int]] = [[] for _ in sentences]
        begins = [start + sentence.start for sentence in sentences]
        for offset, mark in self._placed:
            if sentences and start < offset <= end:
                cited[max(bisect_left(begins, offset) - 1, 0)].append(mark)
        return [
            (
                begin,
                Draft(
                    sentence.text,
                    tuple(
                        quote(self._hits[mark - 1].passage, sentence.text) for mark in unique(marks)
                    ),
                    break_before=sentence.first and begin > begins[0],
                ),
            )
            for begin, sentence, marks in zip(begins, sentences, cited, strict=True)
        ]

    def _take(self, length: int) -> str:
        taken, self._held = self._held[:length], self._held[length:]
        return taken

    def _write(self, text: str) -> str:
        words = text.strip()
        if not words:
            self._space += text
            return ""
        if self._after_marker and self.body.endswith(".") and _LONE_STOP.match(words):
            return self._write(words[1:])  # "It closes at 6 p.m. [1]. It opens at 10 a.m. [1]"
        lead = text[: text.index(words)]
        after = self._space + lead
        gap = self._gap(self._space_before + after, words[0])
        new_line = bool(self.body) and "\n" in after
        self._place_leading(len(self.body) if new_line else len(self.body + gap) + 1)
        self.body += gap + words
        self._space_before, self._space = "", text[len(lead) + len(words) :]
        self._after_marker = False
        return gap + words

    def _gap(self, space: str, following: str) -> str:
        """Return the space between the body and what follows it once markers are gone."""
        if not self.body or not self._after_marker:
            return space if self.body else ""
        if "\n" in space:
            return "\n\n" if space.count("\n") > 1 else "\n"
        if following in _CLOSING:
            return ""
        return " " if space or following.isalnum() else ""

    def _bracketed(self, text: str) -> str:
        if _NO_ANSWER_FORM.fullmatch(text):
            self.no_answer = not (self._placed or self._leading)
            self._pass_marker()
            return ""
        if not MARKER.fullmatch(text):
            return self._write(text)
        begins_line = not self.body or "\n" in self._space_before + self._space
        self._pass_marker()
        marks = _numbers(text)
        known = [mark for mark in marks if 1 <= mark <= len(self._hits)]
        self.unresolved.extend(f"[{mark}]" for mark in marks if mark not in known)
        if begins_line:
            self._leading.extend(known)
            return ""
        shown_before = self._markers_at_end()
        self._placed.extend((len(self.body), mark) for mark in known)
        return "".join(f" [{m}]" for m in self._markers_at_end() if m not in shown_before)

    def _pass_marker(self) -> None:
        self._after_marker = True
        self._space_before, self._space = self._space_before + self._space, ""

    def _markers_at_end(self) -> tuple[int, ...]:
        """Number the last sentence's markers; the sentences before it are cut and quoted once."""
        drafts = self._drafts(self._last_start, len(self.body))
        if not drafts:
            return ()
        self._quoted.update((quote, None) for _, draft in drafts[:-1] for quote in draft.quotes)
        self._last_start, last = drafts[-1]
        sentences, _ = number([Draft("", tuple(self._quoted)), last])
        return sentences[-1].markers

    def _place_leading(self, offset: int) -> None:
        self._placed.extend((offset, mark) for mark in self._leading)
        self._leading.clear()


@lru_cache(maxsize=256)
def quote(passage: Passage, claim: str) -> Quote:
    """Choose the sentences of a passage that support a claim best.

    The one that shares most of the claim's words, widened by a neighbour that shares another
    quarter of them; ties go to the shorter, then to the earlier sentence. Without any shared word
    (the answer may be in another language) the whole passage is the quote.
    """
    text = passage.text
    spans = statement_spans(text)
    shares = [coverage(claim, text[start:end]) for start, end in spans]
    if not any(shares):
        start = len(text) - len(text.lstrip())
        return Quote(passage, passage.start + start, passage.start + len(text.rstrip()))
    best = max(range(len(spans)), key=lambda i: (shares[i], spans[i][0] - spans[i][1], -i))
    start, end = spans[best]
    neighbours = [(start, spans[i][1]) for i in (best + 1,) if i < len(spans)]
    neighbours += [(spans[i][0], end) for i in (best - 1,) if i >= 0]
    for first, last in neighbours:
        if coverage(claim, text[first:last]) >= shares[best] + 0.25:
            start, end = first, last
            break
    return Quote(passage, passage.start + start, passage.start + end)


def unique(numbers: Iterable[int]) -> list[int]:
    """Return numbers without repetitions, in the order of first use."""
    return list(dict.fromkeys(numbers))


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    text: str
    first: bool


def _sentences(body: str) -> list[_Found]:
    """Cut a body into sentences, without bullets and emphasis; `first` ones begin a line."""
    found: list[_Found] = []
    offset = 0
    for line in body.split("\n"):
        if line.lstrip().startswith(_FENCES):
            offset += len(line) + 1
            continue
        bullet = _BULLET.match(line)
        begin = bullet.end() if bullet else 0
        first = True
        for start, end in sentence_spans(line[begin:]):
            # What is left of odd brackets must not read as a footnote either.
            text = MARKER.sub("", line[begin + start : begin + end]).replace("**", "").strip()
            if any(character.isalnum() for character in text):
                found.append(_Found(offset + begin + start, text, first))
                first = False
        offset += len(line) + 1
    return found


def _numbers(marker: str) -> list[int]:
    numbers: list[int] = []
    before_page = marker.partition("†")[0]
    for first, last in re.findall(r"(\d+)(?:\s*[-–]\s*\^?(\d+))?", before_page):
        start, end = int(first), int(last or first)
        whole = start <= end <= start + _MAX_RANGE
        numbers.extend(range(start, end + 1) if whole else (start, end))
    return unique(numbers)
