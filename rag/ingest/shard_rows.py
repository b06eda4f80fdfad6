"""What a row of a shard holds, made of what reading a file gave, and turned into that again."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.ingest.files import Step
from rag.ingest.reading import Part
from rag.ingest.sandbox import wire
from rag.store.records import Vectors, embedded_text, vector_key
from rag.types import Document, Passage

if TYPE_CHECKING:
    import pyarrow as pa

_SAME_MODEL = 0.999  # bfloat16 and float32 of one model agree to 0.9999
_PROBE = "Which harbour is deep enough for the ferry at low tide?"


@functools.cache
def schema(*, with_texts: bool = False) -> pa.Schema:
    """Return the columns of a shard; rows that are still to be embedded bring their texts."""
    import pyarrow as pa

    texts = pa.large_list(pa.large_string())
    columns: list[tuple[str, pa.DataType]] = [
        ("path", pa.string()),
        ("source", pa.string()),
        ("size_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("sha256", pa.string()),  # of the file as it was read; "" when it could not be opened
        ("number", pa.int64()),  # of the row among those of its file, from 0
        ("last", pa.bool_()),
        ("document", pa.large_string()),  # JSON, null where the row tells of a problem
        ("problem", pa.string()),  # JSON
        ("failed", pa.bool_()),
        ("passage_ids", texts),
        ("vector_keys", texts),
        ("texts", texts) if with_texts else ("vectors", pa.large_binary()),  # float16, row by row
    ]
    return pa.schema(columns if with_texts else [*columns, ("node", pa.string())])


def rows_of(
    step: Step, parts: Iterable[Part], cut: Callable[[Document], list[Passage]], model: str
) -> Iterator[dict[str, Any]]:
    """Turn what a file holds into rows, with the texts to embed; always one row at least."""
    row: dict[str, Any] = {
        **{name: getattr(step, name) for name in ("path", "source", "size_bytes", "mtime_ns")},
        "sha256": "",
        "number": 0,
        "last": False,
    }
    held = row
    number = 0
    for part in parts:
        row["sha256"] = part.sha256 or row["sha256"]
        if part.document is None and part.problem is None:
            continue
        if number:
            yield held
        held = row | {"number": number, "failed": part.failed} | _content(part, cut, model)
        number += 1
    yield held | {"last": True}


def _content(part: Part, cut: Callable[[Document], list[Passage]], model: str) -> dict[str, Any]:
    if part.problem is not None:
        return {"problem": json.dumps(wire.pack_problem(part.problem), ensure_ascii=False)}
    assert part.document is not None
    passages = cut(part.document)
    return {
        "document": json.dumps(wire.pack_document(part.document), ensure_ascii=False),
        "passage_ids": [passage.passage_id for passage in passages],
        "vector_keys": [vector_key(model, passage) for passage in passages],
        "texts": [embedded_text(passage) for passage in passages],
    }


def part_of(row: Mapping[str, Any], step: Step) -> Part:
    """Turn a row back into what reading the file gave, the vectors included.

    Raises:
        BrokenFrameError: the row is not one of the file's.
    """
    if row["problem"] is not None:
        problem = wire.unpack_problem(json.loads(row["problem"]))
        return Part(step, problem=problem, failed=bool(row["failed"]))
    if row["document"] is None:
        return Part(step)
    document = wire.unpack_document(json.loads(row["document"]), step.source)
    return Part(step, document=document, vectors=_vectors(row))


def _vectors(row: Mapping[str, Any]) -> dict[str, Vectors]:
    keys = row["vector_keys"]
    if not keys:
        return {}
    matrix = np.frombuffer(row["vectors"], dtype="<f2").reshape(len(keys), -1).astype(np.float32)
    return dict(zip(keys, matrix, strict=True))


def fingerprint_of(embed: Callable[[Sequence[str]], Vectors]) -> list[float]:
    """Return what a model makes of one sentence: only the same model says the same."""
    return [round(float(value), 5) for value in embed([_PROBE])[0]]


def same_model(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether two fingerprints are of one model, in whatever precision it computed."""
    return len(first) == len(second) and float(np.dot(first, second)) > _SAME_MODEL
