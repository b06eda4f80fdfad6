"""Text in pictures, through Tesseract, when it is installed."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from rag.errors import DocumentError

MAX_PIXELS = 100_000_000
_LEAST_CONFIDENCE = 30.0  # of 100: below, Tesseract reads letters into specks
_PAGE_SECONDS = 60.0
_COLUMNS = 12
_WORD = "5"


def _nothing() -> None:
    """Do nothing."""


@dataclass(slots=True)
class Setup:
    """How pictures are read in this process; the one that watches over it sets it up.

    `on_page` is called before each picture, so that time may be granted anew.
    """

    find: Callable[[], str | None]
    languages: str = "eng"
    on_page: Callable[[], None] = _nothing


@cache
def find_tesseract() -> str | None:
    """Return where Tesseract is installed, or None."""
    return shutil.which("tesseract")


setup = Setup(find_tesseract)


@dataclass(frozen=True, slots=True)
class Recognised:
    """The paragraphs of a picture, and how sure Tesseract is of its words: 0 to 100."""

    paragraphs: tuple[str, ...]
    confidence: float

    @property
    def words(self) -> int:
        """How many words there are."""
        return sum(len(paragraph.split()) for paragraph in self.paragraphs)


def recognise(picture: bytes, source: str) -> list[Recognised]:
    """Read the words in a picture; a TIFF file may hold several.

    Raises:
        DocumentError: "no-ocr", "time-limit", or "unreadable": Tesseract does not know the format.
    """
    program = setup.find()
    if program is None:
        raise no_ocr(source, "is a picture")
    setup.on_page()
    try:
        done = subprocess.run(
            [program, "stdin", "stdout", "-l", setup.languages, "--psm", "3", "tsv"],
            input=picture,
            capture_output=True,
            timeout=_PAGE_SECONDS,
            env={"OMP_THREAD_LIMIT": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_slow(source) from error
    if done.returncode < 0:
        raise _too_slow(source)
    if done.returncode:
        raise DocumentError(
            f"{source}: Tesseract cannot read this picture "
            f"({done.stderr.decode('utf-8', 'replace').strip()[-200:]}).",
            "Open it in its own program and save it as PNG.",
            reason="unreadable",
        )
    return _pages(done.stdout.decode("utf-8", "replace"))


def mean_confidence(pages: Sequence[Recognised]) -> float:
    """Say how sure Tesseract is of all words together: 0 to 100."""
    words = sum(page.words for page in pages)
    return sum(page.confidence * page.words for page in pages) / words if words else 0.0


def no_ocr(source: str, what: str) -> DocumentError:
    """Report a file whose words are pictures, where nothing can read those."""
    return DocumentError(
        f"{source}: {what}, and no program that reads text in pictures is installed.",
        "Install Tesseract (Debian, Ubuntu: apt install tesseract-ocr; macOS: brew install "
        "tesseract), then run footnote ingest again.",
        reason="no-ocr",
    )


def _too_slow(source: str) -> DocumentError:
    return DocumentError(
        f"{source}: Tesseract took longer than {_PAGE_SECONDS:.0f} s for one page.",
        "Scan it at 200 to 300 dots per inch.",
        reason="time-limit",
    )


def _pages(table: str) -> list[Recognised]:
    """Put Tesseract's table of words together again: pages of paragraphs of lines."""
    words: dict[int, dict[tuple[str, str], list[str]]] = {}
    sure: dict[int, list[float]] = {}
    for row in csv.reader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(row) != _COLUMNS or not row[1].isdecimal():
            continue
        page = words.setdefault(int(row[1]), {})
        if row[0] == _WORD and row[11].strip() and float(row[10]) >= _LEAST_CONFIDENCE:
            page.setdefault((row[2], row[3]), []).append(row[11].strip())
            sure.setdefault(int(row[1]), []).append(float(row[10]))
    return [
        Recognised(
            paragraphs=tuple(" ".join(paragraph) for paragraph in page.values()),
            confidence=sum(sure.get(number, [0.0])) / len(sure.get(number, [0.0])),
        )
        for number, page in sorted(words.items())
    ]
