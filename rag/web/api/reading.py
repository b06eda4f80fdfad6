"""Reading over the API: the list of documents, a document, a passage."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from rag.types import Document
from rag.web.api import models
from rag.web.api.services import Json, Services, errors, missing
from rag.web.pages.page_pictures import Shown, picture_url, shown_pages
from rag.web.seams import ListedDocument

Offset = Annotated[int | None, Query(ge=0)]


def add_list(router: APIRouter, services: Services) -> None:
    """Add GET /documents."""

    @router.get(
        "/documents",
        summary="List the documents",
        tags=["reading"],
        response_model=models.DocumentsBody,
        responses=errors(422),
    )
    def documents(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=models.MAX_LISTED)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        held = services.view(request.scope).documents.documents()
        listed = [_named(document) for document in held[offset : offset + limit]]
        return Json({"documents": listed, "total": len(held)})


def add_document(router: APIRouter, services: Services) -> None:
    """Add GET /documents/{doc_id}."""

    @router.get(
        "/documents/{doc_id:any}",
        summary="Read a document, or a stretch of it",
        tags=["reading"],
        response_model=models.DocumentBody,
        responses=errors(404, 422),
    )
    def document(
        request: Request,
        doc_id: Annotated[str, Path(min_length=1)],
        start: Annotated[int, Query(ge=0)] = 0,
        end: Offset = None,
    ) -> Response:
        found = services.view(request.scope).documents.document(doc_id)
        if found is None:
            raise missing("document")
        return Json(_document_to_dict(found, start, end))


def add_passage(router: APIRouter, services: Services) -> None:
    """Add GET /passages/{passage_id}."""

    @router.get(
        "/passages/{passage_id:any}",
        summary="Read a passage",
        tags=["reading"],
        response_model=models.PassageBody,
        responses=errors(404, 422),
    )
    def passage(
        request: Request,
        passage_id: Annotated[str, Path(min_length=1)],
        pages: Annotated[bool, Query(description="Whether to find it on its pages.")] = False,
        start: Offset = None,
        end: Offset = None,
    ) -> Response:
        documents = services.view(request.scope).documents
        found = documents.passages([passage_id])
        if not found:
            raise missing("passage")
        body = asdict(found[0])
        document = documents.document(found[0].doc_id) if pages else None
        if document is not None:
            first = found[0].start if start is None else start
            last = found[0].end if end is None else end
            body |= _pages_to_dict(document, shown_pages(services.pictures, document, first, last))
        return Json(body)


def _named(document: ListedDocument | Document) -> dict[str, Any]:
    return {
        "doc_id": document.doc_id,
        "title": document.title,
        "source": document.source,
        "metadata": dict(document.metadata),
    }


def _document_to_dict(document: Document, start: int, end: int | None) -> dict[str, Any]:
    """Return a document with its text from `start` to `end`, as far as it goes."""
    last = len(document.text) if end is None else min(end, len(document.text))
    first = min(start, last)
    return {
        **_named(document),
        "sections": [asdict(section) for section in document.sections],
        "page_starts": list(document.page_starts),
        "chars": len(document.text),
        "start": first,
        "end": last,
        "text": document.text[first:last],
    }


def _pages_to_dict(document: Document, shown: Shown) -> dict[str, Any]:
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
