"""Vectors from the words alone: no model, no quality to speak of, thousands of texts a second.

For trying out everything around an embedding model (storage, speed, crashes) without one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from rag.store.records import Vectors

HASHING_MODEL = "hashing"
_DIMENSION = 64
_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """Feature hashing of words (Weinberger et al. 2009): a signed count in one of 64 places."""

    name = HASHING_MODEL

    def __init__(self, dimension: int = _DIMENSION) -> None:
        """`dimension` is how many places there are; a store holds vectors of one dimension."""
        self.dimension = dimension

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        vector = np.zeros(self.dimension, dtype=np.float32)
        for word in _WORD.findall(text.casefold()):
            code = zlib.crc32(word.encode("utf-8", "surrogatepass"))
            vector[code % self.dimension] += 1.0 if code & 0x8000_0000 else -1.0
        length = float(np.linalg.norm(vector))
        if not length:
            vector[0] = length = 1.0
        unit: Vectors = (vector / length).astype(np.float32)
        return unit
