"""What a paragraph of a Word file shows: its words, the notes it refers to, its text boxes.

Changes that are tracked count as accepted: what was inserted is read, what was deleted is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_NAMESPACES = {"w": W[1:-1]}
_ALTERNATIVES = f"{_MC}AlternateContent"

# What only wraps what it holds: changes, fields, content controls, links.
_WRAPPER_NAMES = "ins moveTo hyperlink fldSimple smartTag customXml sdtContent dir bdo"
_WRAPPERS = frozenset(W + name for name in _WRAPPER_NAMES.split())
_CHARACTERS = {
    **dict.fromkeys((f"{W}tab", f"{W}ptab"), "\t"),
    **dict.fromkeys((f"{W}br", f"{W}cr"), "\n"),
    f"{W}noBreakHyphen": "-",
}
_NOTES = {f"{W}footnoteReference": "Footnote", f"{W}endnoteReference": "Endnote"}
_HOLDERS = frozenset({f"{W}drawing", f"{W}pict", f"{W}object", _ALTERNATIVES})
_CONTENTS = "boolean(w:sdtPr/w:docPartObj/w:docPartGallery[@w:val='Table of Contents'])"
_PLACEHOLDER = "boolean(w:sdtPr/w:showingPlcHdr[not(@w:val='0' or @w:val='false')])"
# Marked as hidden, of at most one point, or white on white; tables and boxes have grounds of their
# own.
_HIDES = (
    "w:vanish[not(@w:val='0' or @w:val='false')] or w:sz[number(@w:val) < 3]"
    " or (w:color[translate(@w:val, 'f', 'F')='FFFFFF']{} and not(w:shd or w:highlight{}))"
)
_HIDING = (
    "w:rPr["
    + _HIDES.format(
        " and not(ancestor::w:tbl or ancestor::w:txbxContent)", " or ancestor::w:p/w:pPr/w:shd"
    )
    + "]"
)
_HIDING_STYLE = (
    f"./w:style[w:rPr[{_HIDES.format('', '')}]"
    " and not(w:pPr/w:shd) and (@w:type='paragraph' or @w:type='character')]"
)


@dataclass(slots=True)
class Shown:
    """The words of a paragraph; the notes (kind and id) and text boxes that belong to it."""

    text: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)


class Words:
    """Tells what paragraphs show, by the styles of their document."""

    def __init__(self, styles: Any, body: Any) -> None:
        self._hiding = _hiding_styles(styles)
        self._hides = bool(self._hiding) or bool(found(f"boolean(.//{_HIDING})", body))

    def shown(self, paragraph: Any) -> Shown:
        """Give what Word shows of a paragraph and somebody can see."""
        shown = Shown()
        if self._hides and style_of(paragraph, "p") in self._hiding:
            return shown
        shown.text = "".join(self._pieces(paragraph, shown))
        return shown

    def _pieces(self, element: Any, shown: Shown) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if tag == f"{W}r":
                if not (self._hides and self._is_hidden(child)):
                    yield from _run(child, shown)
            elif tag in _WRAPPERS:
                yield from self._pieces(child, shown)
            elif tag == f"{W}sdt":
                if not found(_PLACEHOLDER, child):
                    yield from self._pieces(child, shown)
            elif tag == _ALTERNATIVES:
                yield from self._pieces(_chosen(child), shown)
            elif tag in (f"{_M}oMath", f"{_M}oMathPara"):
                yield "".join(text.text or "" for text in child.iter(f"{_M}t"))

    def _is_hidden(self, run: Any) -> bool:
        return style_of(run, "r") in self._hiding or bool(found(f"boolean({_HIDING})", run))


def blocks(container: Any) -> Iterator[Any]:
    """Yield the paragraphs and tables of a body, cell, box or note, but no table of contents."""
    for child in container:
        tag = child.tag
        if tag in (f"{W}p", f"{W}tbl"):
            yield child
        elif tag in _WRAPPERS or (tag == f"{W}sdt" and not found(_CONTENTS, child)):
            yield from blocks(child)
        elif tag == _ALTERNATIVES:
            yield from blocks(_chosen(child))


def rows_of(table: Any) -> Iterator[list[Any]]:
    """Yield the cells of each row that no tracked change has deleted."""
    for row in _inside(table, f"{W}tr"):
        if row.find(f"{W}trPr/{W}del") is None:
            yield list(_inside(row, f"{W}tc"))


def value(element: Any, path: str) -> str | None:
    """Give the `w:val` of what lies at a path below an element."""
    found_there = element.find("/".join(W + name for name in path.split("/")))
    return None if found_there is None else found_there.get(f"{W}val")


def style_of(element: Any, kind: str) -> str | None:
    """Name the style of a paragraph ("p") or run ("r")."""
    return value(element, f"{kind}Pr/{kind}Style")


def found(expression: str, element: Any) -> Any:
    """Evaluate an XPath expression, in which "w" stands for Word's namespace."""
    return _compiled(expression)(element)


@cache
def _compiled(expression: str) -> Any:
    from lxml import etree  # type: ignore[import-untyped]

    return etree.XPath(expression, namespaces=_NAMESPACES)


def _run(run: Any, shown: Shown) -> Iterator[str]:
    for child in run:
        tag = child.tag
        if tag == f"{W}t":
            yield child.text or ""
        elif tag in _CHARACTERS:
            yield _CHARACTERS[tag]
        elif tag in _NOTES:
            shown.notes.append((_NOTES[tag], child.get(f"{W}id") or ""))
        elif tag in _HOLDERS:
            shown.boxes += _boxes(child)


def _boxes(holder: Any) -> Iterator[Any]:
    """Yield the text boxes of a drawing; of what is there twice, for old programs, one."""
    if holder.tag == f"{W}txbxContent":
        yield holder
    elif holder.tag == _ALTERNATIVES:
        yield from _boxes(_chosen(holder))
    else:
        for child in holder:
            yield from _boxes(child)


def _chosen(alternatives: Any) -> Any:
    choice = alternatives.find(f"{_MC}Choice")
    if choice is None:
        choice = alternatives.find(f"{_MC}Fallback")
    return () if choice is None else choice


def _inside(element: Any, tag: str) -> Iterator[Any]:
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in _WRAPPERS or child.tag == f"{W}sdt":
            yield from _inside(child, tag)


def _hiding_styles(styles: Any) -> frozenset[str]:
    """Name the styles that hide what is set in them, and those derived from them."""
    hiding = {style.get(f"{W}styleId") for style in found(_HIDING_STYLE, styles)}
    derived = {
        style.get(f"{W}styleId"): value(style, "basedOn")
        for style in (found("./w:style[w:basedOn]", styles) if hiding else ())
    }
    more = hiding
    while more:
        more = {style for style, base in derived.items() if base in more} - hiding
        hiding |= more
    return frozenset(filter(None, hiding))
