"""Files that hold other files: archives, and e-mails with attachments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath

from rag.errors import DocumentError
from rag.ingest.readers.original import Original
from rag.types import Document


class Container:
    """What a reader of such a file is given: `read` for what lies in it, `knows` for its names."""

    def __init__(
        self,
        read: Callable[[Original], Iterator[Document | DocumentError]],
        knows: Callable[[PurePath], bool],
    ) -> None:
        self._read = read
        self._knows = knows

    def documents_of(self, member: Original) -> Iterator[Document | DocumentError]:
        """Yield a member's documents; that it cannot be read is its problem, not its holder's."""
        try:
            yield from self._read(member)
        except DocumentError as problem:
            yield problem
