"""E-mails: who, when, about what, the words, and the attachments."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers.container import Container
from rag.ingest.readers.html import drop_hidden, parse_page
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.packed import DAMAGE, damaged
from rag.ingest.readers.raw import clean, decode
from rag.ingest.readers.tree import HTML, walk
from rag.types import Document

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_MAX_HEADER_CHARS = 1000
_MAX_PARTS = 1000
_MESSAGE = "message/rfc822"
_TRANSFER = (*DAMAGE, RecursionError)


class MailReader(Container):
    """Reads .eml. Attachments of known formats become documents: "mail.eml!/report.pdf"."""

    suffixes = frozenset({".eml"})
    version = 1

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data = original.read()
        try:
            message = message_from_bytes(data, policy=policy.default)
            said = {name: _header(message, name) for name in _HEADERS}
            body = _body(message, original.source)
        except _TRANSFER as error:
            raise damaged(original.source, "e-mail", error) from error
        if not any(said.values()):
            raise DocumentError(
                f"{original.source}: is no e-mail: it begins without From, To, Date or Subject.",
                "Give the file the suffix of its real format.",
                reason="unreadable",
            )
        yield _document(original, said, body)
        yield from self._attachments(original, message)

    def _attachments(
        self, original: Original, message: EmailMessage
    ) -> Iterator[Document | DocumentError]:
        forwarded = 0
        for part in _parts(message):
            forwarded += part.get_content_type() == _MESSAGE
            name = _file_name(part, forwarded)
            if name and self._knows(PurePosixPath(name)):
                try:
                    data = _bytes(part)
                except _TRANSFER as error:
                    yield damaged(f"{original.source}!/{name}", "attachment", error)
                else:
                    yield from self.documents_of(original.member(name, data))


def _document(original: Original, said: dict[str, str], body: str) -> Document:
    builder = TextBuilder()
    builder.heading(said["Subject"], 1)
    for name in _HEADERS[:4]:
        if said[name]:
            builder.line(f"{name}: {said[name]}")
    builder.gap()
    for paragraph in body.split("\n\n"):
        builder.paragraph(paragraph)
    text, sections = builder.finish()
    metadata = {"title": said["Subject"], "author": said["From"], "to": said["To"]}
    metadata["date"] = _iso_day(said["Date"])
    kept = {name: value for name, value in metadata.items() if value}
    return original.document(text, kept, sections=sections)


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(clean(str(message.get(name, "")))[:_MAX_HEADER_CHARS].split())


def _iso_day(date: str) -> str:
    try:
        return parsedate_to_datetime(date).date().isoformat()
    except (ValueError, TypeError, OverflowError):
        return ""


def _body(message: EmailMessage, source: str) -> str:
    """Choose the plain words of an e-mail, else those of its HTML; "" when it has none."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    declared = str(part.get_content_charset() or "")
    data = _bytes(part)
    if not data.strip():
        return ""
    text = clean(decode(data, source, declared if declared.isascii() else ""))
    if part.get_content_subtype() == "html":
        page = parse_page(text, source)
        drop_hidden(page)
        text, _ = walk(page, HTML).finish()
    return text.strip()


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    """Yield every part that may be an attachment; forwarded e-mails are not looked into."""
    waiting: list[Any] = [message]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        if part.get_content_maintype() == "multipart":
            inner = part.get_payload()
            waiting += reversed(inner if isinstance(inner, list) else [])
        elif part is not message:
            yield part


def _file_name(part: EmailMessage, number: int) -> str:
    if part.get_content_type() == _MESSAGE:
        return f"forwarded-{number}.eml"
    return str(part.get_filename() or "")


def _bytes(part: Message) -> bytes:
    if part.get_content_type() == _MESSAGE:
        inner = part.get_payload()
        inner = inner[0] if isinstance(inner, list) and inner else None
        return inner.as_bytes() if isinstance(inner, Message) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
