"""A copy of the catalogue in one file, and putting one back; the indexes follow what they find.

Both may happen while others read: SQLite's backup copies one state, and puts one in place of
another in a single transaction.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.errors import InputError, StoreError
from rag.store.catalog import Catalog
from rag.store.faults import reach
from rag.store.migrations import READABLE
from rag.store.records import Counts
from rag.store.sqlite_errors import translated_errors

_ALONE = "mode=ro&immutable=1"  # a backup: nobody writes it, and no log belongs beside it
_SHARED = "mode=rw"  # a catalogue in use
_KEPT = "before-restore"  # in the store's folder: what was there, until the new one has opened


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that has been read through: how much it holds, and what it was written with."""

    file: Path
    counts: Counts
    meta: Mapping[str, str]


def back_up(catalog: Catalog, target: Path) -> Counts:
    """Write a catalogue into one file, replacing an earlier one only when the copy is sound.

    Raises:
        StoreError: the file cannot be written, or the catalogue is damaged.
    """
    part = target.with_name(target.name + ".part")
    with translated_errors(target):
        part.unlink(missing_ok=True)
    try:
        with translated_errors(part), _new(part) as writing:
            catalog.copy_to(writing)
        reach("backup.copied")
        counts = check_backup(part).counts
        with translated_errors(target), part.open("rb+") as file:
            os.fsync(file.fileno())
            part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    reach("backup.replaced")
    return counts


def check_backup(file: Path) -> Backup:
    """Read a backup through and count what it holds.

    Raises:
        InputError: there is no such file.
        StoreError: it is not a backup, is damaged or belongs to another version.
    """
    if not file.is_file():
        raise InputError(f"There is no backup {str(file)!r}.", "Check the path.")
    meta: dict[str, str] = {}
    counts = Counts(0, 0, 0)
    try:
        with closing(_open(file, _ALONE)) as connection:
            wrong = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if wrong == "ok" and connection.execute("PRAGMA foreign_key_check").fetchone():
                wrong = "passages without their document"
            meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
            counts = Counts(
                *(
                    connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                    for table in ("documents", "passages", "vectors")
                )
            )
    except sqlite3.DatabaseError as error:
        wrong = str(error)
    if wrong == "ok" and meta.get("schema") not in READABLE:
        wrong = f"its version is {meta.get('schema')}, not {' or '.join(READABLE)}"
    if wrong != "ok":
        raise StoreError(
            f"{file} is not a sound backup of Footnote: {wrong}.",
            "Nothing was changed. Give the file that footnote backup wrote, or an earlier one.",
        )
    return Backup(file, counts, meta)


def keep_copy(catalog_path: Path) -> Path:
    """Copy a sound catalogue aside and return where."""
    kept = _kept(catalog_path.parent) / catalog_path.name
    _copy(catalog_path, _SHARED, kept)
    reach("restore.kept")
    return kept


def replace_contents(catalog_path: Path, file: Path) -> None:
    """Put a checked backup in place of a sound catalogue, in one transaction.

    Other processes may have the catalogue open: they read what was there until it is done.
    """
    with translated_errors(catalog_path):
        with (
            closing(_open(file, _ALONE)) as source,
            closing(_open(catalog_path, _SHARED)) as target,
        ):
            source.backup(target)
        reach("restore.replaced")


def replace_file(catalog_path: Path, file: Path) -> None:
    """Put a checked backup in place of a catalogue that is damaged or missing.

    No other process may have it open. A crash in between leaves no catalogue, which is refused
    with the command that restores.
    """
    # A run that was cut off has moved the old one there already.
    kept = _kept(catalog_path.parent, empty=catalog_path.exists())
    part = catalog_path.with_name(catalog_path.name + ".part")
    with translated_errors(catalog_path):
        part.unlink(missing_ok=True)
        _copy(file, _ALONE, part)
        reach("restore.copied")
        for suffix in ("", "-wal", "-shm"):  # a leftover log would be replayed into the new one
            old = catalog_path.with_name(catalog_path.name + suffix)
            if old.exists():
                old.replace(kept / old.name)
        reach("restore.moved")
        part.replace(catalog_path)
        reach("restore.placed")


def put_back(catalog_path: Path) -> None:
    """Undo `replace_file`: what was kept aside becomes the catalogue again."""
    kept = catalog_path.parent / _KEPT
    with translated_errors(catalog_path):
        for suffix in ("", "-wal", "-shm"):
            name = catalog_path.name + suffix
            catalog_path.with_name(name).unlink(missing_ok=True)
            if (kept / name).exists():
                (kept / name).replace(catalog_path.with_name(name))


def forget_kept(folder: Path) -> None:
    """Delete what was kept aside."""
    shutil.rmtree(folder / _KEPT, ignore_errors=True)
    reach("restore.done")


def _kept(folder: Path, *, empty: bool = True) -> Path:
    kept = folder / _KEPT
    with translated_errors(kept):
        if empty:
            shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(exist_ok=True)
    return kept


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=30.0)


def _copy(source: Path, mode: str, target: Path) -> None:
    """Copy a database as it is at one moment."""
    with (
        translated_errors(target),
        closing(_open(source, mode)) as reading,
        _new(target) as writing,
    ):
        reading.backup(writing)


@contextmanager
def _new(target: Path) -> Iterator[sqlite3.Connection]:
    """Open a new file to copy into; it needs no log beside it at the end."""
    with closing(sqlite3.connect(target)) as writing:
        yield writing
        writing.execute("PRAGMA journal_mode=DELETE")
