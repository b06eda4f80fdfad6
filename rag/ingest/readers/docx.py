"""Word documents, in reading order: headings, paragraphs, lists, tables."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata
from rag.ingest.readers.docx_numbers import Numbers, Styles
from rag.ingest.readers.docx_words import Shown, W, Words, blocks, rows_of, value
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.packed import DAMAGE, check_archive, damaged
from rag.types import Document

_MAX_TABLE_DEPTH = 5
_CONTENTS = re.compile(r"toc \w+|table of figures")  # of built-in styles, in lower case
_WITH_MACROS = "application/vnd.ms-word.document.macroEnabled.main+xml"
_TEMPLATE_AUTHOR = "python-docx"
_TEMPLATE_DATE = date(2013, 12, 23)  # of all that is made with it and not dated


class DocxReader:
    """Reads .docx. Word files have no fixed pages, so there are no page numbers."""

    suffixes = frozenset({".docx", ".docm"})
    version = 4

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
    from docx.opc.part import PartFactory
    from docx.package import Package
    from docx.parts.document import DocumentPart

    PartFactory.part_type_for.setdefault(_WITH_MACROS, DocumentPart)  # else it is bytes only
    part = Package.open(io.BytesIO(data)).main_document_part
    if not isinstance(part, DocumentPart):
        raise ValueError(f"the main part is a {part.content_type}")
    document = part.document
    body = document.element.body
    styles = Styles(document.styles.element)
    extract = _Extract(
        styles,
        Words(document.styles.element, body),
        Numbers(_part(document, "numbering"), styles),
        {kind: _notes(document, kind) for kind in ("Footnote", "Endnote")},
    )
    extract.add_blocks(body)
    return extract.builder, _metadata(document.core_properties, extract.title)


def _part(document: Any, kind: str) -> Any:
    """Give the root of another part of the package; None when there is none."""
    from lxml import etree  # type: ignore[import-untyped]

    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
            return etree.fromstring(relation.target_part.blob, parser)
    return None


def _notes(document: Any, kind: str) -> dict[str, Any]:
    notes = _part(document, f"{kind.lower()}s")
    return {} if notes is None else {note.get(f"{W}id") or "": note for note in notes}


class _Extract:
    """Adds blocks to `builder`, each with the notes and text boxes that belong to it."""

    def __init__(
        self, styles: Styles, words: Words, numbers: Numbers, notes: dict[str, dict[str, Any]]
    ) -> None:
        self.builder = TextBuilder()
        self.title = ""
        self._styles = styles
        self._words = words
        self._numbers = numbers
        self._notes = notes
        self._noted: Counter[str] = Counter()

    def add_blocks(self, container: Any, depth: int = 0) -> None:
        for block in blocks(container):
            if block.tag == f"{W}p":
                self._add_paragraph(block)
            elif _is_frame(block):
                for (cell,) in rows_of(block):
                    if depth < _MAX_TABLE_DEPTH:
                        self.add_blocks(cell, depth + 1)
            else:
                self.builder.gap()
                beside: list[Shown] = []
                self._add_table(block, beside)
                self.builder.gap()
                for shown in beside:
                    self._add_beside(shown)

    def _add_paragraph(self, paragraph: Any) -> None:
        style = self._styles.name(self._styles.of(paragraph))
        if _CONTENTS.fullmatch(style):
            return
        shown = self._words.shown(paragraph)
        text = "\n".join(" ".join(line.split()) for line in shown.text.split("\n")).strip()
        if text:
            self._add_text(paragraph, text, style)
        self._add_beside(shown)

    def _add_text(self, paragraph: Any, text: str, style: str) -> None:
        item = self._numbers.item(paragraph)
        label = f"{item.label} " if item is not None and item.label else ""
        if style == "title" and not self.title:
            self.title = " ".join(text.split())
            self.builder.heading(self.title, 1)
        elif level := self._styles.heading_level(paragraph):
            self.builder.heading(text if label == "- " else label + text, level)
        elif item is None or "." in item.label[:-1]:  # "2.1 The seller ...": a clause is no item
            self.builder.paragraph(label + text)
        else:
            self.builder.line("  " * item.level + label + text)

    def _add_table(self, table: Any, beside: list[Shown], depth: int = 0) -> None:
        """Add a row as "a | b | c"; a merged cell counts once; tables inside cells follow it."""
        above: dict[int, str] = {}
        for cells in rows_of(table):
            row: list[str] = []
            column = 0
            for cell in cells:
                merged = cell.find(f"{W}tcPr/{W}vMerge")
                goes_on = merged is not None and merged.get(f"{W}val") != "restart"
                words = above.get(column, "") if goes_on else self._cell(cell, beside)
                row.append(words)
                above[column] = words
                span = value(cell, "tcPr/gridSpan") or "1"
                column += int(span) if span.isdecimal() else 1
            if any(row):
                self.builder.line(" | ".join(row))
            for cell in cells if depth < _MAX_TABLE_DEPTH else ():
                for inner in blocks(cell):
                    if inner.tag == f"{W}tbl":
                        self._add_table(inner, beside, depth + 1)

    def _cell(self, cell: Any, beside: list[Shown]) -> str:
        words: list[str] = []
        for block in blocks(cell):
            if block.tag == f"{W}p":
                shown = self._words.shown(block)
                beside.append(shown)
                if shown.text.strip():
                    item = self._numbers.item(block)
                    words += [item.label] if item is not None and item.label != "-" else []
                    words += shown.text.split()
        return " ".join(words)

    def _add_beside(self, shown: Shown) -> None:
        """Add the notes and the text boxes of a paragraph, below it."""
        for kind, key in shown.notes:
            note = self._notes[kind].pop(key, None)  # one that refers to itself is read once
            if note is not None:
                self._noted[kind] += 1
                words = " ".join(self._cell(note, []).split())
                self.builder.paragraph(f"{kind} {self._noted[kind]}: {words}")
        for box in shown.boxes:
            self.builder.gap()
            self.add_blocks(box)
            self.builder.gap()


def _is_frame(table: Any) -> bool:
    """Tell a table that only frames what it holds: never more than one cell beside another."""
    return all(len(cells) == 1 for cells in rows_of(table))


def _metadata(properties: Any, title: str) -> dict[str, str]:
    """Take what the author filled in; placeholders say nothing."""
    is_template = properties.author == _TEMPLATE_AUTHOR
    found = {
        "title": properties.title or title,
        "author": "" if is_template else properties.author,
        "subject": properties.subject,
        "keywords": properties.keywords,
    }
    when = properties.created or properties.modified
    if isinstance(when, datetime) and not (is_template and when.date() == _TEMPLATE_DATE):
        found["date"] = when.date().isoformat()
    return flat_metadata(found)
