"""The page of an original inside a page of ours: a picture with the quote's lines marked.

SVG, because its attributes may place a mark where a strict policy allows no inline style. The
picture itself is fetched from this server.
"""

from __future__ import annotations

from rag.ingest.readers.views import Box, PageView
from rag.types import Document
from rag.web.links import document_url
from rag.web.markup import esc
from rag.web.pages.page_pictures import Shown, is_one_picture, picture_url

_AROUND = 54.0  # points of the page that a strip shows above and below the quote
_BESIDE = 18.0
_LEAST_WIDTH = 330.0  # narrower strips would be larger than the page is in print
_TALL = 0.75  # of a page: a strip that would be taller is the page
_PAD = 1.2


def strip(document: Document, shown: Shown, start: int, end: int) -> str:
    """Render the part of each page around the quote, each leading to the whole document."""
    link = _from_here(document_url(document.doc_id, start, end).partition("#")[0])
    link += "#page-picture"
    return "".join(
        _figure(document, view, _around(view), link, _caption(_name(document, view)))
        for view in shown.pages
    )


def full_page(document: Document, view: PageView, *, is_first: bool) -> str:
    """Render a whole page, leading to its picture alone."""
    window = Box(0.0, 0.0, view.width, view.height)
    link = _from_here(picture_url(document.doc_id, view.page))
    anchor = ' id="page-picture"' if is_first else ""
    caption = _caption("The picture" if is_one_picture(document) else "The page")
    return _figure(document, view, window, link, caption, anchor)


def missing_pages(shown: Shown) -> str:
    """Say why no page is shown, "" when there is nothing to say."""
    if not shown.missing:
        return ""
    return f'<p class="page-missing">The page is not shown: {esc(shown.missing)}.</p>'


def _figure(
    document: Document, view: PageView, window: Box, link: str, caption: str, anchor: str = ""
) -> str:
    label = esc(f"{_name(document, view)} of {document.title}, with the quote marked")
    across, down = window.right - window.left, window.bottom - window.top
    marks = "".join(map(_mark, view.boxes))
    return (
        f'<figure class="page-picture"{anchor}>'
        f'<a href="{esc(link)}" target="_blank" rel="noopener">'
        f'<svg viewBox="{window.left:.1f} {window.top:.1f} {across:.1f} {down:.1f}" '
        f'role="img" aria-label="{label}">'
        f'<image href="{esc(_from_here(picture_url(document.doc_id, view.page)))}" '
        f'width="{view.width:.1f}" height="{view.height:.1f}" preserveAspectRatio="none"/>'
        f'<g class="marks">{marks}</g></svg></a>'
        f"<figcaption>{esc(caption)}</figcaption></figure>"
    )


def _caption(what: str) -> str:
    return f"{what} as it is in the file"


def _name(document: Document, view: PageView) -> str:
    return "The picture" if is_one_picture(document) else f"Page {view.page}"


def _from_here(url: str) -> str:
    """Write an address from where the server begins as seen from documents/...."""
    return f"../{url}"


def _mark(box: Box) -> str:
    return (
        f'<rect x="{box.left - _PAD:.1f}" y="{box.top - _PAD:.1f}" rx="1.5" '
        f'width="{box.right - box.left + 2 * _PAD:.1f}" '
        f'height="{box.bottom - box.top + 2 * _PAD:.1f}"/>'
    )


def _around(view: PageView) -> Box:
    """Return the part of the page that a strip shows: the quote, and a little on every side."""
    if not view.boxes:
        return Box(0.0, 0.0, view.width, view.height)
    left = min(box.left for box in view.boxes) - _BESIDE
    right = max(box.right for box in view.boxes) + _BESIDE
    lacking = max(0.0, _LEAST_WIDTH - (right - left)) / 2
    left, right = left - lacking, right + lacking
    left, right = max(0.0, left - max(0.0, right - view.width)), right - min(0.0, left)
    top = max(0.0, min(box.top for box in view.boxes) - _AROUND)
    bottom = min(view.height, max(box.bottom for box in view.boxes) + _AROUND)
    if bottom - top > _TALL * view.height:
        return Box(0.0, 0.0, view.width, view.height)
    return Box(left, top, min(right, view.width), bottom)
