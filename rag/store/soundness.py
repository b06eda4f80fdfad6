"""Whether files are as they were left, seen before a library that trusts them opens them.

Measured on chromadb 1.5.9: with half of `data_level0.bin` gone it finds 55 % of the neighbours and
says nothing; with a stretch of `link_lists.bin` overwritten it ends the process.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

_BLOCK_BYTES = 1 << 20
Checksums = dict[str, list[int]]  # relative path: [size in bytes, CRC-32]


def graph_checksums(folder: Path) -> Checksums:
    """Sum up the files of Chroma's graphs that have been written down; others are remade."""
    return {
        str(path.relative_to(folder)): [path.stat().st_size, _crc32(path)]
        for metadata in folder.glob("*/index_metadata.pickle")
        for path in sorted(metadata.parent.iterdir())
    }


def graphs_are_as_left(folder: Path, recorded: Mapping[str, list[int]]) -> bool:
    """Compare the graphs' files with what `graph_checksums` recorded."""
    try:
        return graph_checksums(folder) == recorded
    except OSError:
        return False


def is_sound_database(path: Path) -> bool:
    """Whether a SQLite file is there and its pages hang together."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            value = zlib.crc32(block, value)
    return value
