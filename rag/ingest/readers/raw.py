"""What every reader does first: bytes from a file, characters from bytes, clean characters."""

from __future__ import annotations

import codecs
import hashlib
import re
from pathlib import Path

from rag.errors import DocumentError

MAX_BYTES = 200_000_000
"""The largest single document that is read; JSONL is streamed and may be larger."""

_SAMPLE_BYTES = 256_000
_MAX_DAMAGED_SHARE = 0.005
_MAX_CONTROL_SHARE = 0.02  # random bytes hold 11 % control characters, text next to none

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a zip archive or an Office file"),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted Office file"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"\x1f\x8b", "a compressed file"),
    (b"SQLite format 3\x00", "a database"),
)
_CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1b"))
_NEWLINES = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Controls, marks of byte order and writing direction, and halves of surrogate pairs.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e01ef]"  # tags and selectors that spell words nobody sees
)


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of terminals
_COMMON = ("cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r")
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_HALF_WIDTH_CODES = ["shift_jis", "shift_jis_2004", "shift_jisx0213", "cp932"]


def document_id(path: Path) -> str:
    """Derive a file's document id from where it lies: 16 hex digits, however it is spelled."""
    return hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def read_bytes(path: Path, source: str) -> bytes:
    """Read a file whole.

    Raises:
        DocumentError: "missing", "unreadable" (no permission, not a file, a failing disk),
            "too-large" or "empty".
    """
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise _too_large(path.stat().st_size, source)
        data = path.read_bytes()
    except OSError as error:
        raise os_error(error, source) from error
    return sound_bytes(data, source)


def sound_bytes(data: bytes, source: str) -> bytes:
    """Give the bytes back, unless there is nothing in them.

    Raises:
        DocumentError: "empty", or "too-large".
    """
    if len(data) > MAX_BYTES:
        raise _too_large(len(data), source)
    if not data.strip(b"\x00 \t\r\n\x0b\x0c" + codecs.BOM_UTF8):
        raise empty(source)
    return data


def _too_large(size: int, source: str) -> DocumentError:
    return DocumentError(
        f"{source}: {size:,} bytes; at most {MAX_BYTES:,} are read.",
        "Split the file into smaller ones.",
        reason="too-large",
    )


def os_error(error: OSError, source: str) -> DocumentError:
    """Say in a person's words why the system would not open a file."""
    if isinstance(error, FileNotFoundError):
        return DocumentError(
            f"{source}: there is no such file.", "Check the path.", reason="missing"
        )
    if isinstance(error, PermissionError):
        return DocumentError(
            f"{source}: permission denied.", "Make the file readable.", reason="unreadable"
        )
    return DocumentError(
        f"{source}: cannot be read ({error.strerror or error}).",
        "Check that it is a file and that its disk works.",
        reason="unreadable",
    )


def empty(source: str) -> DocumentError:
    """Report a file that holds no text."""
    return DocumentError(
        f"{source}: holds no text.",
        "Put text into the file, or leave it out.",
        reason="empty",
    )


def decode(data: bytes, source: str, declared: str = "") -> str:
    """Decode bytes: a byte order mark decides, then strict UTF-8, then `declared`, then a guess.

    Raises:
        DocumentError: "binary" when the bytes are not text, "encoding" when no encoding fits.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if switching := _switching(data, declared):
        return switching
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    # A machine that lost its power leaves files whose ends are zeros.
    if text and _control_share(data.rstrip(b"\0")) <= _MAX_CONTROL_SHARE:
        return text
    wide = _utf16_without_mark(data)
    if wide:
        return data.decode(wide, "replace")
    _refuse_binary(data, source)
    return _as_declared(data, declared) or _mostly_utf8(data) or _guess(data, source)


def clean(text: str) -> str:
    """Make every line end "\\n" and drop control, direction and lone surrogate characters."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return _UNWANTED.sub("", _NEWLINES.sub("\n", text)) if text else text


def _is_half_width(text: str) -> bool:
    return 2 * len(_HALF_WIDTH.findall(text)) > sum(map(str.isalpha, text))


def _control_share(data: bytes) -> float:
    sample = data[:_SAMPLE_BYTES]
    return 1 - len(sample.translate(None, _CONTROL_BYTES)) / len(sample)


def _utf16_without_mark(data: bytes) -> str:
    """Name the UTF-16 that these bytes are, "" if neither: one byte of each pair is mostly 0."""
    sample = data[: _SAMPLE_BYTES - _SAMPLE_BYTES % 2]
    even, odd = sample[0::2], sample[1::2]
    if len(odd) < 4:
        return ""
    for high, low, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if high.count(0) > 0.7 * len(high) and low.count(0) < 0.05 * len(low):
            return encoding
    return ""


def _refuse_binary(data: bytes, source: str) -> None:
    kind = next((name for magic, name in _MAGIC if data.startswith(magic)), "")
    if kind or _control_share(data) > _MAX_CONTROL_SHARE:
        raise DocumentError(
            f"{source}: holds {kind or 'binary data'}, not text.",
            "Give the file the suffix of its real format, or save it as text.",
            reason="binary",
        )


def _switching(data: bytes, declared: str) -> str:
    """Decode what spells other scripts in ASCII, and so would pass for UTF-8; "" if it is not."""
    if b"\x1b$" in data[:_SAMPLE_BYTES]:
        return _as_declared(data, "iso2022_jp_ext") or _as_declared(data, "iso2022_kr")
    is_named = declared.lower() in ("utf-7", "hz-gb-2312") and data.isascii()
    return _as_declared(data, declared) if is_named else ""


def _as_declared(data: bytes, declared: str) -> str:
    try:
        return data.decode(declared or "ascii")
    except (LookupError, UnicodeError):
        return ""


def _mostly_utf8(data: bytes) -> str:
    """Decode UTF-8 that was damaged in a few places; "" when it is something else.

    Ten sound multi-byte characters for each damaged one: no other encoding looks like that.
    """
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    sound = sum(character > "\x7f" for character in text) - damaged
    return text if sound >= 10 * damaged else ""


def _guess(data: bytes, source: str) -> str:
    from charset_normalizer import from_bytes

    guesses = list(from_bytes(data[:_SAMPLE_BYTES]))
    if guesses and _is_half_width(str(guesses[0])):
        # Cyrillic in KOI8 reads as Japanese in letters of half width, which nobody writes alone.
        others = list(from_bytes(data[:_SAMPLE_BYTES], cp_exclusion=_HALF_WIDTH_CODES))
        guesses = others if others and others[0].coherence > 0 else guesses
    if guesses:
        best = guesses[0]
        same = [g for g in guesses if (g.chaos, g.coherence) == (best.chaos, best.coherence)]
        fitting = {name for g in same for name in (g.encoding, *g.could_be_from_charset)}
        # A text may fit several encodings equally well: the most common one wins.
        encoding = next((name for name in _COMMON if name in fitting), best.encoding)
        return data.decode(encoding, "replace")
    text = data.decode("utf-8", "replace")
    if text.count("\ufffd") <= _MAX_DAMAGED_SHARE * len(text):
        return text
    raise DocumentError(
        f"{source}: its characters are in no encoding that could be recognised.",
        "Save the file as UTF-8.",
        reason="encoding",
    )
