"""What an ingest costs when little has changed: 10,000 files again, one paragraph of 1,000 pages.

The vectors are made of words (no model), since nothing, or nearly nothing, is to be embedded; the
times are those of the `footnote` command as a whole, its start-up included.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_FILES = 10_000
_FILES_PER_FOLDER = 100
_PAGES = 1000
_PARAGRAPHS_PER_PAGE = 4
_FOOTNOTE = [sys.executable, "-c", "from rag.cli import main; main()"]
_WORDS = """apple river copper window harvest signal winter ladder market engine forest lantern
teacher bridge violin pepper harbor saddle meadow cotton""".split()  # noqa: SIM905


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=_FILES)
    parser.add_argument("--pages", type=int, default=_PAGES)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        unchanged(Path(folder) / "many", given.files)
        edited(Path(folder) / "long", given.pages)


def unchanged(work: Path, files: int) -> None:
    """Ingest many small files twice and print what the second time took."""
    draw = random.Random(1)
    for number in range(files):
        path = work / "docs" / f"{number // _FILES_PER_FOLDER:03}" / f"{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Note {number}. {_paragraph(draw)}", encoding="utf-8")
    first, _ = _ingest(work, "docs")
    # A file that has just been written may change within the same tick of the clock, so its bytes
    # are looked at again; after two seconds its time and size are enough.
    time.sleep(2.5)
    again, embedded = _ingest(work, "docs")
    print(f"{files:,} files, the first time      {first:7.1f} s, without a model")
    print(f"{files:,} files, unchanged           {again:7.1f} s, {embedded} passages embedded")


def edited(work: Path, pages: int) -> None:
    """Ingest a long document, edit one paragraph, and print how much was embedded anew."""
    draw = random.Random(2)
    paragraphs = [_paragraph(draw) for _ in range(pages * _PARAGRAPHS_PER_PAGE)]
    (work / "docs").mkdir(parents=True)
    path = work / "docs" / "book.md"
    path.write_text("# A long book\n\n" + "\n\n".join(paragraphs), encoding="utf-8")
    _, whole = _ingest(work, "docs")
    paragraphs[len(paragraphs) // 2] = "This paragraph is new. " + _paragraph(draw)
    path.write_text("# A long book\n\n" + "\n\n".join(paragraphs), encoding="utf-8")
    seconds, embedded = _ingest(work, "docs")
    print(
        f"1 paragraph of {pages:,} pages edited {seconds:7.1f} s, "
        f"{embedded} of {whole:,} passages embedded"
    )


def _paragraph(draw: random.Random) -> str:
    return " ".join(
        f"The {draw.choice(_WORDS)} met the {draw.choice(_WORDS)} at number "
        f"{draw.randrange(10_000)} of the {draw.choice(_WORDS)}."
        for _ in range(8)
    )


def _ingest(work: Path, folder: str) -> tuple[float, int]:
    """Run the command; returns its seconds and how many passages it embedded."""
    (work / "footnote.toml").write_text('embedding_model = "hashing"\n', encoding="utf-8")
    started = time.perf_counter()
    done = subprocess.run(
        [*_FOOTNOTE, "ingest", folder, "--data-dir", "store"],
        cwd=work,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    embedded = re.search(r"(\d+) +embedded", " ".join(done.stdout.split()))
    if embedded is None:
        raise SystemExit(f"The report has another form: {done.stdout}")
    return seconds, int(embedded[1])


if __name__ == "__main__":
    main()
