"""The API under /api/v1, and what stands beside it for programs that speak OpenAI's."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from rag.web.api import asking, changing, reading
from rag.web.api.history_api import history_router
from rag.web.api.openai_api import openai_router
from rag.web.api.services import Services


def add_api(app: FastAPI, services: Services) -> None:
    """Add every route for programs."""
    app.include_router(_api_router(services))
    app.include_router(openai_router(services))
    app.include_router(history_router(services))


def _api_router(services: Services) -> APIRouter:
    router = APIRouter(prefix="/api/v1")
    asking.add_chat(router, services)
    asking.add_search(router, services)
    reading.add_list(router, services)
    reading.add_document(router, services)
    reading.add_passage(router, services)
    asking.add_feedback(router, services)
    changing.add_ingest(router, services)
    changing.add_removal(router, services)
    return router
