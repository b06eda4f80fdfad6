"""Text in pictures, through Tesseract, when it is installed."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

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


@dataclass(slots=True)
class Words:
    """A line of a picture: its words, where it lies (pixels from the top left), its paragraph.

    `places` are left, top, right and bottom of each word.
    """

    paragraph: tuple[str, str]
    left: int
    top: int
    right: int
    bottom: int
    words: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    places: list[tuple[int, int, int, int]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Recognised:
    """The lines of a picture, in reading order."""

    lines: tuple[Words, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The lines put together again, as Tesseract divides them."""
        grouped = groupby(self.lines, key=lambda line: line.paragraph)
        return tuple(" ".join(line.text for line in lines) for _, lines in grouped)


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


def mean_confidence(pages: Iterable[Recognised]) -> float:
    """Say how sure Tesseract is of all words together: 0 to 100."""
    sure = [value for page in pages for line in page.lines for value in line.confidences]
    return sum(sure) / len(sure) if sure else 0.0


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
    """Put Tesseract's table of words together again: pages of lines."""
    pages: dict[int, dict[tuple[str, ...], Words]] = {}
    for row in csv.reader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(row) != _COLUMNS or not row[1].isdecimal():
            continue
        page = pages.setdefault(int(row[1]), {})
        text = row[11].strip()
        if row[0] != _WORD or not text or float(row[10]) < _LEAST_CONFIDENCE:
            continue
        left, top, width, height = (int(value) for value in row[6:10])
        line = page.setdefault(
            tuple(row[2:5]), Words((row[2], row[3]), left, top, left + width, top + height)
        )
        line.right = max(line.right, left + width)
        line.top, line.bottom = min(line.top, top), max(line.bottom, top + height)
        line.words.append(text)
        line.places.append((left, top, left + width, top + height))
        line.confidences.append(float(row[10]))
    return [Recognised(tuple(page.values())) for _, page in sorted(pages.items())]
