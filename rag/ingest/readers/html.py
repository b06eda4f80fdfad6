"""placeholder"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.errors import DocumentError
from rag.types import Document


class HtmlReader:
    suffixes = frozenset({".html"})
    version = 1

    def read(self, path: Path, source: str) -> Iterator[Document | DocumentError]:
        raise DocumentError(f"{source}: not yet", reason="unreadable")
