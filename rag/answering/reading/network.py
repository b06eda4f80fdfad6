"""The reading model's forward pass: a BERT encoder, a span head and an answerability head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.answering.reading.input import PAD, Window
from rag.bert import BertEncoder, cpu_computes_in_bfloat16

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_ENCODER = "encoder."
_SCALE = ".scale"


class Logits(NamedTuple):
    """What the network says of one window."""

    start: NDArray[np.float32]  # (passage tokens,)
    end: NDArray[np.float32]  # (passage tokens,)
    null: float  # start and end at [CLS] together: the empty span
    answerable: float


def pack_int8(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Store matrices as int8 with one scale a row; vectors stay as they are."""
    import torch

    packed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim < 2:
            packed[name] = weight.float().contiguous()
            continue
        scale = weight.float().abs().amax(dim=1).clamp(min=1e-8) / 127
        packed[name] = torch.round(weight.float() / scale[:, None]).to(torch.int8)
        packed[name + _SCALE] = scale
    return packed


def unpack(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo `pack_int8`, or widen bfloat16; returns float32."""
    weights = {}
    for name, weight in stored.items():
        if name.endswith(_SCALE):
            continue
        weights[name] = weight.float()
        if name + _SCALE in stored:
            weights[name] *= stored[name + _SCALE].float()[:, None]
    return weights


def fast_dtype() -> torch.dtype:
    """Return bfloat16 where the CPU computes in it, float32 where it would be slower."""
    import torch

    return torch.bfloat16 if cpu_computes_in_bfloat16() else torch.float32


class ReadingNetwork:
    """A BERT encoder with a span head and an answerability head; never changes once made."""

    def __init__(self, weights: Mapping[str, Tensor], heads: int, dtype: torch.dtype) -> None:
        named = {n.removeprefix(_ENCODER): w for n, w in weights.items() if n.startswith(_ENCODER)}
        self._encoder = BertEncoder(named, heads, dtype)
        self._heads = {n: w.to(dtype) for n, w in weights.items() if not n.startswith(_ENCODER)}

    def read(self, rows: Sequence[Window]) -> list[Logits]:
        """Return logits of windows of about the same length, in the order given."""
        import torch

        width = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), width), PAD)
        types, mask = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, : len(row.ids)] = torch.tensor(row.ids)
            types[i, row.passage_first : len(row.ids)] = 1
            mask[i, : len(row.ids)] = True
        with torch.inference_mode():
            hidden = self._encoder.encode(ids, types, mask)
            spans = self._head(hidden, "span").float().numpy()
            pooled = torch.tanh(self._head(hidden[:, 0], "pool"))
            answerable = self._head(pooled, "answerable").float()[:, 0].tolist()
        found = []
        for row, logits, score in zip(rows, spans, answerable, strict=True):
            own = logits[row.text_first : row.text_first + len(row.offsets)]
            found.append(Logits(own[:, 0], own[:, 1], float(logits[0].sum()), score))
        return found

    def _head(self, hidden: Tensor, name: str) -> Tensor:
        from torch.nn import functional

        heads = self._heads
        return functional.linear(hidden, heads[name + ".weight"], heads[name + ".bias"])
