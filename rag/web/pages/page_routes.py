"""The pictures of pages, for whoever may read the document."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response

from rag.types import Document
from rag.web.pages.page_pictures import PagePictures, Shown, picture_url
from rag.web.people.access import principal_of
from rag.web.people.readable import Views

_HEADERS = {"Cache-Control": "private, max-age=300"}


def add_page_pictures(app: FastAPI, views: Views, pictures: PagePictures | None) -> None:
    """Add /pages/{doc_id}?page=N: a PNG file; absent for whoever may not read the document."""

    @app.get("/pages/{doc_id:any}", include_in_schema=False)
    def picture(request: Request, doc_id: str, page: str = "1") -> Response:
        document = views.of(principal_of(request.scope)).documents.document(doc_id)
        number = int(page) if page.isdecimal() and len(page) < 7 else 0
        drawn = pictures.picture(document, number) if document and pictures else None
        if drawn is None:
            return Response(status_code=404)
        return Response(drawn, media_type="image/png", headers=_HEADERS)


def shown_pages(pictures: PagePictures | None, document: Document, start: int, end: int) -> Shown:
    """Find the pages on which a stretch of a document stands; none where none are drawn."""
    if pictures is None or not 0 <= start < end <= len(document.text):
        return Shown()
    return pictures.find(document, start, end)


def pages_to_dict(document: Document, shown: Shown) -> dict[str, Any]:
    """Return pages as the API gives them: boxes are left, top, right, bottom in points."""
    return {
        "pages": [
            {
                "page": view.page,
                "width": view.width,
                "height": view.height,
                "boxes": [[box.left, box.top, box.right, box.bottom] for box in view.boxes],
                "picture": picture_url(document.doc_id, view.page),
            }
            for view in shown.pages
        ],
        "pages_missing": shown.missing,
    }
