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
    REPLACE = "changed"
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
    `unread` says that nothing of it could be read, now or then.
    """

    action: Action
    path: str
    source: str
    size_bytes: int = 0
    mtime_ns: int = 0
    reason: str = ""
    moved_from: str = ""
    unread: bool = False


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
        named = os.path.realpath(argument)
        if named in known and _is_missing(argument):
            gone[named] = known[named]
            continue
        for found in _expand(argument, os.path.realpath(exclude)):
            if found.absolute not in steps and found.absolute not in leave:
                steps[found.absolute] = _step(found, known.get(found.absolute))
        if os.path.isdir(argument):
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
    return record.path not in steps and _is_missing(record.path)


def _is_missing(path: str) -> bool:
    """Whether there is nothing, and it is not only out of sight for now."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # no permission, or a disk that does not answer
        return False
    return False


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


@dataclass(frozen=True, slots=True)
class _Found:
    """What lies under an argument: whether the argument names it, or why it is not looked at."""

    path: Path
    absolute: str
    explicit: bool = False
    skipped: str = ""


def _expand(argument: str, exclude: str) -> Iterator[_Found]:
    if os.path.isdir(argument):
        yield from _walk(Path(argument), exclude)
        return
    matches = (
        [argument] if os.path.exists(argument) else sorted(glob.glob(argument, recursive=True))
    )
    if not matches:
        raise _nothing(argument)
    for match in matches:
        if os.path.isdir(match):
            yield from _walk(Path(match), exclude)
        else:
            yield _Found(Path(match), os.path.realpath(match), explicit=True)


def _nothing(argument: str) -> InputError:
    try:
        os.stat(argument)
    except PermissionError:
        return InputError(
            f"{argument!r} cannot be looked at: permission denied.",
            "Make the folder that it lies in readable.",
        )
    except (OSError, ValueError):
        pass
    return InputError(
        f"There is no file or folder {argument!r}.",
        "Check the spelling; patterns such as 'reports/**/*.pdf' also work.",
    )


def _walk(folder: Path, exclude: str) -> Iterator[_Found]:
    closed: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=closed.append):
        here = Path(parent)
        there = os.path.realpath(parent)
        for name in sorted(folders):
            if (here / name).is_symlink() and not name.startswith("."):
                # A link may lead round in a circle; whoever wants what it leads to can name it.
                yield _Found(here / name, f"{there}{os.sep}{name}", skipped="link to a folder")
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(here / name) != exclude
        )
        for name in sorted(names):
            if not name.startswith("."):
                path = here / name
                # To resolve each path anew would be half the time of a run that finds no change.
                is_link = path.is_symlink()
                yield _Found(path, os.path.realpath(path) if is_link else os.path.join(there, name))
    for error in closed:
        path = Path(os.fsdecode(error.filename))
        yield _Found(path, os.path.realpath(path), skipped=error.strerror or "unreadable")


def _step(found: _Found, record: FileRecord | None) -> Step:
    path, absolute, source = found.path, found.absolute, str(found.path)
    if not _is_text(source) or not _is_text(absolute):
        shown = os.fsencode(source).decode("utf-8", "backslashreplace")
        return Step(Action.SKIP, absolute, shown, reason="name is not UTF-8")
    if found.skipped:
        return Step(Action.SKIP, absolute, source, reason=found.skipped)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Step(Action.SKIP, absolute, source, reason="not a file")
        version = reader_for(path).version
    except DocumentError as error:
        if found.explicit:
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
    action = Action.KEEP if same else Action.REPLACE
    return replace(step, action=action, reason=record.reason if same else "")


def _is_text(path: str) -> bool:
    """Whether a path can be stored and shown; names of other encodings hold lone surrogates."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_unchanged(record: FileRecord, path: Path, mtime_ns: int) -> bool:
    if record.mtime_ns == mtime_ns and mtime_ns < record.seen_ns - _CLOCK_TICK_NS and record.sha256:
        return True
    try:
        return file_hash(path) == record.sha256
    except OSError:
        return False  # the reader will say what is wrong with it
