"""What a client can do to a running server with a socket, while others ask."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from rag.build import open_ingestor
from rag.settings import Settings
from rag.web.gate.limits import AT_ONCE
from rag.web.people.access import Right
from rag.web.people.identity import key_file

HALF_OPEN = 300
HANDBOOK = "# The handbook\n\nThe canteen opens at noon. The library opens at nine.\n"
NOON = {"question": "When does the canteen open?"}
JSON = {"accept": "application/json"}


@dataclass
class Site:
    """A server in a process of its own, in the mode `token`."""

    port: int
    key: str
    slow_key: str
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def say(self, raw: bytes) -> bytes:
        """Send bytes; return all that comes until the server closes, or is silent for a while."""
        with self.connect() as line:
            with contextlib.suppress(ConnectionError):
                line.sendall(raw)
            return heard(line)

    def asking(self, key: str = "") -> bytes:
        """Return the beginning of a question as it is sent."""
        start = b"POST /api/v1/chat HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        start += b"content-type: application/json\r\n"
        return start + b"authorization: Bearer " + (key or self.key).encode() + b"\r\n"

    def asks(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def answers_others(self) -> None:
        """See that somebody else is answered meanwhile."""
        assert httpx.get(f"{self.url}/healthz", timeout=60).status_code == 200
        address = f"{self.url}/api/v1/chat"
        answer = httpx.post(address, json=NOON, headers=JSON | self.asks(), timeout=60)
        assert "noon" in answer.json()["text"], answer.text

    def memory(self) -> int:
        return int(self.process.memory_info().rss)


def heard(line: socket.socket, seconds: float = 60) -> bytes:
    """Read until the other side closes."""
    line.settimeout(seconds)
    parts = []
    with contextlib.suppress(ConnectionError, TimeoutError):
        while part := line.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def is_closed(line: socket.socket) -> bool:
    """Tell whether the other side has closed, without waiting."""
    line.setblocking(False)
    try:
        while line.recv(65_536):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def wait_until(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, footnote: list[str]) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("attacked")
    settings = Settings(data_dir=folder / "store", embedding_model="hashing")
    (folder / "handbook.md").write_text(HANDBOOK)
    with open_ingestor(settings) as ingestor:
        ingestor.ingest([str(folder / "handbook.md")])
    keys = [key_file(settings).create(name, [Right.ASK], days=1)[1] for name in ("ann", "slow")]
    given = {
        "FOOTNOTE_ACCESS": "token", "FOOTNOTE_EMBEDDING_MODEL": "hashing",
        "FOOTNOTE_READER": "similarity", "FOOTNOTE_ABSTAIN_BELOW": "0",
        "FOOTNOTE_QUESTIONS_PER_MINUTE": "10000",
    }  # fmt: skip
    command = [*footnote, "serve", "--data-dir", str(settings.data_dir), "--port", "0"]
    log = (folder / "log").open("w")
    with (
        log,
        subprocess.Popen(
            command, env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r":(\d+)$", said.strip())
            assert found, said
            site = Site(int(found[1]), *keys, psutil.Process(process.pid))
            wait_until(lambda: httpx.get(f"{site.url}/readyz", timeout=60).status_code == 200)
            site.answers_others()
            yield site
        finally:
            process.kill()
    assert "Traceback" not in (folder / "log").read_text()


@pytest.fixture(scope="module")
def half_open(site: Site) -> Iterator[dict[str, list[socket.socket]]]:
    """Connections that send a byte a second, or nothing, for as long as the tests run."""
    begun = {
        "silent": b"",
        "head": b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ",
        "body": site.asking(site.slow_key) + b"content-length: 60000\r\n\r\n",
        "second": b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET /",
    }
    held: dict[str, list[socket.socket]] = {
        kind: [site.connect() for _ in range(HALF_OPEN // len(begun))] for kind in begun
    }
    for kind, lines in held.items():
        for line in lines:
            line.sendall(begun[kind])
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(1.0):
            for kind, lines in held.items():
                for line in lines if kind != "silent" else ():
                    with contextlib.suppress(OSError):
                        line.send(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    yield held
    stop.set()
    dripping.join()
    for lines in held.values():
        for line in lines:
            line.close()


def test_others_are_answered_while_hundreds_of_connections_are_half_open(site, half_open):
    site.answers_others()
    assert sum(map(len, half_open.values())) == HALF_OPEN


def test_headers_without_end_are_refused(site):
    start = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n"
    attempts = [
        start + b"x: " + b"a" * 100_000 + b"\r\n\r\n",
        start + b"".join(b"x%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        start + b"x: " + b"a" * 1_000_000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"G" * 100_000,
    ]
    for raw in attempts:
        answer = site.say(raw)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert site.say(start + b"x: " + b"a" * 16_000 + b"\r\nconnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 200 "
    )
    site.answers_others()


def test_headers_that_never_end_take_no_memory(site):
    before = site.memory()
    lines = [site.connect() for _ in range(50)]
    for line in lines:
        with contextlib.suppress(OSError):
            line.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ")
            line.settimeout(10)
            for _ in range(40):
                line.sendall(b"a" * 65_536)
    site.answers_others()
    assert site.memory() - before < 40 * 2**20, "131 MB were sent"
    for line in lines:
        line.close()


def test_a_body_without_end_is_not_read(site):
    chunked = b"host: 127.0.0.1\r\ntransfer-encoding: chunked\r\nauthorization: Bearer "
    chunked += site.key.encode() + b"\r\n\r\n"
    chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
    answer = site.say(b"POST /api/v1/chat HTTP/1.1\r\n" + chunked + b"1\r\na\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411 "), answer[:200]
    before = site.memory()
    lines = [site.connect() for _ in range(2)]
    for line, request in zip(lines, (b"POST /api/v1/chat", b"GET /healthz"), strict=True):
        line.settimeout(5)
        line.sendall(request + b" HTTP/1.1\r\n" + chunked)

    def is_cut_off(line: socket.socket) -> bool:
        try:
            line.sendall(chunk)
        except TimeoutError:
            return False
        except OSError:
            return True
        return False

    wait_until(lambda: False not in {is_cut_off(line) for line in lines})
    for line in lines:
        line.close()
    assert site.memory() - before < 40 * 2**20
    both = b"content-length: 5\r\n" + chunked + b"0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n"
    said = site.say(b"POST /api/v1/chat HTTP/1.1\r\n" + both)
    assert said.startswith(b"HTTP/1.1 400 "), "two lengths are none"
    assert said.count(b"HTTP/1.1 ") == 1


def test_requests_in_a_row_are_answered_in_turn_and_only_so_many(site):
    one = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    assert site.say(one * 9 + last).count(b"HTTP/1.1 200 ") == 10
    assert site.say(one * 3000).count(b"HTTP/1.1 200 ") < 100
    body = b'{"question": "When?"}'
    asked = site.asking() + b"content-length: %d\r\n\r\n" % len(body) + body
    assert site.say(asked + b"\0garbage").startswith(b"HTTP/1.1 400 ")
    site.answers_others()


def test_older_forms_and_whole_addresses_are_judged_by_the_host(site):
    assert site.say(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert site.say(b"GET /healthz HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n").startswith(
        b"HTTP/1.1 200 "
    )
    for target in (b"http://127.0.0.1/api/v1/documents", b"http://evil.example/api/v1/documents"):
        raw = b"GET " + target + b" HTTP/1.1\r\nconnection: close\r\n"
        assert b" 401 " in site.say(raw + b"host: 127.0.0.1\r\n\r\n")[:20]
        assert b" 400 " in site.say(raw + b"host: evil.example\r\n\r\n")[:20]
    for odd in (b"OPTIONS *", b"CONNECT 127.0.0.1:80", b"GET http://127.0.0.1", b"GET healthz",
                b"GET http://[", b"GET /\xff", b"PRI *"):  # fmt: skip
        answer = site.say(odd + b" HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        assert re.match(rb"HTTP/1.1 4\d\d ", answer), (odd, answer[:200])
    site.answers_others()


TRICKS = (
    "/%2e%2e/api/v1/documents", "/../api/v1/documents", "/./api/v1/documents", "//api/v1/documents",
    "/api//v1/documents", "/api/v1/documents/", "/api/v1/documents;a=b", "/api/v1/documents%20",
    "/api/v1/documents%00", "/api/v1/documents%0a", "/API/v1/documents", "/api/v1%2fdocuments",
    "/%61pi/v1/documents", "/api/v1/documents%3fx", "/ui/../api/v1/documents",
    "/ui/%2e%2e/api/v1/documents", "/ui/..%2fapi/v1/documents", "/ui/..;/api/v1/documents",
    "/ui/%2e%2e/%2e%2e/settings.py", "/ui/..%2f..%2fsettings.py", "/ui/%5c..%5c..%5csettings.py",
    "/ui//etc/passwd", "/ui/%2fetc%2fpasswd", "/static/..%2f..%2f..%2fetc%2fpasswd",
    "/assets/%2e%2e%2f%2e%2e%2fetc/passwd", "/documents/..%2f..%2fetc%2fpasswd",
    "/pages/..%2f..%2fetc%2fpasswd?page=1", "/gradio_api/file=/etc/passwd",
    "/gradio_api/file%3d/etc/passwd", "/gradio_api//file=/etc/passwd",
    "/gradio_api/./file=/etc/passwd", "/gradio_api/heartbeat/../file=/etc/passwd",
    "/gradio_api/info", "/gradio_api/%69nfo", "/config/", "/config;", "/runs/..%2f..%2fx/report",
    "/auth/..%2fconfig", "/openapi.json", "/api/v1/openapi.json%00", "/healthz/../config",
)  # fmt: skip


def test_no_writing_of_a_path_leads_past_the_gate(site):
    for path in TRICKS:
        raw = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()
        answer = site.say(raw)
        assert re.match(rb"HTTP/1.1 (400|401|404|405|307) ", answer), (path, answer[:300])
        assert b"root:" not in answer
        assert b"handbook" not in answer
        assert b"class Settings" not in answer


def test_a_client_that_does_not_read_holds_up_nobody(site):
    body = b'{"question": "When does the canteen open?"}'
    lines = []
    for _ in range(20):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        line.connect(("127.0.0.1", site.port))
        line.sendall(site.asking() + b"content-length: %d\r\n\r\n" % len(body) + body)
        lines.append(line)
    wait_until(lambda: _is_answered(site))
    site.answers_others()
    for line in lines:
        line.close()


def _is_answered(site: Site) -> bool:
    with contextlib.suppress(AssertionError, KeyError):
        site.answers_others()
        return True
    return False


def test_idle_streams_of_one_person_are_bounded(site):
    begin = b"GET /gradio_api/heartbeat/%s HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer "
    begin += site.key.encode() + b"\r\n\r\n"
    before = site.memory()
    lines = [site.connect() for _ in range(400)]
    try:
        for number, line in enumerate(lines):
            line.sendall(begin.replace(b"%s", b"s%d" % number))
        kinds = [line.recv(12) for line in lines]
        # Answers of tests before that were left unread may still be among the hundred.
        assert 50 < kinds.count(b"HTTP/1.1 200") <= AT_ONCE
        assert kinds.count(b"HTTP/1.1 200") + kinds.count(b"HTTP/1.1 429") == len(lines)
        assert httpx.get(f"{site.url}/healthz", timeout=60).status_code == 200
        assert site.memory() - before < 60 * 2**20
    finally:
        for line in lines:
            line.close()
    wait_until(lambda: _is_answered(site))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files there")
def test_more_connections_than_fit_make_room_for_new_ones(site):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 8192:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    lines = []
    try:
        for _ in range(4200):
            lines.append(site.connect())
    except OSError:
        assert len(lines) > 300, "this machine allows the test few files; what there are, are used"
    try:
        site.answers_others()
    finally:
        for line in lines:
            line.close()


def test_who_is_too_slow_is_let_go(site, half_open):
    """The last test, since they were slow while the others ran."""
    for kind, lines in half_open.items():
        wait_until(lambda lines=lines: all(map(is_closed, lines)))
        assert lines, kind
    site.answers_others()
