"""Walks a tree of elements, HTML's or trafilatura's, into text. Depth costs no recursion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag.ingest.readers.boilerplate import furniture
from rag.ingest.readers.outline import TextBuilder

_SENTENCE_ENDS = (".", "!", "?", "…", "”", '"', ":", ";")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which element does what; an element that is not named here is part of its line.

    `skips_links` leaves out pieces that are nothing but links: menus.
    """

    kinds: Mapping[str, str]
    ordered: str
    skips_links: bool


_BLOCKS = (
    "p div section article main body html blockquote figure figcaption dl dt dd table thead tbody "
    "tfoot caption header hgroup address details summary hr center"
)
_NO_TEXT = (
    "script style noscript nav footer aside form button select option svg template head iframe "
    "object canvas audio video map dialog math"
)
HTML = Vocabulary(
    kinds={
        **{f"h{level}": "heading" for level in range(1, 7)},
        **dict.fromkeys(("ul", "ol", "menu"), "list"),
        **dict.fromkeys(("td", "th"), "cell"),
        **dict.fromkeys(_BLOCKS.split(), "block"),
        **dict.fromkeys(_NO_TEXT.split(), "skip"),
        "li": "item",
        "tr": "row",
        "br": "break",
        "pre": "verbatim",
        "a": "link",
    },
    ordered="ol",
    skips_links=True,
)
TEI = Vocabulary(
    kinds={
        **dict.fromkeys(("p", "quote", "table", "body", "div"), "block"),
        "head": "heading",
        "list": "list",
        "item": "item",
        "row": "row",
        "cell": "cell",
        "lb": "break",
        "code": "verbatim",
        "graphic": "skip",
    },
    ordered="ol",
    skips_links=False,
)


def walk(root: Any, vocabulary: Vocabulary) -> TextBuilder:
    """Turn the tree into headings, paragraphs, list items and table rows; furniture is left out."""
    from lxml import etree  # type: ignore[import-untyped]

    walker = _Walker(vocabulary)
    skipped = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        kind = vocabulary.kinds.get(element.tag, "") if isinstance(element.tag, str) else "skip"
        if event == "start":
            skipped += kind == "skip"
            if not skipped:
                walker.open(kind, element)
                walker.add(element.text)
        else:
            if not skipped:
                walker.close(kind)
            skipped -= kind == "skip"
            if not skipped and element is not root:
                walker.add(element.tail)
    walker.flush()
    return walker.build()


class _Walker:
    """Collects pieces: (kind, text, level), where kind is heading, paragraph, line or gap."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.pieces: list[tuple[str, str, int]] = []
        self.words: list[str] = []
        self.link_chars = 0
        self.links = self.verbatim = self.heading = 0
        self.numbers: list[int] = []  # of each open list: the next item's number, 0 for bullets
        self.marker = ""
        self.cells: list[str] | None = None

    def add(self, text: str | None) -> None:
        if text:
            self.words.append(text if self.verbatim else " ".join(f"|{text}|".split())[1:-1])
            self.link_chars += len(text.strip()) if self.links else 0

    def open(self, kind: str, element: Any) -> None:
        if kind == "break":
            self.words.append("\n")
        elif kind == "link":
            self.links += 1
        elif kind == "verbatim":
            # A line of code inside a sentence stays inside it.
            self.verbatim += 1
            if "\n" in (element.text or "") or self.vocabulary.skips_links:
                self.flush()
        elif kind:
            self.flush()
            self._open_block(kind, element)

    def _open_block(self, kind: str, element: Any) -> None:
        if kind == "heading":
            name = element.get("rend") or element.tag
            self.heading = int(name[1]) if name[1:2].isdigit() else 2
        elif kind == "list":
            self._gap()
            ordered = self.vocabulary.ordered in (element.tag, element.get("rend"))
            self.numbers.append(int(ordered))
        elif kind == "item" and self.numbers:
            number = self.numbers[-1]
            self.marker = "  " * (len(self.numbers) - 1) + (f"{number}. " if number else "- ")
            self.numbers[-1] += bool(number)
        elif kind == "row":
            self.cells = []
        elif kind == "cell" and self.cells is not None:
            self.cells.append("")

    def close(self, kind: str) -> None:
        if kind == "link":
            self.links -= 1
        elif kind == "verbatim":
            self.verbatim -= 1
        elif kind and kind != "break":
            self.flush()
            if kind == "heading":
                self.heading = 0
            elif kind == "list":
                self.numbers.pop()
                self._gap()
            elif kind == "row" and self.cells is not None:
                row = " | ".join(self.cells)
                self.pieces.append(("line", row if row.strip(" |") else "", 0))
                self.cells = None

    def _gap(self) -> None:
        if not self.numbers and self.cells is None:
            self.pieces.append(("gap", "", 0))

    def flush(self) -> None:
        text = _tidy("".join(self.words))
        only_links = self.link_chars > 0.8 * len(text) and not text.endswith(_SENTENCE_ENDS)
        self.words, self.link_chars = [], 0
        if not text or (self.vocabulary.skips_links and only_links and not self.heading):
            return
        if self.cells:
            self.cells[-1] = " ".join(f"{self.cells[-1]} {text}".split())
        elif self.heading:
            self.pieces.append(("heading", text, self.heading))
        elif self.numbers:
            self.pieces.append(("line", self.marker + text, 0))
            self.marker = "  " * len(self.numbers)
        else:
            self.pieces.append(("paragraph", text, 0))

    def build(self) -> TextBuilder:
        builder = TextBuilder()
        marks = furniture([text for _, text, _ in self.pieces])
        for (kind, text, level), drop in zip(self.pieces, marks, strict=True):
            if kind == "gap":
                builder.gap()
            elif drop:
                continue
            elif kind == "heading":
                builder.heading(text, level)
            elif kind == "line":
                builder.line(text)
            else:
                builder.paragraph(text)
        return builder


def _tidy(text: str) -> str:
    lines = (line.strip(" ") for line in text.split("\n"))
    return "\n".join(lines).strip("\n")
