"""A folder of small documents that changes as people change folders."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

WORDS = """apple river copper window harvest signal winter ladder market engine forest lantern
teacher bridge violin pepper harbor saddle meadow cotton""".split()  # noqa: SIM905

# Equal in many documents, so that vectors are shared and must survive the one that goes.
SHARED = (
    "This notice stands in every second letter and says the same each time. "
    "Whoever reads it twice has read it once, and whoever skips it has missed nothing at all. "
    "It is as long as a passage, so that it becomes one of its own in each of the documents."
)


class World:
    """`docs` beside a `store`; every change is drawn from one source of chance."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.docs = folder / "docs"
        self.store = folder / "store"
        self.backup = folder / "docs.footnote"
        self._draw = random.Random(seed)
        self._named = 0
        self.docs.mkdir(parents=True)

    def add(self, count: int) -> None:
        """Write new documents."""
        for _ in range(count):
            self._named += 1
            (self.docs / f"letter-{self._named:03}.txt").write_text(self._text())

    def change(self, count: int) -> None:
        """Edit, delete, rename, copy or add documents, one after the other."""
        for _ in range(count):
            path = self._draw.choice(sorted(self.docs.iterdir()))
            kind = self._draw.choice(["edit", "edit", "add", "delete", "rename", "copy"])
            self._named += 1
            name = self.docs / f"letter-{self._named:03}.txt"
            if kind == "edit":
                path.write_text(self._edited(path.read_text()))
            elif kind == "add":
                self.add(1)
            elif kind == "delete" and len(self.versions()) > 3:
                path.unlink()
            elif kind == "rename":
                path.rename(name)
            elif kind == "copy":
                shutil.copy(path, name)

    def versions(self) -> dict[str, str]:
        """Map each document's source to the version that stands in its first line."""
        return {f"docs/{p.name}": p.read_text().split()[1] for p in sorted(self.docs.iterdir())}

    def save(self, name: str) -> None:
        """Keep a copy of the folder and the store under a name."""
        saved = self.folder / "saved" / name
        saved.mkdir(parents=True)
        for part in (self.docs, self.store):
            if part.exists():
                shutil.copytree(part, saved / part.name)
        if self.backup.exists():
            shutil.copy2(self.backup, saved)

    def load(self, name: str) -> None:
        """Bring back what `save` kept."""
        saved = self.folder / "saved" / name
        for part in (self.docs, self.store):
            shutil.rmtree(part, ignore_errors=True)
            if (saved / part.name).exists():
                shutil.copytree(saved / part.name, part)
        self.backup.unlink(missing_ok=True)
        if (saved / self.backup.name).exists():
            shutil.copy2(saved / self.backup.name, self.backup)

    def _text(self) -> str:
        paragraphs = [self._first_line(), *(self._paragraph() for _ in range(5))]
        if self._draw.random() < 0.5:
            paragraphs.insert(3, SHARED)
        return "\n\n".join(paragraphs)

    def _edited(self, text: str) -> str:
        paragraphs = text.split("\n\n")
        paragraphs[0] = self._first_line()
        paragraphs[self._draw.randrange(1, len(paragraphs))] = self._paragraph()
        return "\n\n".join(paragraphs)

    def _first_line(self) -> str:
        return f"Version {self._draw.getrandbits(48):012x} of a letter that changes now and then."

    def _paragraph(self) -> str:
        sentences = (
            f"The {self._draw.choice(WORDS)} and the {self._draw.choice(WORDS)} "
            f"met number {self._draw.randrange(1000)} at the {self._draw.choice(WORDS)}."
            for _ in range(5)
        )
        return " ".join(sentences)
