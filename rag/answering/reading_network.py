"""The reading model's forward pass, as functions over a table of weights.

Written out rather than built from a model library: reading needs no training, and a question
should not wait seconds for a library to load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.answering.reading_input import PAD, Window

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_EPSILON = 1e-12
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

    try:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    except AttributeError:  # private names: they may go
        native = False
    return torch.bfloat16 if native else torch.float32


class ReadingNetwork:
    """A BERT encoder with a span head and an answerability head; never changes once made."""

    def __init__(self, weights: Mapping[str, Tensor], heads: int, dtype: torch.dtype) -> None:
        import torch

        self._heads = heads
        table = {name: weight.to(dtype) for name, weight in weights.items()}
        layer = "encoder.encoder.layer."
        self._layers = 1 + max(int(n.split(".")[3]) for n in table if n.startswith(layer))
        for i in range(self._layers):
            for part in ("weight", "bias"):
                # One product instead of three.
                base = f"{layer}{i}.attention.self."
                three = [table.pop(f"{base}{name}.{part}") for name in ("query", "key", "value")]
                table[f"{base}qkv.{part}"] = torch.cat(three)
        self._weights = table

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
            hidden = self._encode(ids, types, mask)
            spans = self._linear(hidden, "span").float().numpy()
            pooled = torch.tanh(self._linear(hidden[:, 0], "pool"))
            answerable = self._linear(pooled, "answerable").float()[:, 0].tolist()
        found = []
        for row, logits, score in zip(rows, spans, answerable, strict=True):
            own = logits[row.text_first : row.text_first + len(row.offsets)]
            found.append(Logits(own[:, 0], own[:, 1], float(logits[0].sum()), score))
        return found

    def _encode(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        from torch.nn import functional

        weights, name = self._weights, "encoder.embeddings."
        hidden = functional.embedding(ids, weights[name + "word_embeddings.weight"])
        hidden = hidden + functional.embedding(
            types, weights[name + "token_type_embeddings.weight"]
        )
        hidden = hidden + weights[name + "position_embeddings.weight"][: ids.shape[1]]
        hidden = self._norm(hidden, name + "LayerNorm")
        seen = None if bool(mask.all()) else mask[:, None, None, :]
        for i in range(self._layers):
            hidden = self._layer(hidden, seen, f"encoder.encoder.layer.{i}.")
        return hidden

    def _layer(self, hidden: Tensor, seen: Tensor | None, name: str) -> Tensor:
        from torch.nn import functional

        rows, width, size = hidden.shape
        both = self._linear(hidden, name + "attention.self.qkv")
        # (3, rows, heads, tokens, numbers a head)
        query, key, value = both.view(rows, width, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        mixed = mixed.transpose(1, 2).reshape(rows, width, size)
        mixed = self._linear(mixed, name + "attention.output.dense")
        hidden = self._norm(hidden + mixed, name + "attention.output.LayerNorm")
        inner = functional.gelu(self._linear(hidden, name + "intermediate.dense"))
        inner = self._linear(inner, name + "output.dense")
        return self._norm(hidden + inner, name + "output.LayerNorm")

    def _linear(self, hidden: Tensor, name: str) -> Tensor:
        from torch.nn import functional

        weights = self._weights
        return functional.linear(hidden, weights[name + ".weight"], weights[name + ".bias"])

    def _norm(self, hidden: Tensor, name: str) -> Tensor:
        from torch.nn import functional

        weight, bias = self._weights[name + ".weight"], self._weights[name + ".bias"]
        return functional.layer_norm(hidden, weight.shape, weight, bias, _EPSILON)
