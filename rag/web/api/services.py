"""What the routes of the API share: what they work with, and the forms of what they answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse
from starlette.types import Scope

from rag.answer_json import answer_to_dict
from rag.types import Answer
from rag.web.api import models
from rag.web.history.feedback import FeedbackStore
from rag.web.history.keeping import Keeping
from rag.web.history.recent import RecentAnswers
from rag.web.pages.page_pictures import PagePictures
from rag.web.people.access import principal_of
from rag.web.people.readable import View, Views
from rag.web.problems import Problem
from rag.web.seams import Writing
from rag.web.workers import Workers

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


class Json(JSONResponse):
    """JSON in which a lone surrogate (documents can hold one) is no error."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


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


def missing(what: str) -> Problem:
    """Return the problem of something that is not there, or not for the one who asks."""
    return Problem(404, "not_found", f"There is no such {what}.")


def remembered(answer: Answer, services: Services, scope: Scope) -> dict[str, Any]:
    """Return an answer as JSON, with the id by which feedback can name it."""
    answer_id = services.answers.add(answer, principal_of(scope).name)
    return {"answer_id": answer_id, **answer_to_dict(answer)}
