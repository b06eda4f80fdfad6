"""Embedding: text in, unit vectors out."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rag.bert import cpu_computes_in_bfloat16
from rag.errors import ModelError
from rag.retrieval.packaged import PACKAGED_MODEL, PackagedEncoder, packaged_folder
from rag.settings import keep_libraries_quiet
from rag.store.records import Vectors

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

# A batch this large, padding included, still fits a core's caches; larger ones are slower.
_BATCH_CHARS = 8000
_BATCH_TEXTS = 64
# So few texts are what a question or a small edit brings: not worth loading the library for.
_FEW_TEXTS = 16
_QUERIES_KEPT = 16


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
    cosine to float32 above 0.9999) and queries in float32; `bfloat16` decides otherwise. Passages
    keep every core busy with batches of their own, a query takes one. Queries and a few texts do
    without the library where the model is the packaged one. Loading happens at first use. May be
    shared between threads.

    Raises:
        ModelError: the model cannot be found or loaded.
    """

    def __init__(
        self,
        model: str = PACKAGED_MODEL,
        *,
        allow_downloads: bool = False,
        bfloat16: bool | None = None,
    ) -> None:
        self._model_name = model
        self._allow_downloads = allow_downloads
        self._bfloat16 = bfloat16
        self._lock = threading.Lock()
        self._quick: PackagedEncoder | None = None
        self._float32: Any = None
        self._bulk: Any = None
        self._pool: ThreadPoolExecutor | None = None
        # Search asks for a question's vector, and so does whoever compares sentences with it.
        self._query_vector = functools.lru_cache(_QUERIES_KEPT)(self._embed_query)

    @property
    def name(self) -> str:
        return self._model_name

    @property
    def dimension(self) -> int:
        quick = self._quick_encoder()
        return quick.dimension if quick else int(self._library().get_embedding_dimension())

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        result: Vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return result
        encode = self._for_passages(len(texts))

        def fill(indexes: Sequence[int]) -> None:
            result[indexes] = encode([texts[index] for index in indexes])

        for _ in self._workers().map(fill, batches([len(text) for text in texts], _cores())):
            pass  # what a worker raised is raised here
        return result

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._query_vector(text)
        return vector

    def _embed_query(self, text: str) -> Vectors:
        vector: Vectors
        if quick := self._quick_encoder():
            vector = quick.encode([text])[0]
        else:
            vector = _unit_rows(self._library().encode_query, [text])[0]
        vector.flags.writeable = False  # shared by all who ask for it
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

    def _quick_encoder(self) -> PackagedEncoder | None:
        with self._lock:
            if self._quick is None and self._model_name == PACKAGED_MODEL:
                self._quick = PackagedEncoder.load()
                _cores()
        return self._quick

    def _library(self) -> Any:
        with self._lock:
            if self._float32 is None:
                self._float32 = self._load()
        return self._float32

    def _for_passages(self, count: int) -> Callable[[list[str]], Vectors]:
        """Return what embeds passages, when there are so many of them."""
        if count <= _FEW_TEXTS and (quick := self._quick_encoder()):
            return quick.encode
        model = self._library()
        with self._lock:
            if self._bulk is None:
                wanted = self._bfloat16
                if cpu_computes_in_bfloat16() if wanted is None else wanted:
                    import torch

                    self._bulk = _warmed_up(self._load().to(torch.bfloat16))
                else:
                    self._bulk = model
        return functools.partial(_unit_rows, self._bulk.encode_document)

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_cores(), "embed")
        return self._pool

    def _load(self) -> Any:
        keep_libraries_quiet(allow_downloads=self._allow_downloads)
        from sentence_transformers import SentenceTransformer

        packaged = self._model_name == PACKAGED_MODEL
        location = str(packaged_folder()) if packaged else self._model_name
        try:
            model = SentenceTransformer(
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
        _cores()
        return _warmed_up(model)


def batches(lengths: Sequence[int], workers: int) -> Iterator[list[int]]:
    """Group texts of these lengths, by index, longest first, so that little is padding.

    A batch holds at most `_BATCH_CHARS` characters with each text padded to its longest (or a
    single text), and at most an equal share of all texts for each worker.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    most_chars = min(_BATCH_CHARS, -(-sum(lengths) // workers))
    most_texts = min(_BATCH_TEXTS, -(-len(lengths) // workers))
    start = 0
    while start < len(order):
        longest = max(1, lengths[order[start]])
        count = max(1, min(most_chars // longest, most_texts))
        yield order[start : start + count]
        start += count


def _unit_rows(encode: Callable[..., Any], texts: list[str]) -> Vectors:
    import torch

    vectors = encode(
        texts, batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False
    ).float()
    # Normalised here: in bfloat16 the model's own normalisation is off by a thousandth.
    rows: Vectors = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
    return rows


def _warmed_up(model: Any) -> Any:
    """Use the model once: the first use configures its tokenizer, which threads then share."""
    _unit_rows(model.encode_document, ["warm up"])
    return model


@functools.cache
def _cores() -> int:
    """Return how many cores to compute on, and have each torch call stay on its own thread.

    Threads with a batch each waste less than threads that share every matrix product, and a query
    that shares none does not wait for a busy neighbour. This is so for the whole process.
    """
    import torch

    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    return cores
