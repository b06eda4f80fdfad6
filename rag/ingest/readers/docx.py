"""Word documents, in reading order: headings, paragraphs, lists, tables."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.packed import DAMAGE, check_archive, damaged
from rag.types import Document

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_MAX_TABLE_DEPTH = 5
_ID = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}styleId"
# Runs marked as hidden, of at most one point, or white on white; a table may have its own ground.
_HIDING = (
    ".//w:rPr[w:vanish[not(@w:val='0' or @w:val='false')] or w:sz[number(@w:val) < 3]"
    " or (w:color[translate(@w:val, 'f', 'F')='FFFFFF'] and not(ancestor::w:tbl)"
    " and not(w:shd or w:highlight or ancestor::w:p/w:pPr/w:shd))]"
)
_HIDING_STYLE = (
    "./w:style[w:rPr[w:vanish[not(@w:val='0' or @w:val='false')] or w:sz[number(@w:val) < 3]"
    " or (w:color[translate(@w:val, 'f', 'F')='FFFFFF'] and not(w:shd or w:highlight))]"
    " and not(w:pPr/w:shd) and (@w:type='paragraph' or @w:type='character')]"
)


class DocxReader:
    """Reads .docx. Word files have no fixed pages, so there are no page numbers."""

    suffixes = frozenset({".docx"})
    version = 3

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        check_archive(data, source)
        try:
            builder, metadata = _extract(data)
        except DAMAGE as error:
            raise damaged(source, "Word document", error) from error
        text, sections = builder.finish()
        yield original.document(text, metadata, sections=sections)


def _extract(data: bytes) -> tuple[TextBuilder, dict[str, str]]:
    import docx

    document = docx.Document(io.BytesIO(data))
    builder = TextBuilder()
    title = ""
    styles = _Styles(document.styles.element)
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            builder.gap()
            _add_table(builder, block, styles)
            builder.gap()
        elif styles.name(block).lower() == "title" and not title and block.text.strip():
            title = " ".join(block.text.split())
            builder.heading(title, 1)
        else:
            _add_paragraph(builder, block, styles)
    return builder, _metadata(document.core_properties, title)


class _Styles:
    """Remembers what python-docx looks up anew for each paragraph."""

    def __init__(self, styles: Any) -> None:
        self._names: dict[str | None, str] = {}
        self._hiding = _hiding_styles(styles)

    def shown(self, paragraph: Any) -> str:
        """Give a paragraph's words without those that Word does not show, or nobody could see."""
        element = paragraph._p
        if not (self._hiding or element.xpath(_HIDING)):
            return str(paragraph.text)
        if element.style in self._hiding:
            return ""
        return "".join(
            run.text
            for item in paragraph.iter_inner_content()
            for run in getattr(item, "runs", (item,))
            if not (run._r.style in self._hiding or run._r.xpath(_HIDING))
        )

    def name(self, paragraph: Any) -> str:
        """Name the paragraph's style, or the built-in heading that it is derived from."""
        key = paragraph._p.style
        if key not in self._names:
            style = paragraph.style
            names: list[str] = []
            while style is not None and len(names) < 10:
                names.append(style.name or "")
                style = style.base_style
            known = (name for name in names if _HEADING.fullmatch(name) or name.startswith("List"))
            self._names[key] = next(known, names[0] if names else "")
        return self._names[key]


def _hiding_styles(styles: Any) -> frozenset[str]:
    """Name the styles that hide what is set in them, and those derived from them."""
    found = {style.get(_ID) for style in styles.xpath(_HIDING_STYLE)}
    derived = {
        style.get(_ID): style.xpath("string(w:basedOn/@w:val)")
        for style in (styles.xpath("./w:style[w:basedOn]") if found else ())
    }
    more = found
    while more:
        more = {style for style, base in derived.items() if base in more} - found
        found |= more
    return frozenset(filter(None, found))


def _add_paragraph(builder: TextBuilder, paragraph: Any, styles: _Styles) -> None:
    shown = styles.shown(paragraph)
    text = "\n".join(" ".join(line.split()) for line in shown.split("\n")).strip()
    style = styles.name(paragraph)
    properties = paragraph._p.pPr
    numbering = None if properties is None else properties.numPr
    if not text:
        return
    if match := _HEADING.fullmatch(style):
        builder.heading(text, max(1, int(match[1])))
    elif numbering is not None or style.startswith(("List Bullet", "List Number")):
        level = 0 if numbering is None or numbering.ilvl is None else int(numbering.ilvl.val)
        builder.line("  " * min(level, 8) + "- " + text)
    else:
        builder.paragraph(text)


def _add_table(builder: TextBuilder, table: Any, styles: _Styles, depth: int = 0) -> None:
    """Add a row as "a | b | c"; a merged cell counts once; tables inside cells follow their row."""
    for row in table.rows:
        cells: dict[int, Any] = {id(cell._tc): cell for cell in row.cells}
        words = [
            " ".join(" ".join(map(styles.shown, cell.paragraphs)).split())
            for cell in cells.values()
        ]
        if any(words):
            builder.line(" | ".join(words))
        if depth < _MAX_TABLE_DEPTH:
            for cell in cells.values():
                for inner in cell.tables:
                    _add_table(builder, inner, styles, depth + 1)


def _metadata(properties: Any, title: str) -> dict[str, str]:
    """Take what the author filled in; Word's own placeholders say nothing."""
    found = {
        "title": properties.title or title,
        "author": "" if properties.author == "python-docx" else properties.author,
        "subject": properties.subject,
        "keywords": properties.keywords,
    }
    when = properties.created or properties.modified
    if isinstance(when, datetime):
        found["date"] = when.date().isoformat()
    return flat_metadata(found)
