"""A small file that only its owner may read, which commands change and a running server follows."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from filelock import FileLock

T = TypeVar("T")


class OwnedFile(Generic[T]):
    """Reads a file again when it has changed, and replaces it as a whole."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self._path = path
        self._parse = parse
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._value: T | None = None

    def read(self) -> T | None:
        """Return what the file holds, None when there is none; raises as `parse`, or OSError."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        with self._lock:
            if seen != self._seen:
                self._value = self._parse(self._path.read_text(encoding="utf-8"))
                self._seen = seen
            return self._value

    def changing(self) -> FileLock:
        """Return what to hold from reading to writing."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self._path.with_suffix(".lock"))

    def write(self, text: str) -> None:
        """Put a text in its place at once."""
        # Temporary files are made for their owner alone, and the mode goes along.
        with tempfile.NamedTemporaryFile(
            "w", dir=self._path.parent, prefix=".new", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        os.replace(file.name, self._path)
