"""PowerPoint presentations: each slide a page and a section, with its notes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.packed import DAMAGE, check_archive, damaged
from rag.ingest.readers.raw import empty
from rag.ingest.readers.rows import cell_text
from rag.types import Document

_MAX_GROUP_DEPTH = 20
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_TEMPLATE_DATE = date(2013, 1, 27)  # of python-pptx's, which all made with it and not dated have
_NUMBERS = re.compile(r"^Slide \d+$\s*", re.MULTILINE)


class SlidesReader:
    """Reads .pptx: titles, text, tables, charts' figures and speaker notes, slide by slide."""

    suffixes = frozenset({".pptx", ".pptm"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        check_archive(data, source, "PowerPoint presentation")
        try:
            builder, starts, metadata = _extract(data)
        except DAMAGE as error:
            raise damaged(source, "PowerPoint presentation", error) from error
        text, sections = builder.finish()
        if not _NUMBERS.sub("", text):
            raise empty(source)
        first = sections[0].title.partition(": ")[2] if sections else ""
        yield original.document(
            text, metadata, title=first, sections=sections, page_starts=tuple(starts)
        )


def _extract(data: bytes) -> tuple[TextBuilder, list[int], dict[str, str]]:
    import pptx

    deck = pptx.Presentation(io.BytesIO(data))
    builder = TextBuilder()
    starts: list[int] = []
    for number, slide in enumerate(deck.slides, start=1):
        title = slide.shapes.title
        words = _one_line(title.text_frame.text) if title is not None else ""
        starts.append(builder.heading(f"Slide {number}" + (f": {words}" if words else ""), 1))
        known = None if title is None else title.shape_id
        for shape in _shapes(slide.shapes):
            if shape.shape_id != known and not _is_running(shape):
                _add_shape(builder, shape)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = slide.notes_slide.notes_text_frame.text.strip()
            if notes:
                builder.paragraph(f"Notes: {notes}")
    return builder, starts, _metadata(deck.core_properties)


def _shapes(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Yield shapes from top to bottom, then left to right; those of groups in their place."""
    placed = sorted(shapes, key=lambda shape: (_whole(shape.top), _whole(shape.left)))
    for shape in placed:
        if hasattr(shape, "shapes"):
            if depth < _MAX_GROUP_DEPTH:
                yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape


def _is_running(shape: Any) -> bool:
    """Whether a shape is what every slide has: its number, the date, the foot."""
    if not shape.is_placeholder:
        return False
    kind = shape.placeholder_format.type
    return kind is not None and kind.name in ("SLIDE_NUMBER", "DATE", "FOOTER")


def _whole(length: Any) -> int:
    return int(length) if length is not None else 0


def _add_shape(builder: TextBuilder, shape: Any) -> None:
    builder.gap()
    if getattr(shape, "has_table", False):
        for row in shape.table.rows:
            cells = [_one_line(cell.text) for cell in row.cells if not cell.is_spanned]
            if any(cells):
                builder.line(" | ".join(cells))
    elif getattr(shape, "has_chart", False):
        _add_chart(builder, shape.chart)
    elif diagram := _diagram(shape):
        for words in diagram:
            builder.line("- " + words)
    elif shape.has_text_frame:
        paragraphs = [p for p in shape.text_frame.paragraphs if p.text.strip()]
        if len(paragraphs) == 1:
            builder.paragraph(_one_line(paragraphs[0].text))
        else:
            for paragraph in paragraphs:
                builder.line("  " * min(paragraph.level, 8) + "- " + _one_line(paragraph.text))
    builder.gap()


def _add_chart(builder: TextBuilder, chart: Any) -> None:
    """Add a chart as the rows that it draws: "Sales: Q1 10; Q2 12"."""
    if chart.has_title and chart.chart_title.has_text_frame:
        builder.line(_one_line(chart.chart_title.text_frame.text))
    for plot in chart.plots:
        names = [": ".join(map(str, labels)) for labels in plot.categories.flattened_labels]
        names = names or [str(category) for category in plot.categories]
        for series in plot.series:
            points = _points(series) or zip(names, series.values, strict=False)
            figures = "; ".join(
                f"{name} {cell_text(value)}" for name, value in points if value is not None
            )
            if figures:
                builder.line(f"{_one_line(series.name or 'Values')}: {figures}")


def _points(series: Any) -> list[tuple[str, float | None]]:
    """Give the points of a chart without categories, by their place from the left."""
    across = series._element.findall(f".//{_CHART}xVal//{_CHART}pt/{_CHART}v")
    return [
        (cell_text(float(x.text)), y)
        for x, y in zip(across, series.values, strict=False)
        if _FIGURE.fullmatch(x.text or "")
    ]


def _diagram(shape: Any) -> list[str]:
    """Give the words of a diagram (SmartArt), in its order; none when the shape is no such."""
    from lxml import etree  # type: ignore[import-untyped]

    ids = shape._element.find(f".//{_DIAGRAM}relIds")
    key = None if ids is None else ids.get(f"{_RELATIONS}dm")
    if key is None or key not in shape.part.rels:
        return []
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    data = etree.fromstring(shape.part.related_part(key).blob, parser)
    paragraphs = (
        _one_line("".join(text.text or "" for text in paragraph.iter(f"{_DRAWING}t")))
        for paragraph in data.iter(f"{_DRAWING}p")
    )
    return [words for words in paragraphs if words]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _metadata(properties: Any) -> dict[str, str]:
    found = {
        "title": "" if properties.title == "PowerPoint Presentation" else properties.title,
        "author": properties.author,
        "subject": properties.subject,
        "keywords": properties.keywords,
    }
    when = properties.created or properties.modified
    if isinstance(when, datetime) and when.date() != _TEMPLATE_DATE:
        found["date"] = when.date().isoformat()
    return flat_metadata(found)
