"""Documents, passages and vectors as rows of the catalogue, and back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from rag.store.records import DocumentInfo, FileRecord, Vectors
from rag.types import Document, Passage, Section

PASSAGE_COLUMNS = (
    'p.passage_id, p.doc_id, p.text, p.start, p."end", d.title, d.source, p.page, p.section, '
    "d.metadata ->> '$.date'"
)
"""What `passage_of` reads, of passages `p` and documents `d`."""


def document_row(
    document: Document, path: str, content_hash: str, collection: str
) -> tuple[Any, ...]:
    """Return a row of `documents`; the text is compressed."""
    return (
        document.doc_id,
        path,
        document.title,
        document.source,
        content_hash,
        zlib.compress(document.text.encode()),
        json.dumps(dict(document.metadata), ensure_ascii=False),
        json.dumps([[s.title, s.level, s.start] for s in document.sections], ensure_ascii=False),
        json.dumps(list(document.page_starts)),
        collection,
    )


def document_of(row: Sequence[Any]) -> Document:
    """Read a document from id, title, source, text, metadata, sections and page starts."""
    doc_id, title, source, text, metadata, sections, page_starts = row
    return Document(
        doc_id=doc_id,
        title=title,
        source=source,
        text=zlib.decompress(text).decode(),
        metadata=json.loads(metadata),
        sections=tuple(Section(*values) for values in json.loads(sections)),
        page_starts=tuple(json.loads(page_starts)),
    )


def info_of(row: Sequence[Any]) -> DocumentInfo:
    """Read what is listed of a document, from the fields of `DocumentInfo` in their order."""
    doc_id, title, source, path, digest, passages, metadata, collection = row
    return DocumentInfo(
        doc_id, title, source, path, digest, passages, json.loads(metadata), collection
    )


def file_row(record: FileRecord) -> tuple[Any, ...]:
    """Return a row of `files`, whose columns are the fields of a record in their order."""
    return astuple(record)


def passage_row(passage: Passage, key: str, seq: int) -> tuple[Any, ...]:
    """Return a row of `passages`."""
    return (
        passage.passage_id,
        passage.doc_id,
        passage.start,
        passage.end,
        passage.page,
        passage.section,
        passage.text,
        key,
        seq,
    )


def passage_of(row: Sequence[Any]) -> Passage:
    """Read a passage from `PASSAGE_COLUMNS`; further columns are left alone."""
    passage_id, doc_id, text, start, end, title, source, page, section, date = row[:10]
    return Passage(
        passage_id=passage_id,
        doc_id=doc_id,
        text=text,
        start=start,
        end=end,
        title=title,
        source=source,
        page=page,
        section=section,
        date=date or "",
    )


def vector_row(key: str, vector: Vectors) -> tuple[str, bytes]:
    """Return a row of `vectors`, which are stored in float16."""
    return key, vector.astype("<f2").tobytes()


def matrix(blobs: Iterable[bytes]) -> Vectors:
    """Return float16 blobs as an `(n, d)` float32 matrix."""
    rows = [np.frombuffer(blob, dtype="<f2") for blob in blobs]
    if not rows:
        return np.zeros((0, 0), dtype=np.float32)
    return np.stack(rows).astype(np.float32)
