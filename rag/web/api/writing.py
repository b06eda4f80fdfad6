"""Files that programs send: kept in a folder under their names, and read into the store."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from rag.build import open_catalog_for_writing, open_ingestor
from rag.errors import DocumentError, InputError, StoreError
from rag.ingest.readers import reader_for
from rag.settings import Settings
from rag.store.catalog import Catalog
from rag.store.collections import DEFAULT_COLLECTION, checked_collection

MAX_NAME_CHARS = 150
_NAME = re.compile(r"\w[\w .,()+@-]*")


class StoreWriter:
    """Ingests files that are sent and removes documents, as `footnote ingest` and `remove` do."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._folder = settings.uploads_dir
        self._lock = threading.Lock()

    def add(self, name: str, content: bytes, collection: str = DEFAULT_COLLECTION) -> Sequence[str]:
        """Keep a file under a name in a collection, and return the ids of its documents.

        Names of two collections never mean the same file: each has a folder of its own.

        Raises:
            InputError: the name, or the format it says, cannot be used, or the file lies in
                another collection than it was sent to.
            DocumentError: the file cannot be read; what its name held before stays.
            StoreBusyError: another process is writing.
        """
        path = self._folder_of(collection) / checked_name(name)
        with self._lock:
            held = self._catalog.collection_of_path(str(path.resolve()))
            if held not in (None, collection):  # somebody has moved it there on the command line
                raise InputError("This name cannot be used.", "Send the file under another name.")
            before = path.read_bytes() if path.is_file() else None
            _write(path, content)
            try:
                self._ingest(path, collection)
            except BaseException:
                _restore(path, before)
                raise
        return sorted(self._catalog.hashes(str(path.resolve())))

    def remove(self, doc_id: str) -> bool:
        """Take a document out, and its file when that was sent here and holds no other."""
        with self._lock, open_catalog_for_writing(self._settings) as catalog:
            found = catalog.path_of(doc_id)
            if found is None:
                return False
            last = catalog.hashes(found).keys() == {doc_id}
            collection = catalog.collection_of_path(found) or DEFAULT_COLLECTION
            catalog.remove([doc_id], forget=[found] if last else [])
            path = Path(found)
            if last and path.parent == self._folder_of(collection).resolve():
                path.unlink(missing_ok=True)
        return True

    def _folder_of(self, collection: str) -> Path:
        if collection == DEFAULT_COLLECTION:
            return self._folder
        return self._folder / checked_collection(collection)

    def _ingest(self, path: Path, collection: str) -> None:
        with open_ingestor(self._settings) as ingestor:
            report = ingestor.ingest([str(path)], collection=collection)
        if report.problems:
            problem = report.problems[0]
            raise DocumentError(problem.message, problem.hint, reason=problem.reason)


def checked_name(name: str) -> str:
    """Return a file's name when it is one, and of a known format.

    Raises:
        InputError: it could mean another place, or no reader knows its format.
    """
    if len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        raise InputError(
            "The name is not a plain file name.",
            f"Use letters, digits, spaces and .,()+@_- only, at most {MAX_NAME_CHARS} characters.",
        )
    try:
        reader_for(Path(name))
    except DocumentError as error:
        raise InputError(error.message, error.hint) from error
    return name


def _write(path: Path, content: bytes) -> None:
    """Put a file in place at once, through no link that may lie there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            file.write(content)
        os.replace(file.name, path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}.", "Choose another FOOTNOTE_UPLOADS_DIR."
        ) from error


def _restore(path: Path, before: bytes | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        _write(path, before)
