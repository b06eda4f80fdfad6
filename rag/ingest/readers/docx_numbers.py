"""The styles of a Word file, and the numbers that it writes before headings, clauses and items."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from rag.ingest.readers.docx_words import W, found, style_of, value

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_PLACE = re.compile(r"%([1-9])")
_MAX_BASES = 10
_MAX_LEVEL = 8
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """What stands before a paragraph of a list: "2.1", "a)", or "-" for any bullet."""

    label: str
    level: int


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    base: str | None
    outline: str | None
    number: str | None
    level: str | None


class Styles:
    """What the styles of paragraphs are called, and what they stand for."""

    def __init__(self, styles: Any) -> None:
        self._styles = {
            style.get(f"{W}styleId"): _Style(
                value(style, "name") or "",
                value(style, "basedOn"),
                value(style, "pPr/outlineLvl"),
                value(style, "pPr/numPr/numId"),
                value(style, "pPr/numPr/ilvl"),
            )
            for style in found("./w:style[@w:type='paragraph' or @w:type='numbering']", styles)
        }
        default = found("./w:style[@w:type='paragraph' and @w:default='1']", styles)
        self._default = default[0].get(f"{W}styleId") if default else None

    def of(self, paragraph: Any) -> str | None:
        """Give the id of a paragraph's style."""
        return style_of(paragraph, "p") or self._default

    def name(self, key: str | None) -> str:
        """Name a style, or the built-in heading or list that it is derived from, in lower case."""
        names = [self._styles[key].name.lower() for key in self.bases(key)]
        known = (name for name in names if _HEADING.fullmatch(name) or name.startswith("list"))
        return next(known, names[0] if names else "")

    def heading_level(self, paragraph: Any) -> int | None:
        """Say which level of heading a paragraph is, from 1; None when it is none."""
        key = self.of(paragraph)
        if match := _HEADING.fullmatch(self.name(key)):
            return max(1, int(match[1]))
        levels = [value(paragraph, "pPr/outlineLvl")]
        levels += [self._styles[key].outline for key in self.bases(key)]
        outline = _whole(next((level for level in levels if level is not None), None), 9)
        return outline + 1 if outline <= _MAX_LEVEL else None

    def numbering(self, key: str | None) -> tuple[str | None, str | None]:
        """Give the list and the level that a style puts its paragraphs in."""
        for base in self.bases(key):
            style = self._styles[base]
            if style.number is not None:
                return style.number, style.level
        return None, None

    def bases(self, key: str | None) -> list[str]:
        """Give a style and those that it is derived from, itself first."""
        chain: list[str] = []
        while key and key in self._styles and key not in chain and len(chain) < _MAX_BASES:
            chain.append(key)
            key = self._styles[key].base
        return chain


@dataclass(slots=True)
class _Level:
    """How one level of a list counts."""

    kind: str = "decimal"
    text: str = ""
    start: int = 1
    style: str | None = None
    decimal: bool = False  # all numbers of the label, as in legal texts


@dataclass(slots=True)
class _List:
    """A list's levels, and how far each has been counted."""

    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    begun: set[tuple[str, int]] = field(default_factory=set)


class Numbers:
    """Counts as Word does; each paragraph must be given once, in order."""

    def __init__(self, numbering: Any, styles: Styles) -> None:
        self._styles = styles
        self._lists: dict[str, _List] = {}
        self._abstract: dict[str, str] = {}
        self._starts: dict[tuple[str, int], int] = {}
        if numbering is not None:
            self._read(numbering)

    def item(self, paragraph: Any) -> Item | None:
        """Say what stands before a paragraph; None when it is in no list."""
        number = value(paragraph, "pPr/numPr/numId")
        level = value(paragraph, "pPr/numPr/ilvl")
        style = self._styles.of(paragraph)
        if number is None:
            number, style_level = self._styles.numbering(style)
            level = style_level if level is None else level
        if number == "0":
            return None
        if number is None:
            named = self._styles.name(style).startswith(("list bullet", "list number"))
            return Item("-", 0) if named else None
        counted = self._lists.get(self._abstract.get(number, ""))
        if counted is None:
            return Item("-", min(_whole(level, 0), _MAX_LEVEL))
        if level is None:
            linked = set(self._styles.bases(style))
            own = (at for at, of_list in counted.levels.items() if of_list.style in linked)
            level = str(next(own, 0))
        at = min(_whole(level, 0), _MAX_LEVEL)
        self._count(counted, number, at)
        return Item(_label(counted, at), at)

    def _count(self, counted: _List, number: str, at: int) -> None:
        level = counted.levels.get(at, _Level())
        start = self._starts.get((number, at))
        if start is not None and (number, at) not in counted.begun:
            counted.counts[at] = start
        else:
            counted.counts[at] = counted.counts.get(at, level.start - 1) + 1
        counted.begun.add((number, at))
        for deeper in [other for other in counted.counts if other > at]:
            del counted.counts[deeper]

    def _read(self, numbering: Any) -> None:
        links: dict[str, str] = {}
        for abstract in numbering.iterfind(f"{W}abstractNum"):
            key = abstract.get(f"{W}abstractNumId") or ""
            levels = abstract.iterfind(f"{W}lvl")
            numbered = {_whole(lvl.get(f"{W}ilvl"), 0): _level(lvl) for lvl in levels}
            self._lists[key] = _List(numbered)
            if link := value(abstract, "numStyleLink"):
                links[key] = link
        for number in numbering.iterfind(f"{W}num"):
            key = number.get(f"{W}numId") or ""
            self._abstract[key] = value(number, "abstractNumId") or ""
            for override in number.iterfind(f"{W}lvlOverride"):
                if start := value(override, "startOverride"):
                    at = _whole(override.get(f"{W}ilvl"), 0)
                    self._starts[key, at] = _whole(start, 1)
        for key, style in links.items():
            number_of_style, _ = self._styles.numbering(style)
            linked = self._lists.get(self._abstract.get(number_of_style or "", ""))
            if linked is not None and not self._lists[key].levels:
                self._lists[key] = linked


def _level(element: Any) -> _Level:
    return _Level(
        kind=value(element, "numFmt") or "decimal",
        text=value(element, "lvlText") or "",
        start=_whole(value(element, "start"), 1),
        style=value(element, "pStyle"),
        decimal=element.find(f"{W}isLgl") is not None,
    )


def _label(counted: _List, at: int) -> str:
    own = counted.levels.get(at, _Level(text="%1."))
    if own.kind == "bullet":
        return "-"

    def number(match: re.Match[str]) -> str:
        place = int(match[1]) - 1
        level = counted.levels.get(place, _Level())
        kind = "decimal" if own.decimal else level.kind
        return _written(counted.counts.get(place, level.start), kind)

    return " ".join(_PLACE.sub(number, own.text).split()) if own.kind != "none" else ""


def _written(number: int, kind: str) -> str:
    if kind in ("lowerLetter", "upperLetter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 5)
        return letter.upper() if kind == "upperLetter" else letter
    if kind in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman = ""
        for size, letters in _ROMAN:
            roman += letters * (number // size)
            number %= size
        return roman.upper() if kind == "upperRoman" else roman
    if kind == "none":
        return ""
    return f"{number:02}" if kind == "decimalZero" else str(number)


def _whole(text: str | None, otherwise: int) -> int:
    if text is None or not text.isdecimal() or not text.isascii() or len(text) > 6:
        return otherwise
    return int(text)
