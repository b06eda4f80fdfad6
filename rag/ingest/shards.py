"""Parquet shards: what other machines have read and embedded, on its way into the catalogue.

A shard holds rows, and a row is a document (with the ids of its passages and their vectors) or a
problem of one file. A manifest names the finished shards with their hashes, and what they were
made with. It is replaced as a whole after each shard, so what it names is complete.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import StoreError
from rag.ingest.files import Step, file_hash
from rag.ingest.reading import Part, PartsOf
from rag.ingest.shard_rows import part_of, same_model, schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_VERSION = 1
_MANIFEST = "manifest.json"
_GROUP_BYTES = 8 << 20
_SHARD_BYTES = 256 << 20
_GROUPS_KEPT = 4
_NOWHERE = (sys.maxsize,)

Place = tuple[int, int, int]
"""A shard, a row group of it, and a row of that."""


@dataclass(slots=True)
class _Held:
    """The rows of one state of a file: where each lies, and how many there are in all."""

    state: tuple[str, int, int]
    sha256: str
    places: dict[int, Place] = field(default_factory=dict)
    count: int | None = None

    @property
    def whole(self) -> bool:
        return len(self.places) == self.count


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A finished shard."""

    name: str
    sha256: str
    bytes: int
    rows: int
    passages: int


class Shards:
    """A folder of shards made with one model and one passage size.

    `fingerprint` is what `fingerprint_of` says of the model here.

    Raises:
        StoreError: the shards that the folder holds were made otherwise.
    """

    def __init__(
        self, folder: Path, written_with: Mapping[str, str], fingerprint: Sequence[float]
    ) -> None:
        self.folder = folder
        self._written_with = dict(written_with)
        self._fingerprint = list(fingerprint)
        self.records: list[ShardRecord] = []
        self._held: dict[str, _Held] = {}
        self._groups: OrderedDict[tuple[int, int], pa.Table] = OrderedDict()
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / _MANIFEST).exists():
            self._open()
        for path in folder.glob("*.part"):  # a run that was killed
            path.unlink()

    def _open(self) -> None:
        manifest = json.loads((self.folder / _MANIFEST).read_text(encoding="utf-8"))
        for name, found, wanted in (
            ("version", manifest["version"], _VERSION),
            *((k, manifest["written_with"].get(k), v) for k, v in self._written_with.items()),
        ):
            if found != wanted:
                raise self._other(f"with {name} = {found}; now it is {wanted}")
        if not same_model(manifest["fingerprint"], self._fingerprint):
            raise self._other("by another model of the same name")
        for record in (ShardRecord(**values) for values in manifest["shards"]):
            path = self.folder / record.name
            if path.exists() and file_hash(path) == record.sha256:  # else it is made again
                self.records.append(record)
                self._index(len(self.records) - 1)

    def _other(self, how: str) -> StoreError:
        return StoreError(
            f"The shards in {self.folder} were made {how}.",
            "Finish that ingest with its own settings, "
            "or delete this folder to have everything embedded again.",
        )

    def _index(self, shard: int) -> None:
        columns = ["path", "source", "size_bytes", "mtime_ns", "sha256", "number", "last"]
        with self._file(shard) as file:
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group, columns=columns).to_pylist()
                for place, row in enumerate(rows):
                    self._index_row(row, (shard, group, place))

    def _index_row(self, row: Mapping[str, Any], place: Place) -> None:
        state = (row["source"], row["size_bytes"], row["mtime_ns"])
        held = self._held.get(row["path"])
        if held is None or (held.state, held.sha256) != (state, row["sha256"]):
            held = self._held[row["path"]] = _Held(state, row["sha256"])
        held.places[row["number"]] = place
        if row["last"]:
            held.count = row["number"] + 1

    @contextmanager
    def _file(self, shard: int) -> Iterator[pq.ParquetFile]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.folder / self.records[shard].name) as file:
            yield file

    # -- what is there --------------------------------------------------------------------------

    def missing(self, steps: Iterable[Step]) -> list[Step]:
        """Return the steps whose files, as they are now, the shards do not hold whole."""
        return [step for step in steps if self._of(step) is None]

    def order(self, step: Step) -> tuple[int, ...]:
        """Say where a step's file lies, so that each shard is read once; files elsewhere last."""
        held = self._of(step)
        return _NOWHERE if held is None else held.places[0]

    def parts(self, step: Step, otherwise: PartsOf) -> Iterator[Part]:
        """Give what the shards hold of a file; what has changed since is read `otherwise`."""
        held = self._of(step)
        try:
            current = held is not None and file_hash(Path(step.path)) == held.sha256
        except OSError:
            current = False  # whoever reads it will say what is wrong with it
        if held is None or not current:
            yield from otherwise(step)
            return
        yield Part(step, sha256=held.sha256)
        for _, place in sorted(held.places.items()):
            yield part_of(self._row(place), step)

    def _of(self, step: Step) -> _Held | None:
        held = self._held.get(step.path)
        state = (step.source, step.size_bytes, step.mtime_ns)
        return held if held is not None and held.state == state and held.whole else None

    def _row(self, place: Place) -> dict[str, Any]:
        shard, group, row = place
        if (shard, group) not in self._groups:
            with self._file(shard) as file:
                self._groups[shard, group] = file.read_row_group(group)
            if len(self._groups) > _GROUPS_KEPT:
                self._groups.popitem(last=False)
        found: dict[str, Any] = self._groups[shard, group].slice(row, 1).to_pylist()[0]
        return found

    # -- writing ----------------------------------------------------------------------------------

    def write(self, tables: Iterable[pa.Table]) -> None:
        """Write tables into new shards, each named by the manifest when it is complete."""
        import pyarrow as pa

        waiting: list[pa.Table] = []
        writer: _Writer | None = None
        for table in tables:
            waiting.append(table)
            if sum(part.nbytes for part in waiting) >= _GROUP_BYTES:
                writer = writer or _Writer(self.folder, self._next_name())
                writer.write(pa.concat_tables(waiting))
                waiting.clear()
                if writer.bytes >= _SHARD_BYTES:
                    self._finish(writer)
                    writer = None
        if waiting:
            writer = writer or _Writer(self.folder, self._next_name())
            writer.write(pa.concat_tables(waiting))
        if writer is not None:
            self._finish(writer)

    def _next_name(self) -> str:
        taken = [int(path.stem) for path in self.folder.glob("*.parquet")]
        return f"{max(taken, default=0) + 1:06}.parquet"

    def _finish(self, writer: _Writer) -> None:
        self.records.append(writer.finish())
        manifest = {
            "version": _VERSION,
            "written_with": self._written_with,
            "fingerprint": self._fingerprint,
            "shards": [asdict(record) for record in self.records],
        }
        part = self.folder / f"{_MANIFEST}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.folder / _MANIFEST)
        self._index(len(self.records) - 1)

    def delete(self) -> None:
        """Take the shards away, once the catalogue holds what they held."""
        shutil.rmtree(self.folder)
        self.records.clear()
        self._held.clear()
        self._groups.clear()


class _Writer:
    """A shard in the making."""

    def __init__(self, folder: Path, name: str) -> None:
        import pyarrow.parquet as pq

        self._path = folder / name
        self._part = folder / f"{name}.part"
        self._file = self._part.open("wb")
        self._writer = pq.ParquetWriter(self._file, schema(), compression="zstd")
        self._rows = self._passages = 0

    @property
    def bytes(self) -> int:
        return self._file.tell()

    def write(self, table: pa.Table) -> None:
        import pyarrow.compute as pc

        self._rows += table.num_rows
        self._passages += pc.sum(pc.list_value_length(table["passage_ids"])).as_py() or 0
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def finish(self) -> ShardRecord:
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        digest = file_hash(self._part)
        self._part.replace(self._path)
        return ShardRecord(self._path.name, digest, size, self._rows, self._passages)
