"""The server: the whole web application, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Query
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Lifespan

from rag.history.opening import open_with_sign_ins
from rag.history.records import History
from rag.settings import Settings, keep_libraries_quiet
from rag.web.api.mcp_server import PATH as MCP_PATH
from rag.web.api.mcp_server import McpEndpoint
from rag.web.api.mcp_server import is_installed as mcp_is_installed
from rag.web.api.models import StatusBody
from rag.web.api.router import add_api
from rag.web.api.services import Services
from rag.web.chat.mounting import mount_chat
from rag.web.gate.audit import audit_log
from rag.web.gate.embeds import Embeds, embed_page, embed_policy, read_embeds
from rag.web.gate.gate import Gate
from rag.web.gate.policy import build_policy
from rag.web.history.feedback import FeedbackStore
from rag.web.history.keeping import Keeping
from rag.web.history.recent import RecentAnswers
from rag.web.pages.page_pictures import PagePictures
from rag.web.pages.page_routes import add_documents, add_page_pictures, add_runs
from rag.web.pages.runs_page import EvaluationRuns
from rag.web.people.readable import Views, read_collections
from rag.web.people.sign_in import SignIn, add_sign_in, build_sign_in
from rag.web.problems import answer_problems_as_json
from rag.web.public import Below, read_public_url
from rag.web.seams import Asking, Documents, Writing
from rag.web.workers import Workers, question_workers

if TYPE_CHECKING:
    from rag.web.chat.chat_page import ChatPage

STATIC = Path(__file__).parent / "static"
API_WAITING = 32


class AnyText(Convertor[str]):
    """Matches any text in a path: a doc_id may hold slashes and line breaks."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any", AnyText())


def create_app(
    assistant: Asking,
    catalog: Documents,
    settings: Settings,
    *,
    writing: Writing | None = None,
    is_ready: Callable[[], bool] = lambda: True,
    pictures: PagePictures | None = None,
) -> FastAPI:
    """Build the web application around an assistant and the documents it answers from.

    `writing` lets the API change documents; `is_ready` tells whether the models are loaded;
    `pictures` draws pages of the originals.
    """
    keep_libraries_quiet(allow_downloads=settings.allow_downloads)
    from rag.web.chat.chat_page import ChatPage  # gradio takes seconds to import

    history, sign_ins = open_with_sign_ins(settings)
    services = _services(assistant, catalog, settings, history, writing, pictures)
    views, keeping = services.views, services.keeping
    evaluations = EvaluationRuns(settings.data_dir / "runs")
    has_account = settings.access == "oidc"
    page = ChatPage(views, services.feedback, evaluations, keeping, has_account=has_account)
    sign_in = build_sign_in(settings, sign_ins)
    mcp = McpEndpoint(services) if mcp_is_installed() else None
    app = _bare_app(
        _lifespan(page, services, mcp, sign_in), _middleware(settings, sign_in, keeping)
    )
    answer_problems_as_json(app)
    add_sign_in(app, sign_in)
    app.mount("/ui", StaticFiles(directory=STATIC))
    _add_health(app, is_ready)
    add_api(app, services)
    if mcp is not None:
        app.router.routes.append(Route(MCP_PATH, mcp, methods=["POST"], include_in_schema=False))
    _add_embeds(app, read_embeds(settings.embeds))
    add_documents(app, views, pictures)
    add_page_pictures(app, views, pictures)
    add_runs(app, evaluations, views)
    mount_chat(app, page, read_public_url(settings).url, STATIC / "icon.svg")
    return app


def _services(
    assistant: Asking,
    catalog: Documents,
    settings: Settings,
    history: History,
    writing: Writing | None,
    pictures: PagePictures | None,
) -> Services:
    keeping = Keeping(history, settings)
    return Services(
        Views(assistant, catalog, read_collections(settings)),
        FeedbackStore(keeping.history, keeping.writer),
        keeping,
        workers=question_workers(is_reader=assistant.mode == "reader"),
        writers=Workers(threads=1, waiting=API_WAITING),
        answers=RecentAnswers(),
        writing=writing if settings.access == "token" else None,
        pictures=pictures,
    )


def _lifespan(
    page: ChatPage, services: Services, mcp: McpEndpoint | None, sign_in: SignIn | None
) -> Lifespan[FastAPI]:
    """Return what runs as long as the application does, and ends its threads."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with services.keeping.running():
            async with nullcontext() if mcp is None else mcp.running():
                yield
                if sign_in is not None:
                    sign_in.people.close()
        page.runs.close()
        services.workers.close()
        services.writers.close()

    return lifespan


def _middleware(settings: Settings, sign_in: SignIn | None, keeping: Keeping) -> list[Middleware]:
    """Return what every request passes through, the first one first."""
    audit = audit_log(settings, keeping.history, keeping.writer)
    return [
        Middleware(Below, public=read_public_url(settings)),
        Middleware(Gate, policy=build_policy(settings, sign_in, audit)),
        # The gate decides on origins; without this, Gradio would add one that trusts them all.
        Middleware(CORSMiddleware, allow_origins=[]),
    ]


def _bare_app(lifespan: Lifespan[FastAPI], middleware: Sequence[Middleware]) -> FastAPI:
    return FastAPI(
        title="Footnote",
        summary="Answers from your own documents, every sentence footnoted.",
        version=version("footnote"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
        middleware=middleware,
    )


def _add_health(app: FastAPI, is_ready: Callable[[], bool]) -> None:
    @app.get("/healthz", summary="Whether the server is there", response_model=StatusBody)
    def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get(
        "/readyz",
        summary="Whether it has loaded what it answers with",
        response_model=StatusBody,
        responses={503: {"model": StatusBody, "description": "Not yet"}},
    )
    def readiness() -> JSONResponse:
        if is_ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "starting"}, 503, {"Retry-After": "5"})


def _add_embeds(app: FastAPI, embeds: Embeds) -> None:
    @app.get("/widget.js", include_in_schema=False)
    def widget() -> FileResponse:
        headers = {
            "Cache-Control": "public, max-age=3600",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return FileResponse(STATIC / "widget.js", media_type="text/javascript", headers=headers)

    @app.get("/embed", include_in_schema=False)
    def embed(c: Annotated[str, Query(max_length=64)] = "") -> HTMLResponse:
        origins = embeds.origins(c)
        headers = {"Content-Security-Policy": embed_policy(origins), "Cache-Control": "no-cache"}
        return HTMLResponse(embed_page(origins), headers=headers)
