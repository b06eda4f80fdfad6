"""Which files to look at, and what would be done with each."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rag.errors import DocumentError, InputError
from rag.ingest.readers import reader_for
from rag.ingest.readers.ocr import find_tesseract
from rag.store.records import FileRecord

# A file changed this shortly before it was last looked at may have changed again within the same
# tick of its clock, so its time proves nothing (the "racy git" problem).
_CLOCK_TICK_NS = 2_000_000_000


class Action(StrEnum):
    """What ingesting does with a file."""

    ADD = "added"
    REPLACE = "replaced"
    REMOVE = "removed"
    KEEP = "unchanged"
    SKIP = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One file and what is done with it.

    `reason` says why a file is skipped, or why one that did not change could not be read before.
    """

    action: Action
    path: str
    source: str
    size_bytes: int = 0
    mtime_ns: int = 0
    reason: str = ""


def plan(arguments: Sequence[str], known: Mapping[str, FileRecord], *, exclude: Path) -> list[Step]:
    """Decide what to do with each file that the arguments name, in order of source.

    An argument is a file, a folder (all of it, but hidden files and folders) or a pattern. A file
    of the store that lay under a named folder and is gone is removed. Nothing under `exclude` is
    looked at.

    Raises:
        InputError: an argument names nothing.
    """
    steps: dict[str, Step] = {}
    for argument in arguments:
        for path, explicit in _expand(argument, exclude.resolve()):
            absolute = str(path.resolve())
            if absolute not in steps:
                steps[absolute] = _step(path, absolute, known.get(absolute), explicit)
        folder = Path(argument)
        if folder.is_dir():
            inside = str(folder.resolve()) + os.sep
            for absolute, record in known.items():
                if absolute.startswith(inside) and not os.path.exists(absolute):
                    steps[absolute] = Step(Action.REMOVE, absolute, record.source)
    return sorted(steps.values(), key=lambda step: step.source)


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _expand(argument: str, exclude: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the files that an argument names, and whether it names them one by one."""
    path = Path(argument)
    if path.is_dir():
        yield from ((found, False) for found in _walk(path, exclude))
    elif path.exists():
        yield path, True
    else:
        matches = sorted(glob.glob(argument, recursive=True))
        if not matches:
            raise InputError(
                f"There is no file or folder {argument!r}.",
                "Check the spelling; patterns such as 'reports/**/*.pdf' also work.",
            )
        for match in map(Path, matches):
            if match.is_dir():
                yield from ((found, False) for found in _walk(match, exclude))
            else:
                yield match, True


def _walk(folder: Path, exclude: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != exclude
        )
        yield from (here / name for name in sorted(names) if not name.startswith("."))


def _step(path: Path, absolute: str, record: FileRecord | None, explicit: bool) -> Step:
    source = str(path)
    if not _is_text(source) or not _is_text(absolute):
        shown = os.fsencode(source).decode("utf-8", "backslashreplace")
        return Step(Action.SKIP, absolute, shown, reason="name is not UTF-8")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Step(Action.SKIP, absolute, source, reason="not a file")
        version = reader_for(path).version
    except DocumentError as error:
        if explicit:
            raise InputError(error.message, error.hint) from error
        return Step(Action.SKIP, absolute, source, reason=error.reason)
    except OSError as error:
        return Step(Action.SKIP, absolute, source, reason=error.strerror or "unreadable")
    step = Step(Action.ADD, absolute, source, status.st_size, status.st_mtime_ns)
    if record is None:
        return step
    same = (
        record.reader_version == version
        and record.source == source
        and record.size_bytes == status.st_size
        and not (record.reason == "no-ocr" and find_tesseract())
        and _is_unchanged(record, path, status.st_mtime_ns)
    )
    return Step(
        Action.KEEP if same else Action.REPLACE,
        absolute,
        source,
        status.st_size,
        status.st_mtime_ns,
        record.reason if same else "",
    )


def _is_text(path: str) -> bool:
    """Whether a path can be stored and shown; names of other encodings hold lone surrogates."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_unchanged(record: FileRecord, path: Path, mtime_ns: int) -> bool:
    settled = record.mtime_ns == mtime_ns and mtime_ns < record.seen_ns - _CLOCK_TICK_NS
    return (settled and bool(record.sha256)) or file_hash(path) == record.sha256
