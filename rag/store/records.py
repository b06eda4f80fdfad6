"""The records of the store: what is known of files and documents, and what changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.store.collections import DEFAULT_COLLECTION
from rag.types import Document, Passage

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when last looked at; `reason` is "" when it was read without a problem."""

    path: str
    source: str
    sha256: str
    size_bytes: int
    mtime_ns: int
    seen_ns: int
    reader_version: int
    reason: str = ""
    message: str = ""
    hint: str = ""
    collection: str = DEFAULT_COLLECTION


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A document without its text; `passages` is how many it has."""

    doc_id: str
    title: str
    source: str
    path: str
    content_hash: str
    passages: int
    metadata: Mapping[str, str]
    collection: str = DEFAULT_COLLECTION


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a catalogue holds."""

    documents: int
    passages: int
    vectors: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What an index must do to go from one sequence number to `seq`: remove first, then put.

    `vectors` is `(len(passages), d)` float32, unit rows, in the order of `passages`. `token` is a
    name that only this change has: two histories may both have a change 7, never its token.
    """

    seq: int
    removed: tuple[str, ...]
    passages: tuple[Passage, ...]
    vectors: Vectors
    token: str = ""

    def __bool__(self) -> bool:
        return bool(self.removed or self.passages)


def embedded_text(passage: Passage) -> str:
    """Return what is embedded for a passage: its context (title › section), then its text."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def vector_key(model: str, passage: Passage) -> str:
    """Name the vector of a passage: texts that are equal under one model share one."""
    return hashlib.sha256(f"{model}\0{embedded_text(passage)}".encode()).hexdigest()[:32]


def content_hash(document: Document) -> str:
    """Hash everything that a document's passages depend on."""
    parts = (
        document.title,
        document.source,
        document.text,
        repr(sorted(document.metadata.items())),
        repr(document.sections),
        repr(document.page_starts),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
