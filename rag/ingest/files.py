"""Which files to look at, and what would be done with each."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
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
    MOVE = "moved"
    REMOVE = "removed"
    GONE = "gone"
    ASSIGN = "reassigned"
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
    moved_from: str = ""


def plan(
    arguments: Sequence[str],
    known: Mapping[str, FileRecord],
    *,
    exclude: Path,
    prune: bool = False,
    leave: Collection[str] = (),
) -> list[Step]:
    """Decide what to do with each file that the arguments name, in order of source.

    An argument is a file, a folder (all of it, but hidden files and folders) or a pattern. A file
    of the store that is gone and whose bytes lie under a new name has been moved. Others that lay
    under what the arguments name and are gone are removed to `prune`, else told of. Nothing under
    `exclude` is looked at, nor the files that `leave` names by their absolute paths.

    Raises:
        InputError: an argument names nothing.
    """
    steps: dict[str, Step] = {}
    gone: dict[str, FileRecord] = {}
    for argument in arguments:
        named = str(Path(argument).resolve())
        if named in known and not os.path.lexists(argument):
            gone[named] = known[named]
            continue
        for path, absolute, explicit in _expand(argument, exclude.resolve()):
            if absolute not in steps and absolute not in leave:
                steps[absolute] = _step(path, absolute, known.get(absolute), explicit)
        if Path(argument).is_dir():
            for absolute, record in known.items():
                if absolute.startswith(named + os.sep) and _is_gone(record, steps):
                    gone[absolute] = record
    moves = _moves(steps, known)
    action = Action.REMOVE if prune else Action.GONE
    moved = {step.moved_from for step in moves}
    removals = [Step(action, a, r.source) for a, r in gone.items() if a not in moved]
    steps |= {step.path: step for step in (*moves, *removals)}
    return sorted(steps.values(), key=lambda step: step.source)


def _is_gone(record: FileRecord, steps: Mapping[str, Step]) -> bool:
    return record.path not in steps and not os.path.exists(record.path)


def _moves(steps: Mapping[str, Step], known: Mapping[str, FileRecord]) -> list[Step]:
    """Pair new files with files of the store that are gone and had the same bytes."""
    new = [step for step in steps.values() if step.action == Action.ADD]
    sizes = {step.size_bytes for step in new}
    lost: dict[str, list[FileRecord]] = {}
    for record in known.values():
        if record.sha256 and record.size_bytes in sizes and _is_gone(record, steps):
            lost.setdefault(record.sha256, []).append(record)
    lost_sizes = {record.size_bytes for records in lost.values() for record in records}
    moves: list[Step] = []
    for step in new:
        if step.size_bytes in lost_sizes:
            with suppress(OSError):  # the reader will say what is wrong with it
                if records := lost.get(file_hash(Path(step.path))):
                    old = records.pop(0)
                    reason = f"from {old.source}"
                    moves.append(
                        replace(step, action=Action.MOVE, moved_from=old.path, reason=reason)
                    )
    return moves


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _expand(argument: str, exclude: Path) -> Iterator[tuple[Path, str, bool]]:
    """Yield the files that an argument names, where they lie, and whether it names each."""
    path = Path(argument)
    if path.is_dir():
        yield from ((*found, False) for found in _walk(path, exclude))
    elif path.exists():
        yield path, str(path.resolve()), True
    else:
        matches = sorted(glob.glob(argument, recursive=True))
        if not matches:
            raise InputError(
                f"There is no file or folder {argument!r}.",
                "Check the spelling; patterns such as 'reports/**/*.pdf' also work.",
            )
        for match in map(Path, matches):
            if match.is_dir():
                yield from ((*found, False) for found in _walk(match, exclude))
            else:
                yield match, str(match.resolve()), True


def _walk(folder: Path, exclude: Path) -> Iterator[tuple[Path, str]]:
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        there = here.resolve()
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != exclude
        )
        for name in sorted(names):
            if not name.startswith("."):
                path = here / name
                # To resolve each path anew would be half the time of a run that finds no change.
                yield path, str(path.resolve() if path.is_symlink() else there / name)


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
