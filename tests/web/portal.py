"""A page of somebody else's: another origin, another site, with headers of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Portal:
    """Pages by path, each with its headers."""

    origin: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def put(self, path: str, html: str, **headers: str) -> str:
        """Serve a page; return its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (html, named)
        return self.origin + path


@contextmanager
def portal() -> Iterator[Portal]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html, headers = served.pages.get(self.path.partition("?")[0], ("", {}))
            body = html.encode()
            # Browsers ask for an icon, and complain when there is none.
            self.send_response(200 if html or self.path == "/favicon.ico" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Portal(f"http://localhost:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield served
        server.shutdown()
