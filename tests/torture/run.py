"""Read damaged and hostile files as an ingest does, and say what came of it.

`python -m tests.torture.run --count 1000` (or `make torture`). Exit code 1 when something broke
that must not: the parent, a limit, or a file without a reason.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rag.errors import DocumentError
from rag.ingest.passages import split
from rag.ingest.sandbox import Limits, Sandbox
from rag.types import Document
from tests.torture.bombs import BOMBS
from tests.torture.mutations import mutants
from tests.torture.seeds import TEXT, seeds

_CHECK_EVERY = 50
_SLACK_SECONDS = 10.0  # for a loaded machine, and to start and to end a process


@dataclass
class Tally:
    """What happened to files, and what must never happen."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    slowest_split: tuple[float, str] = (0.0, "")
    largest_child_bytes: int = 0

    @property
    def files(self) -> int:
        return sum(self.outcomes.values())


def torture(files: Iterable[tuple[str, Path]], limits: Limits) -> Tally:
    """Read files in one sandbox, as an ingest would; a sound file now and then must be read too."""
    tally = Tally()
    with Sandbox(limits) as sandbox:
        for number, (name, path) in enumerate(files):
            read_one(sandbox, name, path, tally)
            if number % _CHECK_EVERY == 0:
                _check_sound(sandbox, path.parent, name, tally)
    return tally


def read_one(sandbox: Sandbox, name: str, path: Path, tally: Tally) -> None:
    """Read a file and split its documents; everything but a DocumentError is a fault."""
    started = time.monotonic()
    outcome = "read"
    documents: list[Document] = []
    problems: list[DocumentError] = []
    try:
        for item in sandbox.read(path, name):
            (problems if isinstance(item, DocumentError) else documents).append(item)  # type: ignore[arg-type]
    except DocumentError as error:
        problems.append(error)
        outcome = error.reason
    except Exception as error:  # noqa: BLE001 - that nothing else comes is what is tested
        tally.faults.append(f"{name}: {type(error).__name__} {error}")
        outcome = "FAULT"
    if outcome == "read" and problems:
        outcome = "read in part" if documents else problems[0].reason
    seconds = time.monotonic() - started
    tally.outcomes[outcome] += 1
    tally.slowest = max(tally.slowest, (seconds, name))
    tally.largest_child_bytes = max(tally.largest_child_bytes, _child_bytes())
    if any(not (p.reason and p.message and p.hint) for p in problems):
        tally.faults.append(f"{name}: a problem without reason, message or hint")
    if seconds > len([*documents, *problems, 1]) * sandbox.limits.wall_seconds + _SLACK_SECONDS:
        tally.faults.append(f"{name}: {seconds:.0f} s is beyond its limit")
    for document in documents:
        began = time.monotonic()
        passages = split(document, passage_chars=1000, overlap_chars=0)
        tally.slowest_split = max(tally.slowest_split, (time.monotonic() - began, name))
        if "root:x:" in document.text:
            tally.faults.append(f"{name}: another file was read by way of this one")
        if any(document.text[p.start : p.end] != p.text for p in passages):
            tally.faults.append(f"{name}: a passage is not where it says")


def _check_sound(sandbox: Sandbox, folder: Path, after: str, tally: Tally) -> None:
    path = folder / "sound.txt"
    path.write_text(TEXT, encoding="utf-8")
    try:
        (document,) = sandbox.read(path, "sound.txt")
        sound = isinstance(document, Document) and document.text == TEXT
    except DocumentError:
        sound = False
    if not sound:
        tally.faults.append(f"after {after}: a sound file was not read")


def _child_bytes() -> int:
    """Say how much the largest child process of this one has held at most."""
    peaks = [0]
    for child in psutil.Process().children(recursive=True):
        try:
            status = Path(f"/proc/{child.pid}/status").read_text()
        except OSError:
            continue
        peaks += [1024 * int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line]
    return max(peaks)


def write_all(folder: Path, count: int, seed: int) -> Iterable[tuple[str, Path]]:
    """Write damaged files one at a time, each in the place of the last of its format."""
    for name, data in mutants(count, seed):
        path = folder / f"mutant{Path(name).suffix}"
        path.write_bytes(data)
        yield name, path


def write_bombs(folder: Path, names: Iterable[str] = tuple(BOMBS)) -> Iterable[tuple[str, Path]]:
    """Write bombs, one at a time."""
    for name in names:
        path = folder / f"bomb{Path(name).suffix}"
        BOMBS[name](path)
        yield name, path
        path.unlink()


def main() -> None:
    """Run, print figures, and exit with 1 when there were faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="damaged files")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--no-bombs", action="store_true")
    options = parser.parse_args()
    limits = Limits(tesseract=shutil.which("tesseract"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        warm = torture(write_all(folder, len(seeds()), seed=1), limits)
        before = psutil.Process().memory_info().rss
        damaged = torture(write_all(folder, options.count, options.seed), limits)
        grown = psutil.Process().memory_info().rss - before
        _print("Damaged files", damaged, grown)
        bombs = Tally()
        if not options.no_bombs:
            # Making a bomb takes memory in this process; what is compared begins after that.
            before = psutil.Process().memory_info().rss
            bombs = torture(write_bombs(folder), limits)
            _print("Bombs", bombs, psutil.Process().memory_info().rss - before)
    faults = warm.faults + damaged.faults + bombs.faults
    print(f"Faults: {len(faults)}")
    print("\n".join(faults[:50]))
    sys.exit(1 if faults else 0)


def _print(title: str, tally: Tally, grown: int) -> None:
    print(f"{title}: {tally.files}")
    for outcome, count in tally.outcomes.most_common():
        print(f"  {count:>6}  {outcome}")
    print(f"  slowest {tally.slowest[0]:.1f} s ({tally.slowest[1]}); slowest to split "
          f"{tally.slowest_split[0]:.1f} s ({tally.slowest_split[1]})")  # fmt: skip
    print(f"  largest child {tally.largest_child_bytes / 2**20:.0f} MB; "
          f"parent grew by {grown / 2**20:.0f} MB", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
