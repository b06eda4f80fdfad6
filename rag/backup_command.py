"""footnote backup and footnote restore: locks, checks, and what is put back when one fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from rag.build import open_catalog
from rag.errors import InputError, RagError, StoreBusyError, StoreError
from rag.settings import Settings
from rag.store.backup import (
    back_up,
    check_backup,
    forget_kept,
    keep_copy,
    put_back,
    replace_contents,
    replace_file,
)
from rag.store.catalog import Catalog
from rag.store.indexes import Indexes
from rag.store.records import Counts
from rag.store.write_lock import write_lock
from rag.store.written_with import check_written_with


def run_backup(settings: Settings, file: Path) -> Counts:
    """Write the store into one file; others may ask and ingest meanwhile.

    Raises:
        InputError: the file is the store's own, or lies in no folder, or is one.
        StoreError: the store is damaged, or the file cannot be written.
    """
    _check_apart(settings, file)
    if file.is_dir():
        raise InputError(f"{file} is a folder.", f"Name a file, such as {file / 'store.footnote'}")
    if not file.parent.is_dir():
        raise InputError(
            f"There is no folder {file.parent} to write the backup into.",
            "Make it, or name a file elsewhere.",
        )
    with open_catalog(settings) as catalog:
        return back_up(catalog, file)


def run_restore(settings: Settings, file: Path) -> Counts:
    """Put a backup in place of the store; what was there is kept until the new one has opened.

    A running server goes on and answers from the restored documents.

    Raises:
        InputError: there is no such file, or it is the store's own.
        StoreError: the backup is not sound or does not fit the settings; nothing was changed.
        StoreBusyError: another process is writing, or serves a damaged store.
    """
    _check_apart(settings, file)
    backup = check_backup(file)
    check_written_with(backup.meta, settings)
    path = settings.data_dir / "catalog.sqlite3"
    with write_lock(settings.data_dir):
        if _is_sound(path):
            kept = keep_copy(path)
            replace_contents(path, file)
            _open_or(lambda: replace_contents(path, kept), path)
        else:
            _replace_damaged(settings, path, file)
        forget_kept(settings.data_dir)
        # From here on it is the store; an index that fails now is filled at the next start.
        with closing(Catalog(path)) as catalog, closing(Indexes(catalog, path.parent)) as indexes:
            indexes.follow()
    return backup.counts


def _check_apart(settings: Settings, file: Path) -> None:
    """See that a backup is not the catalogue, whose latest changes may be in a log beside it."""
    for suffix in ("", "-wal", "-shm"):
        own = settings.data_dir / f"catalog.sqlite3{suffix}"
        if own.exists() and file.exists() and own.samefile(file):
            raise InputError(
                f"{file} belongs to the store {settings.data_dir} itself.",
                "Name another file: a backup is a copy of its own.",
            )


def _replace_damaged(settings: Settings, path: Path, file: Path) -> None:
    try:
        with FileLock(settings.data_dir / "indexes.lock", timeout=0):
            replace_file(path, file)
            _open_or(lambda: put_back(path), path)
    except Timeout as error:
        raise StoreBusyError(
            f"The store {settings.data_dir} is damaged, and another process has it open.",
            "Stop it (footnote serve), then run the command again; nothing was changed.",
        ) from error


def _open_or(undo: Callable[[], None], path: Path) -> None:
    try:
        with closing(Catalog(path)) as catalog:
            catalog.checkpoint()
    except RagError:
        undo()
        raise


def _is_sound(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    try:
        with closing(Catalog(path)) as catalog:
            return catalog.is_sound()
    except StoreError:
        return False
