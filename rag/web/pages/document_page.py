"""The page of a document, whole or as a side panel around one quote: HTML without any script."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.answering.text.instructions import instruction_spans
from rag.types import Document, Section
from rag.web.links import document_url
from rag.web.markup import esc
from rag.web.page_shell import shell
from rag.web.pages.page_figure import full_page, missing_pages, strip
from rag.web.pages.page_pictures import Shown, is_one_picture
from rag.web.pages.tables import with_tables

NO_PAGES = Shown()

SURROUNDING_CHARS = 600
"""How much text the panel shows on either side of the quote."""

_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_HEADING_SIGNS = re.compile(r"#{1,6}[ \t]+")
_ALIGNING = re.compile(r"\t|  ")
_METADATA_ORDER = ("publisher", "author", "date", "place", "subject")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of a document's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch that is shown as one paragraph, or as a heading when `level` is not 0."""

    start: int
    end: int
    level: int = 0


def document_page(
    document: Document, quote: Span | None, *, panel: bool, shown: Shown = NO_PAGES, base: str = "/"
) -> str:
    """Render a document with its quote marked; in a panel with a quote, only what surrounds it.

    A quote that does not lie in the text (the document has changed) is said to be missing. `shown`
    are the pages of the original on which it stands, `base` is the path of the chat page.
    """
    lost = quote is not None and not lies_in(quote, document)
    found = None if lost else quote
    body = "".join(
        (
            _header(document, found, panel=panel, base=base),
            _lost_quote() if lost else "",
            _instructions(document, found) if panel else "",
            missing_pages(shown),
            f'<main class="text" dir="auto">{_text(document, found, shown, panel=panel)}</main>',
        )
    )
    return shell(document.title, body, "panel" if panel else "whole", base)


def lies_in(quote: Span | None, document: Document) -> bool:
    """Tell whether there is a quote and it is a stretch of the document's text."""
    return quote is not None and 0 <= quote.start < quote.end <= len(document.text)


def section_path(sections: tuple[Section, ...], offset: int, title: str) -> str:
    """Return the headings above an offset, outermost first, without the document's own title."""
    path: list[Section] = []
    for section in sections:
        if section.start > offset:
            break
        path = [above for above in path if above.level < section.level] + [section]
    return " › ".join(section.title for section in path if section.title != title)


def page_number(page_starts: tuple[int, ...], offset: int) -> int | None:
    """Return the page on which an offset lies, from 1; None for a document without pages."""
    return bisect.bisect_right(page_starts, offset) or None


def _header(document: Document, quote: Span | None, *, panel: bool, base: str) -> str:
    # A whole page names the document's date among the facts below.
    where = _where(document, quote) if panel or quote else ""
    place = f'<p class="where">{esc(where)}</p>' if where else ""
    if panel:
        offsets = (quote.start, quote.end) if quote else (None, None)
        link = esc(base + document_url(document.doc_id, *offsets))
        extra = (
            f'<p class="whole-link"><a href="{link}" target="_blank" rel="noopener">'
            "Open the whole document</a></p>"
        )
    else:
        extra = _metadata(document)
    heading = f'<h1 dir="auto">{esc(document.title)}</h1>'
    return f'<header class="head">{heading}{place}{extra}</header>'


def _where(document: Document, quote: Span | None) -> str:
    """Say section, page and date of the quote (of the document: its date) on one line."""
    parts = []
    if quote is not None:
        parts.append(section_path(document.sections, quote.start, document.title))
        page = page_number(document.page_starts, quote.start)
        parts.append(f"page {page}" if page else "")
    parts.append(document.metadata.get("date", ""))
    return " · ".join(part for part in parts if part)


def _metadata(document: Document) -> str:
    names = [name for name in _METADATA_ORDER if document.metadata.get(name)]
    rows = [(name.capitalize(), document.metadata[name]) for name in names]
    rows.append(("File", document.source))
    terms = "".join(f"<div><dt>{esc(name)}</dt><dd>{esc(value)}</dd></div>" for name, value in rows)
    return f'<dl class="facts">{terms}</dl>'


def _lost_quote() -> str:
    return (
        '<p class="notice" role="status">The quoted place is not in this document any more: '
        "the document has changed since. Ask again to get a current footnote.</p>"
    )


def _text(document: Document, quote: Span | None, shown: Shown, *, panel: bool) -> str:
    window = Span(0, len(document.text))
    if panel and quote is not None:
        window = surroundings(document.text, quote)
    pieces: list[str] = []
    if window.start > 0:
        pieces.append('<p class="cut" aria-label="Text left out">…</p>')
    marked = False
    pictures = {} if panel else {view.page: view for view in shown.pages}
    first_shown = min(pictures, default=0)
    if is_one_picture(document):
        pieces += [full_page(document, view, is_first=True) for view in pictures.values()]
    pages = iter(_page_breaks(document, window))
    page = next(pages, None)
    for block in blocks(document, window):
        while page is not None and page[0] <= block.start:
            pieces.append(f'<p class="page-break" id="page-{page[1]}">Page {page[1]}</p>')
            if (view := pictures.get(page[1])) is not None:
                pieces.append(full_page(document, view, is_first=page[1] == first_shown))
            page = next(pages, None)
        rendered, has_mark = _block(document, block, quote, first_mark=not marked)
        marked = marked or has_mark
        pieces.append(rendered)
        if panel and quote is not None and block.start < quote.end <= block.end:
            pieces.append(strip(document, shown, quote.start, quote.end))
    if window.end < len(document.text):
        pieces.append('<p class="cut" aria-label="Text left out">…</p>')
    return "".join(pieces)


def surroundings(text: str, quote: Span) -> Span:
    """Return about 600 characters on either side of the quote, cut between words."""
    start = max(0, quote.start - SURROUNDING_CHARS)
    end = min(len(text), quote.end + SURROUNDING_CHARS)
    while 0 < start < quote.start and not text[start - 1].isspace():
        start += 1
    while quote.end < end < len(text) and not text[end].isspace():
        end -= 1
    return Span(start, end)


def blocks(document: Document, window: Span) -> Iterator[Block]:
    """Cut a window of the text at blank lines, headings and page starts, leaving blanks out."""
    text = document.text
    levels = {section.start: section.level for section in document.sections}
    cuts = {window.start, window.end, *document.page_starts}
    cuts.update(gap.end() for gap in _BLANK_LINES.finditer(text, window.start, window.end))
    for start in levels:
        line_end = text.find("\n", start)
        cuts.update((start, len(text) if line_end < 0 else line_end + 1))
    inside = sorted(cut for cut in cuts if window.start <= cut <= window.end)
    for start, end in itertools.pairwise(inside):
        stripped = text[start:end].strip()
        if not stripped:
            continue
        left = start + text[start:end].index(stripped[0])
        yield Block(left, left + len(stripped), levels.get(start, 0))


def _instructions(document: Document, quote: Span | None) -> str:
    """Warn of text beside the quote that reads as if it were meant for an assistant."""
    if quote is None:
        return ""
    window = surroundings(document.text, quote)
    if not instruction_spans(document.text[window.start : window.end]):
        return ""
    return (
        '<p class="notice instructions">Some of this text reads like an instruction to an '
        "assistant. Footnote takes it as text and does not follow it.</p>"
    )


def _page_breaks(document: Document, window: Span) -> list[tuple[int, int]]:
    starts = enumerate(document.page_starts, start=1)
    return [(start, number) for number, start in starts if window.start <= start < window.end]


def _block(
    document: Document, block: Block, quote: Span | None, *, first_mark: bool
) -> tuple[str, bool]:
    """Render one block; tell whether a part of the quote is marked in it."""
    text, start, end = document.text, block.start, block.end
    if block.level and (signs := _HEADING_SIGNS.match(text, start, end)):
        start = signs.end()
    low = max(start, quote.start) if quote else end
    high = min(end, quote.end) if quote else end
    has_mark = low < high
    anchor = ' id="quote"' if first_mark else ""
    if not block.level and (rows := with_tables(text, start, end, (low, high), anchor)):
        return rows, has_mark
    if has_mark:
        mark = f"<mark{anchor}>{esc(text[low:high])}</mark>"
        inner = esc(text[start:low]) + mark + esc(text[high:end])
    elif block.level and text[start:end] == document.title:
        return "", False  # the page's own heading says it already
    else:
        inner = esc(text[start:end])
    if block.level:
        tag = f"h{min(block.level + 1, 6)}"
        return f"<{tag}>{inner}</{tag}>", has_mark
    # Spaces are kept where they may align something; elsewhere they would hang off marked lines.
    kept = ' class="aligned"' if _ALIGNING.search(text, start, end) else ""
    return f"<p{kept}>{inner}</p>", has_mark
