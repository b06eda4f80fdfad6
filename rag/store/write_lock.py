"""The lock of a store's only writer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import StoreBusyError, StoreError
from rag.store.read_only import may_be_written, not_writable

_WAIT_SECONDS = 10.0


@contextmanager
def write_lock(data_dir: Path) -> Iterator[None]:
    """Be the only writer of a store.

    Raises:
        StoreBusyError: another process is writing.
        StoreError: the folder cannot be written.
    """
    if data_dir.is_dir() and not may_be_written(data_dir / "catalog.sqlite3"):
        raise not_writable(data_dir)
    lock = FileLock(data_dir / "write.lock")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_WAIT_SECONDS)
    except Timeout as error:
        raise StoreBusyError(
            f"Another process has been writing to {data_dir} for {_WAIT_SECONDS:.0f} s.",
            "Wait for its ingest to finish and run the command again; nothing was changed.",
        ) from error
    except OSError as error:
        raise StoreError(
            f"The folder {data_dir} cannot be written: {error.strerror}.",
            "Choose another with --data-dir or FOOTNOTE_DATA_DIR.",
        ) from error
    try:
        yield
    finally:
        lock.release()
