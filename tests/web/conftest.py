"""A real server in a thread, and a real Chromium that writes down all it asks for."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.testclient import TestClient
from web_fakes import MemoryCatalog, ScriptedAssistant

from rag.settings import Settings
from rag.web.port import AnnouncingServer, address, listen
from rag.web.server import create_app

NO_CHROMIUM = (
    "The browser tests need Debian's Chromium and found no 'chromium' on the PATH. "
    "Install it (apt-get install chromium), or leave these tests out: pytest -m 'not browser'."
)
PATIENCE_MS = 60_000
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


NOWHERE = Path("/dev/null/store")
"""A data folder in which nothing can be stored, and no run can lie."""


def make_app(assistant: object = None, catalog: object = None, data_dir: Path = NOWHERE) -> FastAPI:
    return create_app(
        assistant or ScriptedAssistant(), catalog or MemoryCatalog(), Settings(data_dir=data_dir)
    )


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    """The whole application, called without a network."""
    with TestClient(make_app(), base_url="http://127.0.0.1") as client:
        yield client


@contextmanager
def serving(app: FastAPI, on: socket.socket | None = None) -> Iterator[str]:
    """Serve an app from a thread on a free port, or on a socket; yield its address."""
    with on or listen("127.0.0.1", 0) as listener:
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        server = AnnouncingServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start within 30 s"
            time.sleep(0.02)
        yield address(listener)
        server.should_exit = True
        thread.join(timeout=10)


@dataclass
class Site:
    """A served chat page and the assistant behind it."""

    url: str
    assistant: ScriptedAssistant
    data_dir: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    assistant, data_dir = ScriptedAssistant(), tmp_path_factory.mktemp("store")
    with serving(make_app(assistant, data_dir=data_dir)) as url:
        yield Site(url, assistant, data_dir)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one file: while it is open, no other event loop can run."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail(NO_CHROMIUM, pytrace=False)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


class Visit:
    """A page on which nothing may go wrong: keeps requests, dialogs and script errors."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.requests: list[str] = []
        self.failures: list[str] = []
        self.dialogs: list[str] = []
        page.context.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._on_dialog)
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.on("console", self._on_console)

    def _on_dialog(self, dialog: object) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _on_console(self, message: object) -> None:
        if message.type == "error":
            self.failures.append(message.text)

    def open(self) -> Page:
        self.page.goto(self.url)
        self.page.wait_for_selector(".welcome")
        return self.page

    def ask(self, question: str) -> None:
        # A question asked before the last one has quite ended would stay in the box.
        expect(self.page.locator("#ask")).to_be_visible()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")

    @property
    def elsewhere(self) -> list[str]:
        """Requests that left the site."""
        return [url for url in self.requests if not url.startswith((self.url, "data:", "blob:"))]


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Callable[..., Visit]]:
    """Open the chat page: `visit(width=380, color_scheme="dark")`."""
    contexts = []

    def visit(
        url: str = site.url, width: int = 1280, height: int = 800, **options: object
    ) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        visited = Visit(context.new_page(), url)
        visited.open()
        return visited

    yield visit
    for context in contexts:
        context.close()
