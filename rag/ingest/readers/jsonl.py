"""JSON lines in the BEIR layout: one record `{_id, title, text, metadata}` is one document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata, guess_title
from rag.ingest.readers.original import Original
from rag.ingest.readers.raw import clean, empty, os_error
from rag.types import Document

MAX_LINE_BYTES = 20_000_000


class JsonlReader:
    """Reads .jsonl line by line; memory holds one record and the ids seen.

    A defective line is yielded as an error and the lines after it go on.
    """

    suffixes = frozenset({".jsonl", ".ndjson"})
    version = 1

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        with original.open() as file:
            yield from _records(file, original.source)


def _records(file: BinaryIO, source: str) -> Iterator[Document | DocumentError]:
    lines_by_id: dict[str, int] = {}
    found_line = False
    for number, line in _lines(file, source):
        where = f"{source}, line {number}"
        found_line = True
        try:
            document = _document(_parse(line, where), source, where)
            first = lines_by_id.setdefault(document.doc_id, number)
            if first != number:
                raise DocumentError(
                    f"{where}: the _id {document.doc_id!r} was used in line {first} already.",
                    "Give each record an _id of its own; the first one was kept.",
                    reason="duplicate",
                )
        except DocumentError as problem:
            yield problem
        else:
            yield document
    if not found_line:
        raise empty(source)


def _lines(file: BinaryIO, source: str) -> Iterator[tuple[int, bytes]]:
    """Number the lines that are not blank; one that is too long comes cut, one byte over."""
    number = 0
    try:
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            rest = line
            while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
                rest = file.readline(MAX_LINE_BYTES + 1)
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield number, line
    except OSError as error:
        raise os_error(error, source) from error


def _parse(line: bytes, where: str) -> Mapping[str, object]:
    if len(line) > MAX_LINE_BYTES:
        raise DocumentError(
            f"{where}: longer than {MAX_LINE_BYTES:,} bytes.",
            "Split the record into smaller ones.",
            reason="too-large",
        )
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{where}: not UTF-8 (byte {error.start + 1} of the line).",
            "Save the file as UTF-8.",
            reason="encoding",
        ) from error
    except (ValueError, RecursionError) as error:
        raise _bad_record(where, f"not JSON ({str(error) or 'nested too deeply'})") from error
    if not isinstance(record, dict):
        raise _bad_record(where, f"found a JSON {type(record).__name__}, expected an object")
    return record


def _document(record: Mapping[str, object], source: str, where: str) -> Document:
    identity = record.get("_id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str) or not clean(identity).strip():
        raise _bad_record(where, "no _id")
    if clean(identity) != identity:
        raise _bad_record(where, "the _id holds control characters")
    text = record.get("text")
    if not isinstance(text, str):
        raise _bad_record(where, "no text")
    text = clean(text).strip()
    if not text:
        raise empty(where)
    given = record.get("title")
    title = " ".join(clean(given).split()) if isinstance(given, str) else ""
    metadata = record.get("metadata")
    return Document(
        doc_id=identity,
        title=title or guess_title(text) or identity,
        source=f"{source}#{identity}",
        text=text,
        metadata=flat_metadata(metadata) if isinstance(metadata, dict) else {},
    )


def _bad_record(where: str, what: str) -> DocumentError:
    return DocumentError(
        f"{where}: {what}.",
        'A line is an object like {"_id": "1", "title": "...", "text": "..."}.',
        reason="bad-record",
    )
