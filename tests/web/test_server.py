from __future__ import annotations

import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from conftest import make_app, serving
from web_fakes import QUOTE, TALKS, MemoryCatalog

from rag.errors import ConfigurationError
from rag.types import Document
from rag.web.gate.policy import allowed_hosts
from rag.web.links import document_url
from rag.web.port import address, listen

POLICY = "content-security-policy"


def test_health(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_document_is_served_with_its_quote_and_without_scripts(client):
    start = TALKS.text.index(QUOTE)
    response = client.get("/" + document_url(TALKS.doc_id, start, start + len(QUOTE)))
    assert response.status_code == 200
    assert '<mark id="quote">The US should' in response.text
    assert response.headers[POLICY].startswith("default-src 'none'; style-src 'self'")
    assert "script-src" not in response.headers[POLICY]
    assert "frame-ancestors 'self'" in response.headers[POLICY]


ODD_IDS = ("a/b", "/", "a\nb", "%2e", "é ü", "a?b#c", "..a", "'\"<>&")


def test_any_character_may_stand_in_an_id():
    documents = tuple(Document(odd, f"Title {n}", "s", "text") for n, odd in enumerate(ODD_IDS))
    with serving(make_app(catalog=MemoryCatalog(documents))) as url:
        for number, odd in enumerate(ODD_IDS):
            with urllib.request.urlopen(f"{url}/" + document_url(odd)) as response:
                assert f'<h1 dir="auto">Title {number}</h1>' in response.read().decode()


def test_a_missing_document_and_broken_offsets_are_explained(client):
    missing = client.get("/documents/none")
    assert missing.status_code == 404
    assert "There is no such document" in missing.text
    broken = client.get("/documents/other?start=x&end=9")
    assert broken.status_code == 400
    assert "whole numbers" in broken.text


@pytest.mark.parametrize("path", ["/", "/healthz", "/documents/other", "/ui/chat.js", "/none"])
def test_every_response_carries_the_security_headers(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors" in headers[POLICY]
    assert "access-control-allow-origin" not in headers


def test_the_chat_page_may_talk_to_nobody_else(client):
    policy = client.get("/").headers[POLICY]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/openapi.json"),
        ("POST", "/gradio_api/call/ask"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("GET", "/gradio_api/vibe-code"),
        ("GET", "/gradio_api/custom_component/x/client/component/index.js"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("POST", "/login"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/ui/..%2fserver.py"),
    ],
)
def test_what_the_page_does_not_need_is_shut(client, method, path):
    response = client.request(method, path, content=b"{}" if method == "POST" else None)
    assert response.status_code == 404
    assert "root:" not in response.text


@pytest.mark.parametrize("folder", ["static", "assets", "ui", "documents"])
@pytest.mark.parametrize(
    "climb", ["..%2f" * 9, "%2e%2e/" * 9, "....//" * 9, "..%5c" * 9, "%252e%252e%252f" * 9, "%00/"]
)
def test_no_path_leads_to_other_files(client, folder, climb):
    response = client.get(f"/{folder}/{climb}etc/passwd")
    assert response.status_code in {403, 404}
    assert "root:" not in response.text


def test_a_question_cannot_go_round_the_queue(client):
    body = {"fn_index": 0, "data": ["x", None], "session_hash": "abc"}
    assert client.post("/gradio_api/run/predict", json=body).status_code != 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "a b"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/documents/other", "/gradio_api/queue/data"])
def test_other_names_are_refused(client, host, path):
    assert client.get(path, headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    "host", ["evil.example@127.0.0.1", "127.0.0.1/x", "127.0.0.1?x", "127.0.0.1#x", "x\\@127.0.0.1"]
)
def test_a_name_that_would_say_more_in_an_address_is_refused(client, host):
    assert client.get("/healthz", headers={"host": host}).status_code == 400


def test_two_names_are_refused_whichever_comes_first(client):
    for names in (("127.0.0.1", "evil.example"), ("evil.example", "127.0.0.1")):
        headers = [("host", name) for name in names]
        assert client.get("/healthz", headers=headers).status_code == 400


def test_what_depends_on_who_asks_is_kept_by_no_cache(client):
    for path in ("/", "/config", "/documents/other", "/documents/none", "/runs", "/pages/other",
                 "/api/v1/documents"):  # fmt: skip
        assert client.get(path).headers["cache-control"] == "no-store", path
    for path in ("/ui/tokens.css", "/widget.js", "/embed"):
        assert client.get(path).headers.get("cache-control") != "no-store", path


@pytest.mark.parametrize(
    "host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST", "10.1.2.3:80", "localhost."]
)
def test_this_machine_and_addresses_are_known(client, host):
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_a_configured_name_is_known_and_a_wildcard_brings_the_machines_own():
    assert "rag.corp" in allowed_hosts("rag.corp")
    assert socket.gethostname().lower() in allowed_hosts("0.0.0.0")
    assert allowed_hosts("127.0.0.1") == {"localhost", "127.0.0.1"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"origin": "http://127.0.0.1:81"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_only_our_own_pages_may_post(client, headers, status):
    body = {"session_hash": "s", "fn_index": 0, "event_id": "e"}
    assert client.post("/gradio_api/cancel", json=body, headers=headers).status_code == status


def test_other_origins_get_no_permission_to_read(client):
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    response = client.options("/gradio_api/queue/join", headers=headers)
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers


def test_large_and_unmeasured_bodies_are_refused(client):
    path = "/gradio_api/queue/join"
    assert client.post(path, content=b"x" * 1_000_001).status_code == 413
    assert client.post(path, content=iter([b"{}"])).status_code == 411


def test_nothing_is_fetched_for_a_client(client):
    """A file named by address in a request must not make the server call there."""
    called = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(1)

        def wait() -> None:
            try:
                listener.accept()[0].close()
                called.set()
            except TimeoutError:
                pass

        waiting = threading.Thread(target=wait)
        waiting.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        file = {"path": url, "url": url, "meta": {"_type": "gradio.FileData"}}
        for fn_index in range(3):
            body = {"fn_index": fn_index, "data": [file, file], "session_hash": "abc"}
            client.post("/gradio_api/queue/join", json=body)
        waiting.join()
    assert not called.is_set()


def test_a_taken_port_is_named_with_what_to_do():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1, port {port}") as error:
            listen("127.0.0.1", port)
    assert "FOOTNOTE_PORT" in error.value.hint


def test_an_address_that_is_not_ours_is_refused():
    with pytest.raises(ConfigurationError, match="Cannot listen") as error:
        listen("203.0.113.7", 0)
    assert "an address of this machine" in error.value.hint


def test_a_wildcard_is_announced_as_this_machine():
    with listen("0.0.0.0", 0) as listener:
        assert address(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_address_is_announced_once_it_answers(capsys):
    with serving(make_app()) as url:
        assert capsys.readouterr().out == f"Footnote is ready: {url}\n"


def test_an_open_page_ends_with_the_server_and_without_a_traceback(capsys):
    with serving(make_app()) as url:
        stream = urllib.request.urlopen(url + "/gradio_api/heartbeat/abc")
    stream.close()
    assert capsys.readouterr().err == ""


def run_python(code: str) -> str:
    root = Path(__file__).resolve().parents[2]
    env = {"PYTHONPATH": f"{root}:{root / 'tests' / 'web'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_server_loads_no_gradio():
    code = "import sys, rag.web.server; print(sorted({'gradio', 'torch'} & set(sys.modules)))"
    assert run_python(code) == "[]"


def test_the_server_calls_nobody():
    """Names looked up and addresses connected to, while a page is built and opened."""
    code = """
import sys
from rag.settings import keep_libraries_quiet, load_settings
called = []
def note(event, args):
    if event == "socket.getaddrinfo" or event == "socket.connect":
        called.append((event, str(args[:2] if event == "socket.getaddrinfo" else args[1])))
sys.addaudithook(note)
from starlette.testclient import TestClient
from rag.web.server import create_app
from web_fakes import MemoryCatalog, ScriptedAssistant
app = create_app(ScriptedAssistant(), MemoryCatalog(), load_settings())
with TestClient(app, base_url="http://127.0.0.1") as client:
    assert client.get("/").status_code == 200
import time; time.sleep(1)
print(called)
"""
    assert run_python(code) == "[]"
