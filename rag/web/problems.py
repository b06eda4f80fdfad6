"""Errors as JSON: what happened and what to do, under a number that the server's log also has.

Nothing of the inside is told: no path, no SQL, no stack, no address of a model.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from rag.errors import (
    DocumentError,
    InputError,
    ModelError,
    NoDocumentsError,
    RagError,
    StoreBusyError,
    StoreError,
)

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
LAST_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of a response to what nobody expected, which is made outside of the gate."""

_REQUEST_ID = "footnote.request_id"


class Problem(Exception):
    """A request that cannot be served: an HTTP status, a stable code, and words for a person."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})


def request_id(scope: Scope) -> str:
    """Return the number of a request, given at its first use."""
    found: str = scope.setdefault(_REQUEST_ID, uuid.uuid4().hex[:16])
    return found


def busy(
    message: str = "Too many questions are being answered.", seconds: int = RETRY_SECONDS
) -> Problem:
    """Return the problem of a server that has enough to do, for about so long."""
    headers = {"Retry-After": str(seconds)}
    return Problem(503, "busy", message, f"Try again in {seconds} s.", headers)


def problem_of(error: RagError) -> Problem:
    """Say an error of ours to somebody outside; what only the operator may know is left out."""
    if isinstance(error, InputError):
        return Problem(422, "invalid_request", error.message, error.hint)
    if isinstance(error, NoDocumentsError):
        return Problem(409, "no_documents", "There are no documents yet.", "Ingest some first.")
    if isinstance(error, DocumentError):
        hint = "Nothing was changed. Check that the file is whole and of the format its name says."
        message = f"The document could not be read ({error.reason})."
        return Problem(422, "unreadable_document", message, hint)
    if isinstance(error, StoreBusyError):
        return busy("Another process is writing to the store.")
    if isinstance(error, ModelError):
        return Problem(502, "model_unavailable", "The model that answers is not available.")
    return internal()


def internal() -> Problem:
    """Return the problem of something that went wrong inside."""
    return Problem(500, "internal", "Something went wrong.", "The server's log says more.")


def history_away(error: StoreError, scope: Scope) -> Problem:
    """Return the problem of a history that cannot be used; the log says why."""
    logged(error, scope)
    number = request_id(scope)
    hint = f"Answers are not affected. The server's log says more under request {number}."
    words = "The history cannot be reached at the moment."
    return Problem(503, "history_unavailable", words, hint, {"Retry-After": "30"})


def problem_to_dict(problem: Problem, scope: Scope) -> dict[str, Any]:
    """Return the JSON object of a problem."""
    return {
        "error": {
            "code": problem.code,
            "message": problem.message,
            "hint": problem.hint,
            "request_id": request_id(scope),
        }
    }


def problem_response(problem: Problem, scope: Scope) -> Response:
    """Answer with a problem: as JSON for programs and scripts, in plain words elsewhere."""
    if is_for_programs(scope["path"]):
        body = problem_to_dict(problem, scope)
        return JSONResponse(body, problem.status, problem.headers)
    words = " ".join(part for part in (problem.message, problem.hint) if part)
    if scope["path"].startswith("/gradio_api/"):
        # Of what is not a success, Gradio's script shows one of these, or that it was not JSON.
        body = {"detail": words, "error": words}
        return JSONResponse(body, problem.status, problem.headers)
    text = f"{words}\nRequest {request_id(scope)}\n"
    return PlainTextResponse(text, problem.status, problem.headers)


def is_for_programs(path: str) -> bool:
    """Tell whether a path belongs to the API."""
    return path.startswith(("/api/", "/v1/"))


def logged(error: Exception, scope: Scope) -> Problem:
    """Log an error under the request's number; return what may be said of it."""
    if isinstance(error, RagError):
        problem = problem_of(error)
        if problem.status >= 500:
            logger.warning("request %s: %s", request_id(scope), error)
        return problem
    logger.error("request %s failed", request_id(scope), exc_info=error)
    return internal()


def answer_problems_as_json(app: FastAPI) -> None:
    """Have every error of an application answered in one form."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> Response:
        return problem_response(error, request.scope)

    @app.exception_handler(RagError)
    async def on_rag_error(request: Request, error: RagError) -> Response:
        return problem_response(logged(error, request.scope), request.scope)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(_invalid(error), request.scope)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400:  # FastAPI's, for a body too strange to say what is wrong
            problem = Problem(422, "invalid_request", "The body is not JSON.")
            return problem_response(problem, request.scope)
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        problem = Problem(error.status_code, code, str(error.detail), headers=error.headers)
        return problem_response(problem, request.scope)

    @app.exception_handler(Exception)
    async def on_exception(request: Request, error: Exception) -> Response:
        response = problem_response(logged(error, request.scope), request.scope)
        response.headers.update(LAST_HEADERS)
        return response


def _invalid(error: RequestValidationError) -> Problem:
    """Name the first thing that is wrong; what was sent is not repeated."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, str | int))
    return Problem(422, "invalid_request", f"{where}: {first['msg']}.", "See /api/v1/openapi.json.")
