"""E-mails: who, when, about what, the words, and the attachments."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from rag.errors import DocumentError
from rag.ingest.readers.archive import unknown_formats
from rag.ingest.readers.container import Container
from rag.ingest.readers.mail_body import body_of, bytes_of, parts_of
from rag.ingest.readers.original import Original, safe_name
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.packed import DAMAGE, damaged
from rag.ingest.readers.raw import clean
from rag.types import Document

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_MAX_HEADER_CHARS = 1000
_MESSAGE = "message/rfc822"
_TRANSFER = (*DAMAGE, RecursionError)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_SUFFIXES = {
    "application/pdf": ".pdf",
    f"{_OFFICE}.wordprocessingml.document": ".docx",
    f"{_OFFICE}.presentationml.presentation": ".pptx",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    "application/zip": ".zip",
    "text/csv": ".csv",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tiff",
}
_LOCKED = frozenset(
    {"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"}
)
# What programs add by themselves: signatures, keys, visiting cards, appointments.
_FURNITURE = frozenset({".p7s", ".p7m", ".asc", ".sig", ".pgp", ".gpg", ".vcf", ".ics"})


class MailReader(Container):
    """Reads .eml. Attachments of known formats become documents: "mail.eml!/report.pdf"."""

    suffixes = frozenset({".eml"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data = original.read()
        try:
            message = message_from_bytes(data, policy=policy.default)
            said = {name: _header(message, name) for name in _HEADERS}
            body, used = body_of(message, original.source)
        except _TRANSFER as error:
            raise damaged(original.source, "e-mail", error) from error
        if not any(said.values()):
            raise DocumentError(
                f"{original.source}: is no e-mail: it begins without From, To, Date or Subject.",
                "Give the file the suffix of its real format.",
                reason="unreadable",
            )
        yield _document(original, said, body)
        yield from self._attachments(original, message, used)

    def _attachments(
        self, original: Original, message: EmailMessage, used: set[int]
    ) -> Iterator[Document | DocumentError]:
        unknown: list[str] = []
        forwarded = 0
        for number, part in enumerate(parts_of(message), start=1):
            if id(part) in used:
                continue
            if part.get_content_type() in _LOCKED:
                yield _locked(original.source)
                continue
            forwarded += part.get_content_type() == _MESSAGE
            name = PurePosixPath(_file_name(part, number, forwarded))
            if name.name and self._knows(name):
                yield from self._attached(original, part, str(name))
            elif name.name and name.suffix.lower() not in _FURNITURE:
                unknown.append(name.suffix.lower() or name.name)
        if unknown:
            yield unknown_formats(original.source, unknown)

    def _attached(
        self, original: Original, part: Message, name: str
    ) -> Iterator[Document | DocumentError]:
        try:
            data = bytes_of(part)
        except _TRANSFER as error:
            yield damaged(f"{original.source}!/{name}", "attachment", error)
            return
        for item in self.documents_of(original.member(name, data)):
            if not (isinstance(item, DocumentError) and _is_ornament(part, item)):
                yield item


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


def _file_name(part: Message, number: int, forwarded: int) -> str:
    """Name an attachment: as it is, by its format where that is known, "" where neither says."""
    kind = part.get_content_type()
    if kind == _MESSAGE:
        return f"forwarded-{forwarded}.eml"
    suffix = _SUFFIXES.get(kind, "")
    name = safe_name(str(part.get_filename() or ""), "")
    if not name:
        return f"attachment-{number}{suffix}" if suffix else ""
    return name if PurePosixPath(name).suffix else name + suffix


def _locked(source: str) -> DocumentError:
    return DocumentError(
        f"{source}: its words are encrypted.",
        "Open it in the program that has the key, and save its words from there.",
        reason="encrypted",
    )


def _is_ornament(part: Message, problem: DocumentError) -> bool:
    """Whether a picture without words belongs to the look of an e-mail."""
    is_inline = part.get_content_disposition() == "inline" or part.get("Content-ID") is not None
    is_picture = part.get_content_maintype() == "image"
    return is_picture and is_inline and problem.reason in ("no-text", "unreadable", "empty")
