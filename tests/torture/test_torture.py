"""A sample of `make torture`: every run is the same, and short enough for every commit."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import psutil

from rag.ingest.readers import known_suffixes
from rag.ingest.sandbox import Limits
from tests.torture.bombs import BOMBS
from tests.torture.mutations import PACKED, mutants
from tests.torture.run import torture, write_all, write_bombs
from tests.torture.seeds import seeds

LIMITS = Limits(cpu_seconds=20, wall_seconds=60, tesseract=shutil.which("tesseract"))
ALIKE = {".text", ".markdown", ".htm", ".xhtml", ".ndjson", ".xlsm", ".jpeg", ".tiff", ".bmp",
         ".gif", ".webp", ".docm", ".pptm"}  # fmt: skip
QUICK = {
    "zip-ratio.docx": "too-large",
    "zip-nested-10.zip": "too-deep",
    "zip-overlapping.zip": "too-large",
    "mail-zip-bomb.eml": "read in part",
    "xml-laughs.docx": "unreadable",
    "xml-laughs.xlsx": "unreadable",
    "xml-external.pptx": "read",
    "xml-quadratic.docx": "unreadable",
    "html-deep.html": "too-deep",
    "json-deep.jsonl": "bad-record",
    "pdf-page-tree-cycle.pdf": "unreadable",
    "pdf-page-count.pdf": "no-text",
    "picture-huge.png": "too-large",
    "picture-claims.png": "too-large",
}


def test_there_is_a_seed_for_every_format_and_enough_bombs():
    assert set(seeds()) == known_suffixes() - ALIKE
    assert len(BOMBS) >= 30


def test_damage_is_the_same_in_every_run_and_of_all_kinds():
    first, second = list(mutants(200, seed=7)), list(mutants(200, seed=7))
    assert first == second
    ways = Counter(Path(name).stem.partition("-")[2] for name, _ in first)
    assert set(ways) == {"flip", "cut", "zero", "splice", "repeat", "inflate_numbers", "inside"}
    changed = [data != seeds()[Path(name).suffix] for name, data in first]
    assert sum(changed) > 150
    assert set(seeds()) > PACKED


def test_sound_files_are_read(tmp_path):
    files = []
    for suffix, data in seeds().items():
        path = tmp_path / f"seed{suffix}"
        path.write_bytes(data)
        if LIMITS.tesseract or suffix not in (".png", ".jpg", ".tif"):
            files.append((path.name, path))
    tally = torture(files, LIMITS)
    assert tally.outcomes == {"read": len(files)}
    assert tally.faults == []


def test_damaged_files_do_no_harm(tmp_path):
    tally = torture(write_all(tmp_path, 64, seed=11), LIMITS)
    assert tally.faults == []
    assert tally.files == 64
    assert tally.outcomes["crashed"] == 0


def test_bombs_do_no_harm(tmp_path):
    for name, expected in QUICK.items():
        tally = torture(write_bombs(tmp_path, [name]), LIMITS)
        assert tally.faults == [], name
        assert tally.outcomes == {expected: 1}, name
        assert tally.largest_child_bytes < LIMITS.memory_bytes, name


def test_the_parent_does_not_grow(tmp_path):
    torture(write_all(tmp_path, 16, seed=1), LIMITS)
    before = psutil.Process().memory_info().rss
    torture(write_all(tmp_path, 64, seed=12), LIMITS)
    assert psutil.Process().memory_info().rss - before < 50 * 2**20
