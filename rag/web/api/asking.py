"""Asking and searching over the API, and saying whether an answer helped."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from rag.answer_json import hit_to_dict
from rag.errors import StoreError
from rag.store.filters import parse_filter
from rag.types import Question, Turn
from rag.web.api import models
from rag.web.api.events import EVENT_STREAM, EVENTS, SSE_HEADERS, as_events, wants_json
from rag.web.api.services import Json, Services, errors, missing, remembered
from rag.web.gate.audit import note
from rag.web.history.feedback import Feedback, Rating
from rag.web.people.access import principal_of
from rag.web.problems import history_away, internal
from rag.web.workers import Walk


def add_chat(router: APIRouter, services: Services) -> None:
    """Add POST /chat."""

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
            stream = as_events(walk, services, request.scope)
            return StreamingResponse(stream, media_type=EVENT_STREAM, headers=SSE_HEADERS)
        answer = await walk.answer()
        if answer is None:
            raise internal()
        return Json(remembered(answer, services, request.scope))


def add_search(router: APIRouter, services: Services) -> None:
    """Add POST /search."""

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


def add_feedback(router: APIRouter, services: Services) -> None:
    """Add POST /feedback."""

    @router.post(
        "/feedback",
        summary="Say whether an answer helped",
        tags=["asking"],
        status_code=204,
        response_class=Response,
        responses=errors(404, 411, 413, 422, 503),
    )
    def feedback(body: models.FeedbackRequest, request: Request) -> Response:
        answer = services.answers.get(body.answer_id, principal_of(request.scope).name)
        if answer is None:
            raise missing("answer, or it was given too long ago")
        said = Feedback(Rating(body.rating), body.comment.strip())
        person = services.keeping.person(request.scope)
        try:
            services.feedback.append(answer, said, person=person)
        except StoreError as error:
            raise history_away(error, request.scope) from error
        return Response(status_code=204)
