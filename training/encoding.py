"""Examples as padded tensors, tokenised as the reader does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rag.answering.reading.input import PAD, windows
from rag.bert import load_tokenizer
from training.data import Example

TRAINING_TOKENS = 288
MULTIPLE = 8  # lengths are padded to multiples: few shapes keep the allocator calm


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example in tokens; `spans` are inclusive token pairs, (0, 0) if unanswerable."""

    ids: list[int]
    first: int  # of segment 1, the title and passage
    text_first: int  # of the passage itself
    spans: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded examples: the network's four inputs, and what it should say."""

    ids: Tensor
    types: Tensor
    mask: Tensor
    readable: Tensor
    starts: Tensor  # (rows, most spans), like `ends` and `valid`
    ends: Tensor
    valid: Tensor  # False where a row has fewer spans
    answerable: Tensor


def read_examples(path: Path) -> list[Example]:
    """Read a file that `training.data` wrote."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Example(**{**row, "spans": tuple(map(tuple, row["spans"]))}) for row in rows]


class Encoder:
    """Turn examples into tokens."""

    def __init__(self) -> None:
        self.tokenizer = load_tokenizer()

    def encode(self, example: Example) -> Encoded | None:
        """Return the tokens; None when the answer lies beyond the last token kept."""
        (rows,) = windows(self.tokenizer, example.question, [(example.title, example.text)])
        if not rows:
            return None
        row = rows[0]
        offsets = row.offsets[: TRAINING_TOKENS - row.text_first - 1]
        spans = []
        for start, end in example.spans:
            inside = [i for i, (s, e) in enumerate(offsets) if s < end and e > start]
            if inside and offsets[inside[-1]][1] >= end:
                spans.append((row.text_first + inside[0], row.text_first + inside[-1]))
        if example.spans and not spans:
            return None
        ids = [*row.ids[: row.text_first + len(offsets)], row.ids[-1]]
        return Encoded(ids, row.passage_first, row.text_first, spans or [(0, 0)])


def collate(rows: Sequence[Encoded]) -> Batch:
    """Pad examples to one length."""
    longest = max(len(row.ids) for row in rows)
    shape = (len(rows), -(-longest // MULTIPLE) * MULTIPLE)
    most = max(len(row.spans) for row in rows)
    ids = torch.full(shape, PAD)
    types, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    readable = torch.zeros(shape, dtype=torch.bool)
    starts, ends = torch.zeros((2, len(rows), most), dtype=torch.long)
    valid = torch.zeros((len(rows), most), dtype=torch.bool)
    for i, row in enumerate(rows):
        size = len(row.ids)
        ids[i, :size] = torch.tensor(row.ids)
        types[i, row.first : size] = 1
        mask[i, :size] = 1
        readable[i, row.text_first : size - 1] = True
        readable[i, 0] = True
        for j, (start, end) in enumerate(row.spans):
            starts[i, j], ends[i, j], valid[i, j] = start, end, True
    answerable = torch.tensor([float(row.spans != [(0, 0)]) for row in rows])
    return Batch(ids, types, mask, readable, starts, ends, valid, answerable)
