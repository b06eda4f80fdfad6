"""The API under /api/v1: ask, search, read, say whether it helped, and change the documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Scope

from rag.answer_json import answer_to_dict, hit_to_dict
from rag.errors import InputError
from rag.store.collections import DEFAULT_COLLECTION, checked_collection
from rag.store.filters import parse_filter
from rag.types import Answer, Delta, Event, Found, Question, Turn
from rag.web.api import models
from rag.web.gate.audit import note
from rag.web.history.feedback import Feedback, FeedbackStore, Rating
from rag.web.history.keeping import Keeping
from rag.web.history.recent import RecentAnswers
from rag.web.pages.page_pictures import PagePictures
from rag.web.pages.page_routes import pages_to_dict, shown_pages
from rag.web.people.access import principal_of
from rag.web.people.readable import View, Views
from rag.web.problems import Problem, internal, logged, problem_to_dict, request_id
from rag.web.seams import Writing
from rag.web.workers import Walk, Workers


class Json(JSONResponse):
    """JSON in which a lone surrogate (documents can hold one) is no error."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


SSE_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
EVENT_STREAM = "text/event-stream"
EVENTS = {
    EVENT_STREAM: {
        "schema": {
            "type": "object",
            "description": "One event; `data` is JSON.",
            "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
            "required": ["data"],
        }
    }
}

_MEANINGS = {
    401: "Nobody is named, or by a key that does not hold",
    403: "Not from there, or not with that right",
    404: "There is no such thing",
    409: "The store holds no documents",
    411: "The body does not state its length",
    413: "The body is too large",
    415: "The body is of another type",
    422: "The request cannot be understood",
    429: "Too many requests; see Retry-After",
    500: "Something went wrong inside",
    502: "The model that answers is not available",
    503: "Too much to do; see Retry-After",
}


@dataclass(frozen=True, slots=True)
class Services:
    """What the API works with; without `writing`, documents cannot be changed through it.

    `workers` answer and search, `writers` change documents.
    """

    views: Views
    feedback: FeedbackStore
    keeping: Keeping
    workers: Workers
    writers: Workers
    answers: RecentAnswers
    writing: Writing | None = None
    pictures: PagePictures | None = None

    def view(self, scope: Scope) -> View:
        """Return the store as the one who sends a request may use it."""
        return self.views.of(principal_of(scope))


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors that a route may answer with, beside those that every route may."""
    every = (401, 403, 429, 500)
    return {
        status: {"model": models.ErrorBody, "description": _MEANINGS[status]}
        for status in sorted({*every, *statuses})
    }


def api_router(services: Services) -> APIRouter:
    """Build the routes of the API."""
    router = APIRouter(prefix="/api/v1")
    _add_asking(router, services)
    _add_reading(router, services)
    _add_feedback(router, services)
    _add_writing(router, services)
    return router


def remembered(answer: Answer, services: Services, scope: Scope) -> dict[str, Any]:
    """Return an answer as JSON, with the id by which feedback can name it."""
    answer_id = services.answers.add(answer, principal_of(scope).name)
    return {"answer_id": answer_id, **answer_to_dict(answer)}


def _add_asking(router: APIRouter, services: Services) -> None:
    @router.post(
        "/chat",
        summary="Ask a question",
        tags=["asking"],
        response_model=models.AnswerBody,
        responses={
            200: {
                "description": "The answer: an event stream of `found`, `delta`, `answer` and "
                "`error`, or with `Accept: application/json` the answer alone.",
                "content": EVENTS,
            },
            **errors(409, 411, 413, 422, 502, 503),
        },
    )
    async def chat(body: models.ChatRequest, request: Request) -> Response:
        filters = [parse_filter(text) for text in body.filters]
        history = tuple(Turn(turn.question, turn.answer) for turn in body.history)
        question = Question(body.question, history)
        note(request.scope, question=body.question)
        assistant = services.view(request.scope).assistant
        walk = Walk(services.workers, assistant, question, filters)
        if not wants_json(request):
            stream = _as_events(walk, services, request.scope)
            return StreamingResponse(stream, media_type=EVENT_STREAM, headers=SSE_HEADERS)
        answer = await walk.answer()
        if answer is None:
            raise internal()
        return Json(remembered(answer, services, request.scope))

    @router.post(
        "/search",
        summary="Search without answering",
        tags=["asking"],
        response_model=models.SearchBody,
        responses=errors(409, 411, 413, 422, 503),
    )
    async def search(body: models.SearchRequest, request: Request) -> Response:
        note(request.scope, question=body.query)
        filters = [parse_filter(text) for text in body.filters]
        assistant = services.view(request.scope).assistant
        hits = await services.workers.run(lambda: assistant.search(body.query, body.k, filters))
        return Json({"query": body.query, "hits": [hit_to_dict(hit) for hit in hits]})


def wants_json(request: Request) -> bool:
    """Tell whether JSON is asked for rather than a stream of events."""
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and EVENT_STREAM not in accepted


async def _as_events(walk: Walk, services: Services, scope: Scope) -> AsyncIterator[str]:
    """Write a walk as server-sent events; a comment now and then tells proxies that it lives."""
    yield f": request {request_id(scope)}\n\n"
    try:
        async for event in walk.events():
            yield ": still here\n\n" if event is None else _event(event, services, scope)
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 - an edge: one chat turn, whose headers are sent
        yield sse("error", problem_to_dict(logged(error, scope), scope))
    finally:
        walk.stop()


def _event(event: Event, services: Services, scope: Scope) -> str:
    if isinstance(event, Found):
        hits = [hit_to_dict(hit) for hit in event.hits]
        return sse("found", {"query": event.query, "hits": hits})
    if isinstance(event, Delta):
        return sse("delta", {"text": event.text})
    return sse("answer", remembered(event, services, scope))


def sse(name: str, data: dict[str, Any]) -> str:
    """Write one server-sent event; ASCII, so that no character can end a line or fail to send."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _add_reading(router: APIRouter, services: Services) -> None:
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
        listed = [
            {
                "doc_id": document.doc_id,
                "title": document.title,
                "source": document.source,
                "metadata": dict(document.metadata),
            }
            for document in held[offset : offset + limit]
        ]
        return Json({"documents": listed, "total": len(held)})

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
        end: Annotated[int | None, Query(ge=0)] = None,
    ) -> Response:
        found = services.view(request.scope).documents.document(doc_id)
        if found is None:
            raise missing("document")
        last = len(found.text) if end is None else min(end, len(found.text))
        first = min(start, last)
        return Json(
            {
                "doc_id": found.doc_id,
                "title": found.title,
                "source": found.source,
                "metadata": dict(found.metadata),
                "sections": [asdict(section) for section in found.sections],
                "page_starts": list(found.page_starts),
                "chars": len(found.text),
                "start": first,
                "end": last,
                "text": found.text[first:last],
            }
        )

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
        start: Annotated[int | None, Query(ge=0)] = None,
        end: Annotated[int | None, Query(ge=0)] = None,
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
            body |= pages_to_dict(document, shown_pages(services.pictures, document, first, last))
        return Json(body)


def missing(what: str) -> Problem:
    """Return the problem of something that is not there, or not for the one who asks."""
    return Problem(404, "not_found", f"There is no such {what}.")


def _add_feedback(router: APIRouter, services: Services) -> None:
    @router.post(
        "/feedback",
        summary="Say whether an answer helped",
        tags=["asking"],
        status_code=204,
        response_class=Response,
        responses=errors(404, 411, 413, 422),
    )
    def feedback(body: models.FeedbackRequest, request: Request) -> Response:
        answer = services.answers.get(body.answer_id, principal_of(request.scope).name)
        if answer is None:
            raise missing("answer, or it was given too long ago")
        said = Feedback(Rating(body.rating), body.comment.strip())
        services.feedback.append(answer, said, person=services.keeping.person(request.scope))
        return Response(status_code=204)


def _add_writing(router: APIRouter, services: Services) -> None:
    @router.post(
        "/documents",
        summary="Bring in a file, or replace the one of that name",
        tags=["writing"],
        status_code=201,
        response_model=models.IngestedBody,
        responses=errors(411, 413, 415, 422, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
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
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/octet-stream":
            hint = "Send the file's bytes as application/octet-stream."
            raise Problem(415, "unsupported_type", "The body is of another type.", hint)
        content = await request.body()
        if not content:
            raise InputError("The file is empty.", "Send the file's bytes as the body.")
        doc_ids = await services.writers.run(lambda: writing.add(name, content, collection))
        return Json({"doc_ids": list(doc_ids)}, 201)

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


def _writing(services: Services) -> Writing:
    if services.writing is None:
        hint = "Use footnote ingest, or serve with FOOTNOTE_ACCESS=token."
        raise Problem(403, "forbidden", "Documents are not changed through this server.", hint)
    return services.writing
