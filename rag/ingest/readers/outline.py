"""Builds a document's text piece by piece, and remembers where its headings begin."""

from __future__ import annotations

from dataclasses import replace

from rag.ingest.readers.raw import clean
from rag.types import Section


class TextBuilder:
    """Collects headings, paragraphs and lines; a blank line separates all but lines in a row."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._sections: list[Section] = []
        self._length = 0
        self._separator = ""

    def heading(self, title: str, level: int) -> int:
        """Add a heading as a line of its own, begin a section with it, say where it begins."""
        title = " ".join(clean(title).split())
        start = self._add(title, before="\n\n", after="\n\n")
        if title:
            self._sections.append(Section(title=title, level=level, start=start))
        return start

    def paragraph(self, text: str) -> int:
        """Add text with a blank line before and after; say where it begins."""
        return self._add(text.strip("\n"), before="\n\n", after="\n\n")

    def line(self, text: str) -> int:
        """Add a line that keeps company with the lines around it: an item, a table's row."""
        return self._add(text, before="\n", after="\n")

    def gap(self) -> None:
        """Let a blank line come before whatever is next."""
        if self._parts:
            self._separator = "\n\n"

    def extend(self, other: TextBuilder) -> None:
        """Add all that another builder has collected."""
        text, sections = other.finish()
        if text:
            start = self._add(text, before="\n\n", after="\n\n")
            self._sections += (replace(s, start=start + s.start) for s in sections)

    def finish(self) -> tuple[str, tuple[Section, ...]]:
        """Give the whole text, without white space at its ends, and its sections."""
        return "".join(self._parts), tuple(self._sections)

    def _add(self, text: str, before: str, after: str) -> int:
        text = clean(text).rstrip()
        if not text:
            return self._length
        if self._parts:
            separator = max(self._separator, before, key=len)
            self._parts.append(separator)
            self._length += len(separator)
        else:
            text = text.lstrip()
        self._parts.append(text)
        self._length += len(text)
        self._separator = after
        return self._length - len(text)
