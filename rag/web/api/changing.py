"""Changing which documents there are, over the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from rag.errors import InputError
from rag.store.collections import DEFAULT_COLLECTION, checked_collection
from rag.web.api import models
from rag.web.api.services import Json, Services, errors, missing
from rag.web.gate.audit import note
from rag.web.problems import Problem
from rag.web.seams import Writing

FILE_TYPE = "application/octet-stream"
_FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {FILE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def add_ingest(router: APIRouter, services: Services) -> None:
    """Add POST /documents."""

    @router.post(
        "/documents",
        summary="Bring in a file, or replace the one of that name",
        tags=["writing"],
        status_code=201,
        response_model=models.IngestedBody,
        responses=errors(411, 413, 415, 422, 503),
        openapi_extra=_FILE_BODY,
    )
    async def ingest(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=150, description="handbook.pdf")],
        collection: Annotated[
            str, Query(max_length=64, description="One that the sender may read.")
        ] = DEFAULT_COLLECTION,
    ) -> Response:
        writing = _writing(services)
        note(request.scope, name=name, collection=collection)
        checked_collection(collection)
        if not services.view(request.scope).may_read(collection):
            raise Problem(403, "forbidden", "You may not bring documents into that collection.")
        content = await _file_in(request)
        doc_ids = await services.writers.run(lambda: writing.add(name, content, collection))
        return Json({"doc_ids": list(doc_ids)}, 201)


def add_removal(router: APIRouter, services: Services) -> None:
    """Add DELETE /documents/{doc_id}."""

    @router.delete(
        "/documents/{doc_id:any}",
        summary="Take a document out",
        tags=["writing"],
        status_code=204,
        response_class=Response,
        responses=errors(404, 422, 503),
    )
    async def remove(request: Request, doc_id: Annotated[str, Path(min_length=1)]) -> Response:
        writing = _writing(services)
        held = services.view(request.scope).documents

        def work() -> bool:
            return bool(held.collections_of([doc_id])) and writing.remove(doc_id)

        if not await services.writers.run(work):
            raise missing("document")
        return Response(status_code=204)


async def _file_in(request: Request) -> bytes:
    """Return the file that a request brings.

    Raises:
        Problem: it is sent as something else.
        InputError: it is empty.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != FILE_TYPE:
        hint = f"Send the file's bytes as {FILE_TYPE}."
        raise Problem(415, "unsupported_type", "The body is of another type.", hint)
    content = await request.body()
    if not content:
        raise InputError("The file is empty.", "Send the file's bytes as the body.")
    return content


def _writing(services: Services) -> Writing:
    if services.writing is None:
        hint = "Use footnote ingest, or serve with FOOTNOTE_ACCESS=token."
        raise Problem(403, "forbidden", "Documents are not changed through this server.", hint)
    return services.writing
