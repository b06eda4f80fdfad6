"""What the child that parses files gives up before it reads the first one.

Each layer is used where the system has it. Limits of memory, processor time and file size are the
kernel's (POSIX). On Linux the child also leaves the network for an empty one of its own, if the
system lets it (user namespaces). The audit hook is everywhere, and is a guard and no wall: it
stops what parsers do through Python (fetch an address, start a program, write a file), not machine
code that a file has smuggled into a parser.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OPEN_FILES = 64
_REFUSED = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
    "os.startfile", "os.kill", "urllib.", "http.client.", "ftplib.", "smtplib.", "imaplib.",
    "poplib.", "telnetlib.", "webbrowser.", "shutil.", "tempfile.", "os.remove", "os.rename",
    "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

allowed_programs: set[str] = set()
"""The only programs that may be started: those the parent named (Tesseract)."""


def confine(memory_bytes: int) -> str:
    """Give up memory beyond `memory_bytes`, writing, programs and the network.

    Returns what keeps the network away: "namespace" or "guard".
    """
    network = "guard"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform == "linux":
        network = _leave_network()
    if sys.platform != "win32":
        import resource

        for limit, value in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, _OPEN_FILES),
        ):
            with suppress(ValueError, OSError):  # macOS has no limit of address space
                resource.setrlimit(limit, (value, value))
    sys.addaudithook(_refuse)
    return network


def allow_cpu(seconds: float) -> None:
    """Let the process use this many seconds of processor time from now; the kernel then ends it."""
    if sys.platform != "win32":
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        until = int(usage.ru_utime + usage.ru_stime + seconds) + 1
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def peak_bytes() -> int:
    """Say how much memory the process has held at most; 0 where that is not known."""
    # Not getrusage: its peak begins with that of the parent, which started this process.
    with suppress(OSError), open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"VmHWM:"):
                return 1024 * int(line.split()[1])
    return 0


def _leave_network() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # never outlive the parent
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A namespace of users as well lends the right to leave the network; root has it already.
    flags = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    return "namespace" if libc.unshare(flags) == 0 else "guard"


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        opened_already = isinstance(path, int)  # a pipe to Tesseract
        if flags & _WRITING and not opened_already and path != os.devnull:
            raise PermissionError(f"a parser tried to write {path!r}")
    elif event.startswith(_REFUSED) and not _is_allowed(event, arguments):
        raise PermissionError(f"a parser tried {event}")


def _is_allowed(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in ("subprocess.Popen", "os.posix_spawn", "os.kill") and (
        event == "os.kill" or os.fspath(arguments[0]) in allowed_programs
    )
