"""The provider's process, and the provider's side of a sign-in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from provider import CLIENT, SECRET

from rag.settings import Settings


class Login:
    """A provider, as a person's browser meets it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def tell(self, path: str, **said: str) -> None:
        httpx.post(self.url + path, json=said).raise_for_status()

    def consent(self, address: str, who: str = "ann-1") -> str:
        """Say who it is at the provider; return where it sends the browser back to."""
        answer = httpx.post(address, data={"who": who})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def settings(self, data_dir: Path, public_url: str, **changed: object) -> Settings:
        """Return the settings of a server whose people this provider signs in."""
        given = {
            "data_dir": data_dir,
            "access": "oidc",
            "public_url": public_url,
            "oidc_issuer": self.url,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
            "questions_per_minute": 10_000,
        }
        return Settings(**given | changed)


@contextmanager
def provider_process() -> Iterator[Login]:
    command = [sys.executable, str(Path(__file__).parent / "provider.py")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Login(process.stdout.readline().strip())
        finally:
            process.kill()
