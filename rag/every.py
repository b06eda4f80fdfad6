"""Doing something every so often beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def every(
    seconds: float,
    do: Callable[[], object],
    *,
    name: str,
    at_once: bool = False,
    patience_seconds: float | None = None,
) -> Iterator[None]:
    """Do something every so many seconds, in a thread of that name, while the context lasts.

    `do` handles its own errors. `at_once` does it at the beginning too. At the end what runs is
    waited for, at most `patience_seconds` when they are given.
    """
    stop = threading.Event()

    def run() -> None:
        if at_once:
            do()
        while not stop.wait(seconds):
            do()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(patience_seconds)
