"""What SQLite says went wrong, in words that a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import StoreError
from rag.store.read_only import not_writable


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about a file into ones that a person can act on."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _operational(path, str(error)) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # a subclass: a mistake of ours, not damage
        raise StoreError(
            f"The store {path} is damaged or not a catalogue of Footnote: {error}.",
            restore_hint(path.parent),
        ) from error
    except OSError as error:
        raise StoreError(
            f"The store {path} cannot be used: {error.strerror or error}.",
            "Check that the folder exists, can be written to and has free space.",
        ) from error


def restore_hint(folder: Path) -> str:
    """Say how to go on when a store's catalogue is lost."""
    return (
        "Bring a backup back with: footnote restore FILE. Without one, delete the folder "
        f"{folder} and ingest the documents again."
    )


def _operational(path: Path, text: str) -> StoreError:
    if "full" in text:
        return StoreError(
            f"The disk is full: {path} could not grow. What was stored before is intact.",
            "Free some space and run the same command again; it goes on where it stopped.",
        )
    if "locked" in text:
        return StoreError(
            f"The store {path} has been in use by another process for too long.",
            "Wait for it to finish, or stop it, and run the command again.",
        )
    if "readonly" in text:
        return not_writable(path.parent)
    if "no such" in text:
        return StoreError(f"The store {path} is damaged: {text}.", restore_hint(path.parent))
    return StoreError(
        f"The store {path} cannot be used: {text}.",
        "Check that the folder exists, can be written to and has free space. If its disk "
        "has lost something: footnote restore FILE brings back a backup.",
    )
