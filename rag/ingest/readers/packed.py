"""Zip archives, looked over before anything in them is unpacked.

Word, PowerPoint, Excel and EPUB files are such archives too.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import BinaryIO

from rag.errors import DocumentError

MAX_UNPACKED_BYTES = 200_000_000
"""What an office file may unpack to, and one member of an archive."""

MAX_ARCHIVE_BYTES = 1_000_000_000
MAX_PARTS = 10_000
MAX_RATIO = 200
"""How many times larger than packed a part may be; Word's own stay below 30."""

_FREE_BYTES = 1_000_000  # small parts may pack as well as they like
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")

# What the zip and XML layers raise over damaged bytes; lxml's syntax error is a SyntaxError.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
)


def check_archive(data: bytes, source: str, what: str = "Word document") -> None:
    """Refuse, before anything is unpacked, what is no zip archive or unpacks to too much.

    Raises:
        DocumentError: "encrypted", "truncated", "unreadable" or "too-large".
    """
    with open_archive(io.BytesIO(data), source, what, most_bytes=MAX_UNPACKED_BYTES) as archive:
        if any(part.flag_bits & 1 for part in archive.infolist()):
            raise encrypted(source)


def open_archive(file: BinaryIO, source: str, what: str, *, most_bytes: int) -> zipfile.ZipFile:
    """Open an archive whose parts, by what it says of them, are few and small enough.

    What it says is binding: zipfile never unpacks more of a part than that.

    Raises:
        DocumentError: "encrypted", "truncated", "unreadable" or "too-large".
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        file.seek(0)
        raise _not_an_archive(file.read(50_000_000), source, what) from error
    parts = archive.infolist()
    total = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS:
        raise _too_large(source, f"holds {len(parts):,} parts; at most {MAX_PARTS:,}")
    if total > most_bytes or any(_is_swollen(part) for part in parts):
        raise _too_large(
            source,
            f"unpacks to {total:,} bytes; at most {most_bytes:,} and {MAX_RATIO} times the "
            "packed size",
        )
    if _overlap(parts):
        raise _too_large(source, "uses the same bytes for several parts; none of them")
    return archive


def read_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, source: str) -> bytes:
    """Unpack one part.

    Raises:
        DocumentError: "encrypted", "too-large" or "unreadable" (damaged, or packed in a rare way).
    """
    if part.flag_bits & 1:
        raise encrypted(source)
    if part.file_size > MAX_UNPACKED_BYTES:
        raise _too_large(source, f"unpacks to {part.file_size:,} bytes; at most 200,000,000")
    try:
        return archive.read(part)
    except DAMAGE as error:
        raise damaged(source, "zip archive", error) from error


def damaged(source: str, what: str, error: BaseException) -> DocumentError:
    """Report an office file, archive or e-mail that its library gives up on."""
    return DocumentError(
        f"{source}: is not a sound {what} ({type(error).__name__}).",
        "Open it in its own program and save it again.",
        reason="unreadable",
    )


def encrypted(source: str) -> DocumentError:
    """Report a file that needs a password."""
    return DocumentError(
        f"{source}: is protected with a password.",
        "Save a copy without the password.",
        reason="encrypted",
    )


def _is_swollen(part: zipfile.ZipInfo) -> bool:
    return part.file_size > max(_FREE_BYTES, MAX_RATIO * part.compress_size)


def _overlap(parts: list[zipfile.ZipInfo]) -> bool:
    """Tell whether parts share packed bytes, as in bombs that unpack one kernel many times."""
    end = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.header_offset < end:
            return True
        end = part.header_offset + part.compress_size
    return False


def _too_large(source: str, what: str) -> DocumentError:
    return DocumentError(
        f"{source}: {what} are read.",
        "Remove large pictures, split it, or unpack it and add the folder.",
        reason="too-large",
    )


def _not_an_archive(data: bytes, source: str, what: str) -> DocumentError:
    if data.startswith(_OLE) and _ENCRYPTED_PART in data:
        return encrypted(source)
    if data.startswith(b"PK"):
        return DocumentError(
            f"{source}: the end of the file is missing.",
            "Copy or download it again.",
            reason="truncated",
        )
    found = "a file of an old Office (.doc, .xls, .ppt)" if data.startswith(_OLE) else f"no {what}"
    return DocumentError(
        f"{source}: is {found}, whatever its name says.",
        "Open it in its own program and save it in the format of its suffix.",
        reason="unreadable",
    )
