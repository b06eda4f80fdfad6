"""The API of one's own conversations: list, read, rename, export, delete."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from rag.errors import StoreError
from rag.history.export import as_markdown, conversation_to_dict, person_to_dict
from rag.history.records import Conversation
from rag.web.api import history_models as models
from rag.web.api.services import Json, Services, errors, missing
from rag.web.gate.origins import is_ours
from rag.web.history.keeping import readable_in
from rag.web.problems import Problem, history_away

T = TypeVar("T")

MAX_OFFSET = 1_000_000
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def history_router(services: Services) -> APIRouter:
    """Build the routes. What is not somebody's own and what is not there answer alike."""
    router = APIRouter(prefix="/api/v1", tags=["history"], dependencies=[Depends(_own_pages_only)])
    _add_list(router, services)
    _add_reading(router, services)
    _add_changing(router, services)
    _add_all(router, services)
    return router


def _add_list(router: APIRouter, services: Services) -> None:
    keeping = services.keeping

    @router.get(
        "/conversations",
        summary="List one's conversations of the chat page, the latest first",
        response_model=models.ConversationsBody,
        responses=errors(422, 503),
    )
    def conversations(
        request: Request,
        search: Annotated[str, Query(max_length=200, description="Words that they hold.")] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    ) -> Response:
        owner = keeping.owner(request.scope)
        found = _tried(request, lambda: keeping.listing(owner, search, limit=limit, offset=offset))
        listed = [models.listed_to_dict(each) for each in found.conversations]
        return Json({"conversations": listed, "total": found.total})


def _add_reading(router: APIRouter, services: Services) -> None:
    @router.get(
        "/conversations/{conversation_id}",
        summary="Read one of one's conversations",
        response_model=models.ConversationBody,
        responses=errors(404, 422, 503),
    )
    def conversation(conversation_id: Id, request: Request) -> Response:
        return Json(conversation_to_dict(_found(services, conversation_id, request)))

    @router.get(
        "/conversations/{conversation_id}/markdown",
        summary="Export one of one's conversations with its footnotes",
        response_class=Response,
        responses={200: {"content": {"text/markdown": {}}}, **errors(404, 422, 503)},
    )
    def markdown(conversation_id: Id, request: Request) -> Response:
        found = _found(services, conversation_id, request)
        headers = _as_file(f"{found.listed.title}.md")
        return Response(as_markdown(found), media_type="text/markdown", headers=headers)


def _add_changing(router: APIRouter, services: Services) -> None:
    keeping = services.keeping

    @router.patch(
        "/conversations/{conversation_id}",
        summary="Rename one of one's conversations",
        status_code=204,
        response_class=Response,
        responses=errors(404, 411, 413, 422, 503),
    )
    def rename(conversation_id: Id, body: models.RenameRequest, request: Request) -> Response:
        owner, title = keeping.owner(request.scope), body.title
        if not _tried(request, lambda: keeping.history.rename(owner, conversation_id, title)):
            raise missing("conversation")
        return Response(status_code=204)

    @router.delete(
        "/conversations/{conversation_id}",
        summary="Delete one of one's conversations, and what one said of its answers",
        status_code=204,
        response_class=Response,
        responses=errors(404, 422, 503),
    )
    def delete(conversation_id: Id, request: Request) -> Response:
        owner = keeping.owner(request.scope)
        if not _tried(request, lambda: keeping.delete(owner, conversation_id)):
            raise missing("conversation")
        return Response(status_code=204)


def _add_all(router: APIRouter, services: Services) -> None:
    keeping = services.keeping

    @router.get(
        "/history",
        summary="Export all of one's conversations and feedback",
        response_model=models.HistoryBody,
        responses=errors(503),
    )
    def export(request: Request) -> Response:
        person = keeping.person(request.scope)
        keeping.writer.flush()
        readable = readable_in(services.view(request.scope).documents)
        found = _tried(
            request,
            lambda: person_to_dict(keeping.history, person, with_audit=False, readable=readable),
        )
        # Every character is escaped: the file reads the same in whatever encoding it is opened.
        content = json.dumps(found, indent=1)
        headers = _as_file("footnote-history.json")
        return Response(content, media_type="application/json", headers=headers)

    @router.delete(
        "/history",
        summary="Delete all of one's conversations and feedback",
        response_model=models.ErasedBody,
        responses=errors(503),
    )
    def erase(request: Request) -> Response:
        person = keeping.person(request.scope)
        gone = _tried(request, lambda: keeping.erase(person))
        return Json({"conversations": gone.conversations, "feedback": gone.feedback})


def _own_pages_only(request: Request) -> None:
    """Keep pages of embeds out: they may ask, but what somebody asked is none of their business.

    Raises:
        Problem: the request comes from a page of another origin.
    """
    if not is_ours(request.headers):
        raise Problem(403, "forbidden", "Requests from other sites are refused.")


def _found(services: Services, conversation_id: str, request: Request) -> Conversation:
    keeping, documents = services.keeping, services.view(request.scope).documents
    owner = keeping.owner(request.scope)
    found = _tried(request, lambda: keeping.conversation(owner, conversation_id, documents))
    if found is None:
        raise missing("conversation")
    return found


def _tried(request: Request, use: Callable[[], T]) -> T:
    """Use the database; raises Problem (503) when it cannot be used."""
    try:
        return use()
    except StoreError as error:
        raise history_away(error, request.scope) from error


def _as_file(name: str) -> dict[str, str]:
    """Return the headers of a download; its name may hold any character."""
    safe = quote(name.replace("/", "-"), safe="", errors="replace")
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{safe}"}
