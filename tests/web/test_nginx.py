"""Behind Debian's nginx, by the guide's configuration: at / and below a path, plain and TLS."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from conftest import PATIENCE_MS, Visit, serving
from login import provider_process
from playwright.sync_api import Browser, expect
from portal import portal
from web_fakes import QUOTE, MemoryCatalog, ScriptedAssistant

from rag.settings import Settings
from rag.types import Delta, Event
from rag.web.people.sign_in import SESSION_COOKIE
from rag.web.port import listen
from rag.web.server import create_app

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(
    NGINX is None, reason="there is no nginx: apt-get install nginx-light"
)

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "nginx.conf"
QUESTION = "What did China ask the US to avoid?"
LINES = """daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
{user} events {{}} http {{ access_log off; include /etc/nginx/mime.types;
client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; include {folder}/site.conf; }}"""


@dataclass
class Pausing(ScriptedAssistant):
    """Says a word, and the next one only when it is told to go on."""

    go_on: threading.Event = field(default_factory=threading.Event)

    def stream(self, question, filters=(), *, cancelled=lambda: False) -> Iterator[Event]:
        if "pause" in question.text:
            yield Delta("First ")
            assert self.go_on.wait(30)
        yield from super().stream(question, filters, cancelled=cancelled)


def certificate(folder: Path) -> None:
    """Make a certificate for this machine, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx(folder: Path, port: int, upstream: str, *, prefix: str, tls: bool) -> Iterator[None]:
    """Run nginx with the guide's file, changed where the guide says to change it."""
    site = EXAMPLE.read_text(encoding="utf-8")
    changes = {
        "127.0.0.1:7860": upstream,
        "listen 443 ssl http2": f"listen 127.0.0.1:{port}" + (" ssl http2" if tls else ""),
        "ask.corp;": "localhost;",
        "ssl_certificate     /etc/ssl/ask.corp.pem;": f"ssl_certificate {folder}/pem;",
        "ssl_certificate_key /etc/ssl/ask.corp.key;": f"ssl_certificate_key {folder}/key;",
        "location / {": f"location {prefix}/ {{",
    }
    for before, after in changes.items():
        assert site.count(before) == 1
        site = site.replace(before, after)
    if not tls:
        site = "".join(line for line in site.splitlines(True) if "ssl_cert" not in line)
    certificate(folder)
    (folder / "site.conf").write_text(site)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(LINES.format(folder=folder, user=user))
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while not answers(port):
                assert time.monotonic() < deadline, (folder / "error.log").read_text()
                assert process.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@dataclass
class World:
    """A server behind nginx, and a portal that shows its widget."""

    url: str
    portal_url: str
    assistant: Pausing
    folder: Path

    def client(self) -> httpx.Client:
        verify = ssl.create_default_context(cafile=str(self.folder / "pem"))
        return httpx.Client(verify=verify, timeout=30)


VARIANTS = [("", False), ("", True), ("/ask", False), ("/ask", True)]


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda v: f"{v[0] or '/'}-{v[1]}")
def world(request, tmp_path_factory) -> Iterator[World]:
    prefix, tls = request.param
    folder, port, assistant = tmp_path_factory.mktemp("nginx"), free_port(), Pausing()
    url = f"{'https' if tls else 'http'}://localhost:{port}{prefix}"
    with portal() as site:
        tag = f'<script src="{url}/widget.js" data-embed="hr" data-open="true" defer></script>'
        site.put("/", f"<!doctype html><title>Portal</title>{tag}")
        settings = Settings(
            data_dir=folder / "store",
            access="open",
            public_url=url,
            proxy_networks=("127.0.0.1",),
            embeds={"hr": (site.origin,)},
        )
        app = create_app(assistant, MemoryCatalog(), settings)
        with serving(app) as inner:
            upstream = inner.partition("://")[2]
            with nginx(folder, port, upstream, prefix=prefix, tls=tls):
                yield World(url, site.origin, assistant, folder)


@pytest.fixture
def visited(chromium: Browser, world: World) -> Iterator[Visit]:
    context = chromium.new_context(ignore_https_errors=True)
    context.set_default_timeout(PATIENCE_MS)
    visited = Visit(context.new_page(), world.url)
    missing: list[str] = []
    context.on("response", lambda got: missing.append(got.url) if got.status >= 400 else None)
    yield visited
    context.close()
    # Gradio's page asks for this one at the root of the host, wherever it is; nothing needs it.
    manifest = str(httpx.URL(world.url).join("/manifest.json"))
    assert set(missing) <= ({manifest} if world.url.endswith("/ask") else set())


def test_words_arrive_before_the_last_is_said(world):
    """nginx passes each event on at once: the rest is said only after the first has arrived."""
    world.assistant.go_on.clear()
    asked = {"question": "pause, please"}
    with (
        world.client() as client,
        client.stream("POST", f"{world.url}/api/v1/chat", json=asked) as answer,
    ):
        assert answer.status_code == 200
        lines = answer.iter_lines()
        while "First" not in next(lines):
            assert not world.assistant.go_on.is_set()
        world.assistant.go_on.set()
        assert any(line == "event: answer" for line in lines)


def test_the_headers_and_addresses_are_those_of_outside(world):
    with world.client() as client:
        headers = client.get(f"{world.url}/").headers
        assert ("strict-transport-security" in headers) is world.url.startswith("https")
        asked = {"model": "footnote", "messages": [{"role": "user", "content": QUESTION}]}
        said = client.post(f"{world.url}/v1/chat/completions", json=asked).json()
        link = said["choices"][0]["message"]["annotations"][0]["url_citation"]["url"]
        assert link.startswith(f"{world.url}/documents/talks%2F2011%3Fa%23b.md?start=")
        page = client.get(link)
        assert '<mark id="quote">' in page.text
        prefix = httpx.URL(world.url).path.rstrip("/")
        assert f'href="{prefix}/ui/page.css"' in page.text


@pytest.mark.browser
def test_the_chat_page_works_there(visited, world):
    page = visited.page
    page.goto(f"{world.url}/")
    page.wait_for_selector(".welcome")
    visited.ask(QUESTION)
    expect(page.locator(".answer")).to_contain_text(QUOTE)
    page.locator("a.marker").first.click()
    panel = page.frame_locator("#panel-frame")
    expect(panel.locator("#quote")).to_have_text(QUOTE)
    whole = panel.get_by_role("link", name="Open the whole document")
    with page.context.expect_page() as opened:
        whole.click()
    expect(opened.value.locator("#quote")).to_have_text(QUOTE)
    assert opened.value.evaluate("document.styleSheets.length") == 2
    assert [url for url in visited.elsewhere if not url.endswith("/manifest.json")] == []
    assert [said for said in visited.failures if "404" not in said] == []


@pytest.mark.browser
def test_the_widget_works_from_there(visited, world):
    page = visited.page
    page.goto(f"{world.portal_url}/")
    page.wait_for_function("window.FootnoteWidget")
    frame = None
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while frame is None:
        frame = next((frame for frame in page.frames if "/embed" in frame.url), None)
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    frame.wait_for_selector("#box")
    frame.fill("#box", QUESTION)
    frame.press("#box", "Enter")
    expect(frame.locator(".text")).to_contain_text(QUOTE)
    frame.locator(".marker").first.click()
    expect(frame.locator("mark")).to_have_text(QUOTE)
    link = frame.get_by_role("link", name="Open the whole document").get_attribute("href")
    assert link.startswith(f"{world.url}/documents/")
    assert [url for url in visited.elsewhere if not url.startswith(world.portal_url)] == []
    assert visited.failures == []


@pytest.mark.browser
def test_a_person_signs_in_below_a_path_with_tls(chromium: Browser, tmp_path):
    port = free_port()
    url = f"https://localhost:{port}/ask"
    with provider_process() as provider, listen("127.0.0.1", 0) as listener:
        provider.tell("/register", redirect_uri=f"{url}/auth/callback")
        settings = provider.settings(tmp_path, url, proxy_networks=("127.0.0.1",))
        app = create_app(ScriptedAssistant(), MemoryCatalog(), settings)
        upstream = f"127.0.0.1:{listener.getsockname()[1]}"
        with serving(app, listener), nginx(tmp_path, port, upstream, prefix="/ask", tls=True):
            context = chromium.new_context(ignore_https_errors=True)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.goto(f"{url}/documents/talks%2F2011%3Fa%23b.md")
            page.get_by_role("button", name="ann-1").click()
            expect(page.locator("h1")).to_have_text("The talks in Washington")
            assert page.url == f"{url}/documents/talks%2F2011%3Fa%23b.md"
            assert SESSION_COOKIE in {cookie["name"] for cookie in context.cookies()}
            page.goto(f"{url}/auth/me")
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_text("You are not signed in.")).to_be_visible()
            assert page.url == f"{url}/auth/me"
            context.close()
