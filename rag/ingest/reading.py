"""Reads the files of a plan one after the other, ahead of what is done with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from rag.errors import DocumentError
from rag.ingest.ahead import ReadAhead
from rag.ingest.files import Step, file_hash
from rag.language import with_language
from rag.store.records import Vectors
from rag.types import Document

ReadFile = Callable[[Path, str], Iterator[Document | DocumentError]]
"""Gives a file's documents and its defective records, as `Reader.read` does."""

_AHEAD_CHARS = 4_000_000
_ITEM_CHARS = 1_000  # what anything counts besides its text


@dataclass(frozen=True, slots=True)
class Part:
    """What reading a file gave next: its hash, then documents and problems.

    `failed` says that the problem is the file's as a whole: what comes after it is not known.
    `vectors` maps vector keys to what another machine has embedded of the document already.
    """

    step: Step
    sha256: str = ""
    document: Document | None = None
    problem: DocumentError | None = None
    failed: bool = False
    vectors: Mapping[str, Vectors] = field(default_factory=dict)


PartsOf = Callable[[Step], Iterator[Part]]
"""Gives what a file holds, as `parts_of` does."""


@contextmanager
def reading(
    steps: Sequence[Step], parts_of_file: PartsOf
) -> Iterator[Iterator[tuple[Step, Iterator[Part]]]]:
    """Read files in a thread; yields each step with the parts of its file, in order.

    The parts of a file must be taken before those of the next. At most `_AHEAD_CHARS` characters
    (and one document more) are kept waiting.
    """
    parts = (part for step in steps for part in parts_of_file(step))
    with ReadAhead(parts, _weight, _AHEAD_CHARS) as taken:
        yield groupby(taken, key=lambda part: part.step)


def parts_of(step: Step, read: ReadFile) -> Iterator[Part]:
    """Read one file: its hash first, then what it holds."""
    path = Path(step.path)
    try:
        yield Part(step, sha256=file_hash(path))
        for item in read(path, step.source):
            if isinstance(item, DocumentError):
                yield Part(step, problem=item)
            else:
                yield Part(step, document=with_language(item))
    except DocumentError as error:
        yield Part(step, problem=error, failed=True)
    except OSError as error:
        problem = DocumentError(
            f"{step.source}: cannot be opened ({error.strerror}).",
            "Check its permissions.",
            reason="unreadable",
        )
        yield Part(step, problem=problem, failed=True)


def _weight(part: Part) -> int:
    text = 0 if part.document is None else len(part.document.text)
    return text + _ITEM_CHARS * (1 + len(part.vectors))
