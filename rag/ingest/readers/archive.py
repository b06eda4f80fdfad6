"""Zip archives: every member is read by the reader of its own format."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from rag.errors import DocumentError
from rag.ingest.readers.container import Container
from rag.ingest.readers.original import Original, safe_name
from rag.ingest.readers.packed import MAX_ARCHIVE_BYTES, open_archive, read_part
from rag.ingest.readers.raw import empty
from rag.types import Document

_MOST_SUFFIXES = 10
_UTF8_NAME = 0x800


class ZipReader(Container):
    """Reads .zip: its members become documents whose source is "archive.zip!/folder/name".

    Hidden files, links and what a Mac adds are left out. A member that cannot be read is a problem
    of its own; members of unknown formats are one problem together.
    """

    suffixes = frozenset({".zip"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        original.check_depth()
        with original.open() as file:
            if not file.read(4096).strip(b"\0 \t\r\n\xef\xbb\xbf"):
                raise empty(original.source)
            file.seek(0)
            with open_archive(
                file, original.source, "zip archive", most_bytes=MAX_ARCHIVE_BYTES
            ) as archive:
                yield from self._members(original, archive)

    def _members(
        self, original: Original, archive: zipfile.ZipFile
    ) -> Iterator[Document | DocumentError]:
        unknown: list[str] = []
        found = False
        for part in archive.infolist():
            name = PurePosixPath(safe_name(_own_name(part)))
            if part.is_dir() or _is_furniture(part, name):
                continue
            if not self._knows(name):
                unknown.append(name.suffix.lower() or name.name)
                continue
            found = True
            try:
                data = read_part(archive, part, f"{original.source}!/{name}")
            except DocumentError as problem:
                yield problem
                continue
            member = original.member(str(name), data)
            yield from self.documents_of(member)
        if unknown:
            yield unknown_formats(original.source, unknown)
        elif not found:
            raise empty(original.source)


def _own_name(part: zipfile.ZipInfo) -> str:
    """Give a member's name; many programs write UTF-8 without saying so, which zipfile believes."""
    if part.flag_bits & _UTF8_NAME:
        return part.filename
    try:
        return part.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return part.filename


def _is_furniture(part: zipfile.ZipInfo, name: PurePosixPath) -> bool:
    is_link = stat.S_ISLNK(part.external_attr >> 16)
    return is_link or any(piece.startswith((".", "__MACOSX")) for piece in name.parts)


def unknown_formats(source: str, suffixes: list[str]) -> DocumentError:
    """Report what lies in a file and is of formats that no reader knows, all of it together."""
    kinds = sorted(set(suffixes))
    named = " ".join(kinds[:_MOST_SUFFIXES]) + (" ..." if len(kinds) > _MOST_SUFFIXES else "")
    return DocumentError(
        f"{source}: {len(suffixes)} file(s) in it are of unknown formats ({named}).",
        "The others were read. Save these in a format that is known, or leave them out.",
        reason="unknown-format",
    )
