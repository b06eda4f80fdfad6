"""The server: the whole web application put together, and the port it is served on."""

from __future__ import annotations

import gc
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import uvicorn
from fastapi import FastAPI, Query
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Lifespan

from rag.errors import ConfigurationError
from rag.history.opening import open_history
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
from rag.web.people.identity import check_binding
from rag.web.people.readable import Views, read_collections
from rag.web.people.sign_in import add_sign_in, build_sign_in
from rag.web.problems import answer_problems_as_json
from rag.web.public import Below, read_public_url
from rag.web.seams import Asking, Documents, Writing
from rag.web.workers import Workers, question_workers

if TYPE_CHECKING:
    from rag.web.chat.chat_page import ChatPage

STATIC = Path(__file__).parent / "static"
SHUTDOWN_SECONDS = 2
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

    services = _services(assistant, catalog, settings, writing, pictures)
    views, keeping = services.views, services.keeping
    evaluations = EvaluationRuns(settings.data_dir / "runs")
    has_account = settings.access == "oidc"
    page = ChatPage(views, services.feedback, evaluations, keeping, has_account=has_account)
    public, sign_in = read_public_url(settings), build_sign_in(settings)
    audit = audit_log(settings, keeping.history, keeping.writer)
    mcp = McpEndpoint(services) if mcp_is_installed() else None
    middleware = [
        Middleware(Below, public=public),
        Middleware(Gate, policy=build_policy(settings, sign_in, audit)),
        # The gate decides on origins; without this, Gradio would add one that trusts them all.
        Middleware(CORSMiddleware, allow_origins=[]),
    ]
    app = _bare_app(_lifespan(page, services, mcp), middleware)
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
    mount_chat(app, page, public.url, STATIC / "icon.svg")
    return app


def _services(
    assistant: Asking,
    catalog: Documents,
    settings: Settings,
    writing: Writing | None,
    pictures: PagePictures | None,
) -> Services:
    keeping = Keeping(open_history(settings), settings)
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


def _lifespan(page: ChatPage, services: Services, mcp: McpEndpoint | None) -> Lifespan[FastAPI]:
    """Return what runs as long as the application does, and ends its threads."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with services.keeping.running():
            async with nullcontext() if mcp is None else mcp.running():
                yield
        page.runs.close()
        services.workers.close()
        services.writers.close()

    return lifespan


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


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until interrupted, with one worker; announce the address once it answers.

    Raises:
        ConfigurationError: the address cannot be listened on, or should not be.
    """
    check_binding(settings)
    listener = listen(settings.host, settings.port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    try:
        with listener:
            AnnouncingServer(config).run(sockets=[listener])
    finally:
        # The process ends next. Unfrozen, the hundreds of thousands of objects of the libraries
        # are searched for garbage then: 1.4 s of computing, measured, to find what dies anyway.
        gc.freeze()


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0].lower()
        raise ConfigurationError(
            f"Cannot listen on {host}, port {port}: {reason}.",
            "Stop the program that uses it, or choose another: FOOTNOTE_PORT=7861, or --port 7861.",
        ) from error


class AnnouncingServer(uvicorn.Server):
    """Prints where the page is, as soon as connections are accepted; parts with open pages."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            if self.started:
                print(f"Footnote is ready: {address(listener)}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Every open page holds a stream that never ends by itself: uvicorn would wait for it in
        # vain, then cancel it with a traceback. Answers that have not begun still get their time.
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and cycle.response_started:
                connection.transport.close()
        await super().shutdown(sockets)


def address(listener: socket.socket) -> str:
    """Return the address under which a browser on this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
