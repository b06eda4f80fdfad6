"""A PostgreSQL server of the tests' own: a folder of its own, a socket in it, no port."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

MISSING = (
    "The tests on PostgreSQL need Debian's server and found no initdb. "
    "Install it: apt-get install postgresql"
)
SETTINGS = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=40"


def program(name: str) -> str:
    """Return a program of the server; Debian keeps them out of the PATH."""
    found = shutil.which(name)
    if found is None:
        installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(installed[-1]) if installed else None
    if found is None:
        pytest.skip(MISSING)
    return found


@dataclass(frozen=True)
class Server:
    """A server in a folder, which also holds its socket. It refuses to run as root."""

    folder: Path
    user: pwd.struct_passwd | None

    def run(self, name: str, *arguments: str) -> None:
        """Run one of its programs."""
        other = self.user
        done = subprocess.run(
            [program(name), "-D", str(self.folder / "data"), *arguments],
            cwd=self.folder,
            user=None if other is None else other.pw_uid,
            group=None if other is None else other.pw_gid,
            extra_groups=None if other is None else [],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        log, options = str(self.folder / "log"), f"-k {self.folder} {SETTINGS}"
        self.run("pg_ctl", "-l", log, "-w", "-o", options, "start")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hold its connections and answer nothing, as behind a cable that was pulled."""
        first = psutil.Process(int((self.folder / "data/postmaster.pid").read_text().split()[0]))
        stopped = [first, *first.children()]
        try:
            for process in stopped:
                process.suspend()
            yield
        finally:
            for process in stopped:
                process.resume()

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Make a server of one's own and start it."""
    program("initdb")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a short path: that of a socket has a limit
    other = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    if other is not None:
        os.chown(folder, other.pw_uid, other.pw_gid)
    server = Server(folder, other)
    try:
        server.run("initdb", "-U", "footnote", "--auth=trust", "-E", "UTF8", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
