"""What a reader is given: a file, or a member of an archive or e-mail that is held in memory."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rag.errors import DocumentError
from rag.ingest.readers.clues import guess_title
from rag.ingest.readers.raw import clean, document_id, empty, os_error, read_bytes, sound_bytes
from rag.types import Document, Section

MAX_DEPTH = 3
"""How many archives and e-mails may lie inside each other, the outermost counted."""

MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 1_000_000_000
_INSIDE = "!/"
_MAX_NAME_CHARS = 240


class Allowance:
    """What all members of one file may come to, however they are nested."""

    def __init__(self) -> None:
        self._members = MAX_MEMBERS
        self._bytes = MAX_MEMBER_BYTES
        self._names: set[str] = set()

    def take(self, source: str, size: int) -> None:
        """Count one more member.

        Raises:
            DocumentError: the file holds too many, or too much ("too-large").
        """
        self._members -= 1
        self._bytes -= size
        if self._members < 0 or self._bytes < 0:
            raise DocumentError(
                f"{source}: holds more than {MAX_MEMBERS:,} files or {MAX_MEMBER_BYTES:,} bytes.",
                "Unpack it yourself and add the folder.",
                reason="too-large",
            )

    def own(self, name: str) -> str:
        """Give a member a name that no other has."""
        number = 2
        path = PurePosixPath(name)
        while name in self._names:
            name = str(path.with_stem(f"{path.stem}~{number}"))
            number += 1
        self._names.add(name)
        return name


@dataclass(frozen=True, slots=True)
class Original:
    """Bytes to read, their name, and where they are to be found.

    `source` is what a person can open; a member's is "archive.zip!/inner/path". `path` is the file,
    or the outermost archive. `depth` counts the archives and e-mails around it.
    """

    path: Path
    source: str
    name: str
    inside: str = ""
    data: bytes | None = None
    depth: int = 0
    allowance: Allowance | None = None

    @classmethod
    def file(cls, path: Path, source: str) -> Original:
        """Name a file that is yet to be opened."""
        return cls(path, source, path.name, allowance=Allowance())

    @property
    def doc_id(self) -> str:
        """The id of the one document in it: 16 hex digits, from where it lies."""
        outer = document_id(self.path)
        if not self.inside:
            return outer
        return hashlib.sha256(f"{outer}{self.inside}".encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    def read(self) -> bytes:
        """Read all bytes; raises as `read_bytes`."""
        if self.data is None:
            return read_bytes(self.path, self.source)
        return sound_bytes(self.data, self.source)

    def open(self) -> BinaryIO:
        """Open for reading piece by piece.

        Raises:
            DocumentError: "missing" or "unreadable".
        """
        if self.data is not None:
            return io.BytesIO(self.data)
        try:
            return self.path.open("rb")
        except OSError as error:
            raise os_error(error, self.source) from error

    def check_depth(self) -> None:
        """Refuse to look into an archive that lies too deep; before anything in it is unpacked.

        Raises:
            DocumentError: "too-deep".
        """
        if self.depth + 1 > MAX_DEPTH:
            raise DocumentError(
                f"{self.source}: archives lie more than {MAX_DEPTH} deep in each other.",
                "Unpack it yourself and add the folder.",
                reason="too-deep",
            )

    def member(self, name: str, data: bytes) -> Original:
        """Name a file inside this one; what could climb out of a folder is taken from the name.

        Raises:
            DocumentError: "too-deep", or "too-large" when this is one too many.
        """
        self.check_depth()
        allowance = self.allowance or Allowance()
        allowance.take(self.source, len(data))
        name = safe_name(name)
        inside = allowance.own(f"{self.inside}{_INSIDE}{name}")
        return Original(
            path=self.path,
            source=self.source.removesuffix(self.inside) + inside,
            name=PurePosixPath(name).name,
            inside=inside,
            data=data,
            depth=self.depth + 1,
            allowance=allowance,
        )

    def document(
        self,
        text: str,
        metadata: Mapping[str, str],
        *,
        title: str = "",
        sections: tuple[Section, ...] = (),
        page_starts: tuple[int, ...] = (),
    ) -> Document:
        """Make the document; its title is the first of: what it says, a heading, a line, its name.

        Raises:
            DocumentError: there is no text ("empty").
        """
        if not text:
            raise empty(self.source)
        said = dict(metadata)
        heading = next((section.title for section in sections if section.level == 1), "")
        return Document(
            doc_id=self.doc_id,
            title=said.pop("title", "") or title or heading or guess_title(text) or self.stem,
            source=self.source,
            text=text,
            metadata=said,
            sections=sections,
            page_starts=page_starts,
        )


def safe_name(name: str, otherwise: str = "unnamed") -> str:
    """Make a member's name one that stays below its archive: no "..", no root, no controls."""
    parts = re.split(r"[/\\]+", " ".join(clean(name).split()))
    kept = [part for part in parts if part not in ("", ".", "..") and not part.endswith(":")]
    return "/".join(kept)[-_MAX_NAME_CHARS:].lstrip("/") or otherwise
