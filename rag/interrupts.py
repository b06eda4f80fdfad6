"""Ctrl-C while libraries are loaded: the process ends, without the traceback of an import."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_end() -> Iterator[None]:
    """Let an interrupt end the process at once; only for what leaves nothing half done.

    Some libraries turn an interrupt of their import into an error of their own.
    """
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not raises or threading.current_thread() is not threading.main_thread():
        yield  # somebody ignores interrupts, or sees to them
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
