"""What passes between parent and child: JSON frames, each with its length before it.

JSON and not pickle: a child that a hostile file has taken over can send wrong text, never code.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from array import array
from dataclasses import asdict, astuple
from typing import IO, Any

from rag.errors import DocumentError
from rag.ingest.readers.views import (
    MAX_BOXES,
    MAX_PICTURE_BYTES,
    MAX_PICTURE_PIXELS,
    Box,
    PageRequest,
    PageView,
)
from rag.ingest.sentences import SentencedDocument, bounds_of, sentences_of
from rag.types import Document, Section

MAX_TEXT_CHARS = 50_000_000
"""The longest document that is taken over; a thousand pages have about three million."""

_MAX_FRAME_BYTES = 220_000_000
_LENGTH = struct.Struct(">I")
_PNG_HEAD = struct.Struct(">16s2I")  # signature and the first chunk's name, width, height
_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_NO_PICTURE = _PNG_HEAD.pack(_PNG_START, 1, 1)


class BrokenFrameError(Exception):
    """The other side sent something that is no frame, or what is no document."""


def send(stream: IO[bytes], message: dict[str, Any]) -> None:
    """Write one frame. Halves of surrogate pairs, which no store can hold, become "?"."""
    data = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, Any] | None:
    """Read one frame; None when the other side is gone, also in the middle of one.

    Raises:
        BrokenFrameError: it is too long, or no JSON object.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > _MAX_FRAME_BYTES:
        raise BrokenFrameError(f"a frame of {length:,} bytes")
    data = stream.read(length)
    if len(data) < length:
        return None
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenFrameError("a frame that is not JSON") from error
    if not isinstance(message, dict):
        raise BrokenFrameError("a frame that is no object")
    return message


def pack_document(document: Document) -> dict[str, Any]:
    """Turn a document into what JSON can say, with its sentences, found here."""
    return {
        "doc_id": document.doc_id,
        "title": document.title,
        "source": document.source,
        "text": document.text,
        "metadata": dict(document.metadata),
        "sections": [[s.title, s.level, s.start] for s in document.sections],
        "page_starts": list(document.page_starts),
        "sentences": base64.b64encode(bounds_of(sentences_of(document)).tobytes()).decode(),
    }


def unpack_document(packed: dict[str, Any], source: str) -> Document:
    """Make a document of what the child sent, if it is one and is of `source` or inside it.

    Raises:
        BrokenFrameError: a value of the wrong kind, or an offset outside the text.
    """
    text, metadata = packed.get("text"), packed.get("metadata")
    if not isinstance(text, str) or not isinstance(metadata, dict):
        raise BrokenFrameError("a document without text or metadata")
    names = [packed.get(key) for key in ("doc_id", "title", "source")]
    strings = [*names, *metadata, *metadata.values()]
    starts = packed.get("page_starts")
    try:
        sections = tuple(Section(title, level, start) for title, level, start in packed["sections"])
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenFrameError("sections that are none") from error
    offsets = [*(starts if isinstance(starts, list) else [-1]), *(s.start for s in sections)]
    sound = (
        all(isinstance(string, str) for string in strings)
        and all(type(offset) is int and 0 <= offset <= len(text) for offset in offsets)
        and all(isinstance(s.title, str) and type(s.level) is int for s in sections)
        and offsets[: len(starts or [])] == sorted(starts or [])
        and str(packed["source"]).startswith(as_text(source))
        and bool(packed["doc_id"])
    )
    if not sound:
        raise BrokenFrameError("a document with values of the wrong kind")
    return SentencedDocument(
        doc_id=packed["doc_id"],
        title=packed["title"],
        source=packed["source"],
        text=text,
        metadata=metadata,
        sections=sections,
        page_starts=tuple(starts or ()),
        bounds=_bounds(packed.get("sentences"), len(text)),
    )


def _bounds(packed: Any, length: int) -> array[int]:
    bounds: array[int] = array("I")
    try:
        bounds.frombytes(base64.b64decode(packed, validate=True))
    except (TypeError, ValueError) as error:
        raise BrokenFrameError("sentences that are none") from error
    starts, ends = bounds[::2], bounds[1::2]
    sound = (
        len(starts) == len(ends)
        and all(start < end for start, end in zip(starts, ends, strict=True))
        and all(end <= start for end, start in zip(ends, starts[1:], strict=False))
        and (not ends or ends[-1] <= length)
    )
    if not sound:
        raise BrokenFrameError("sentences outside the text")
    return bounds


def pack_problem(error: DocumentError) -> dict[str, Any]:
    """Turn a problem into what JSON can say."""
    return {"message": error.message, "hint": error.hint, "reason": error.reason}


def unpack_problem(packed: Any) -> DocumentError:
    """Make a problem of what the child sent, cut to a length that a person reads.

    Raises:
        BrokenFrameError: it is none.
    """
    values = [packed.get(key) for key in ("message", "hint", "reason")] if packed else []
    if len(values) != 3 or not all(isinstance(value, str) for value in values):
        raise BrokenFrameError("a problem with values of the wrong kind")
    message, hint, reason = (value[:2000] for value in values)
    return DocumentError(message, hint, reason=reason)


def pack_request(request: PageRequest) -> dict[str, Any]:
    """Turn a request for a page into what JSON can say."""
    return asdict(request)


def pack_view(view: PageView) -> dict[str, Any]:
    """Turn a page into what JSON can say."""
    return {
        "page": view.page,
        "size": [view.width, view.height],
        "boxes": [astuple(box) for box in view.boxes],
        "picture": base64.b64encode(view.picture).decode(),
    }


def unpack_view(packed: dict[str, Any], page: int) -> PageView:
    """Make a page of what the child sent, if it is that page and its picture a PNG, not too large.

    Raises:
        BrokenFrameError: it is not, or a box does not lie on it.
    """
    try:
        width, height = packed["size"]
        boxes = tuple(Box(*edges) for edges in packed["boxes"])
        picture = base64.b64decode(packed["picture"], validate=True)
        start, across, down = _PNG_HEAD.unpack_from(picture or _NO_PICTURE)
        numbers = [width, height, *(edge for box in boxes for edge in astuple(box))]
        sound = (
            packed["page"] == page
            and all(type(number) in (int, float) for number in numbers)
            and all(math.isfinite(number) for number in numbers)
            and width > 0
            and height > 0
            and start == _PNG_START
            and across * down <= 1.1 * MAX_PICTURE_PIXELS
            and len(picture) <= MAX_PICTURE_BYTES
            and len(boxes) <= MAX_BOXES
        )
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise BrokenFrameError("a page that is none") from error
    if not sound:
        raise BrokenFrameError("a page with values of the wrong kind")
    return PageView(page, width, height, boxes, picture)


def as_text(path: str) -> str:
    """Write a path as text: bytes that are no UTF-8 show as "?", as in a frame."""
    return path.encode("utf-8", "replace").decode("utf-8")


def out_of_memory(source: str, memory_bytes: int) -> DocumentError:
    """Report a file whose reading needs more memory than is given to one."""
    return DocumentError(
        f"{source}: reading it needs more than {memory_bytes / 2**20:,.0f} MB of memory.",
        "Split the file, or set FOOTNOTE_READ_MEMORY_MB higher if you trust it.",
        reason="memory-limit",
    )
