"""The words of an e-mail: which of its parts they are, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.html import drop_hidden, parse_page
from rag.ingest.readers.raw import clean, decode
from rag.ingest.readers.tree import HTML, walk

_MAX_PARTS = 1000
_WORDS = ("text/plain", "text/html")
_STUB_SHARE = 0.1  # plain words that are fewer than this of the HTML's say where to read it
_STUB_CHARS = 300
_SIGNATURE = "-- "


def parts_of(message: Message) -> Iterator[Message]:
    """Yield the parts that hold no others, in order; forwarded e-mails are not looked into."""
    waiting: list[Any] = [message]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        if part.get_content_maintype() == "multipart":
            waiting += reversed(children_of(part))
        else:
            yield part


def children_of(part: Message) -> list[Message]:
    """Give the parts right inside a part; of one whose marks are missing, none."""
    inner = part.get_payload()
    return [item for item in inner if isinstance(item, Message)] if isinstance(inner, list) else []


def bytes_of(part: Message) -> bytes:
    """Give what a part holds; of a forwarded e-mail, all of it."""
    if part.get_content_type() == "message/rfc822":
        return next((inner.as_bytes() for inner in children_of(part)), b"")
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def body_of(message: Message, source: str) -> tuple[str, set[int]]:
    """Give the words of an e-mail, and the ids of the parts that hold them.

    What is there as plain words and as HTML is read as plain words, unless there are hardly any.
    """
    pieces: list[str] = []
    used: set[int] = set()
    waiting: list[Any] = [message]
    for _ in range(_MAX_PARTS):
        if not waiting:
            break
        part = waiting.pop()
        if part.get_content_type() == "multipart/alternative":
            words, of_it = _best(part, source)
            pieces.append(words)
            used |= of_it
        elif part.get_content_maintype() == "multipart":
            waiting += reversed(children_of(part))
        elif _is_words(part):
            pieces.append(_words(part, source))
            used.add(id(part))
    return "\n\n".join(filter(None, pieces)), used


def _is_words(part: Message) -> bool:
    return part.get_content_type() in _WORDS and part.get_content_disposition() != "attachment"


def _best(part: Message, source: str) -> tuple[str, set[int]]:
    """Choose among parts that say the same."""
    said: dict[str, tuple[str, set[int]]] = {}
    for child in children_of(part):
        kind = child.get_content_type()
        if child.get_content_maintype() == "multipart":
            said.setdefault("text/html", body_of(child, source))
        elif kind in _WORDS and _is_words(child):
            said.setdefault(kind, (_words(child, source), {id(child)}))
    plain, html = said.get("text/plain", ("", set())), said.get("text/html", ("", set()))
    is_stub = len(plain[0]) < _STUB_SHARE * len(html[0]) and len(plain[0]) < _STUB_CHARS
    return (html if is_stub else plain)[0], plain[1] | html[1]


def _words(part: Message, source: str) -> str:
    declared = str(part.get_content_charset() or "")
    data = bytes_of(part)
    if not data.strip():
        return ""
    text = clean(decode(data, source, declared if declared.isascii() else ""))
    if part.get_content_subtype() == "html":
        return _html_words(text, source)
    if str(part.get_param("format", "")).lower() == "flowed":
        text = _unflowed(text, str(part.get_param("delsp", "")).lower() == "yes")
    return text.strip()


def _html_words(markup: str, source: str) -> str:
    try:
        page = parse_page(markup, source)
    except DocumentError as error:
        if error.reason == "empty":
            return ""
        raise
    drop_hidden(page)
    return walk(page, HTML).finish()[0].strip()


def _unflowed(text: str, joined: bool) -> str:
    """Put lines together again that were broken only to be sent (RFC 3676)."""
    lines: list[str] = []
    soft = False
    depth = 0
    for raw in text.split("\n"):
        bare = raw.lstrip(">")
        own_depth = len(raw) - len(bare)
        bare = bare.removeprefix(" ")
        if soft and own_depth == depth and bare != _SIGNATURE:
            lines[-1] += bare
        else:
            lines.append("> " * bool(own_depth) + bare)
        depth = own_depth
        soft = bare.endswith(" ") and bare != _SIGNATURE
        if soft and joined:
            lines[-1] = lines[-1][:-1]
    return "\n".join(line.rstrip() for line in lines)
