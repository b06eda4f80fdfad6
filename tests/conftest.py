"""What tests share: an embedder whose vectors can be computed by hand, and small documents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.store.catalog import Catalog
from rag.store.records import content_hash, embedded_text, vector_key
from rag.types import Document, Passage

PROJECT = Path(__file__).resolve().parent.parent


class WordEmbedder:
    """Counts four words: a text is a direction in the space of apple, pear, plum and fig.

    Other texts get a fifth direction of their own, so every vector has length 1.
    """

    words = ("apple", "pear", "plum", "fig")
    name = "words"
    dimension = 5

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += texts
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> np.ndarray:
        counts = [float(text.lower().count(word)) for word in self.words]
        vector = np.array([*counts, 0.0 if any(counts) else 1.0], dtype=np.float32)
        return vector / np.linalg.norm(vector)


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "store" / "catalog.sqlite3")
    yield catalog
    catalog.close()


def make_passages(document: Document, *texts: str) -> list[Passage]:
    """Cut a document into passages that hold the given texts, in order."""
    passages, position = [], 0
    for text in texts:
        start = document.text.index(text, position)
        position = start + len(text)
        passages.append(
            Passage(
                passage_id=f"{document.doc_id}/{text}",
                doc_id=document.doc_id,
                text=text,
                start=start,
                end=position,
                title=document.title,
                source=document.source,
            )
        )
    return passages


@pytest.fixture
def put(catalog: Catalog, embedder: WordEmbedder) -> Callable[..., Document]:
    """Store a document whose passages are its lines."""

    def put(
        doc_id: str, text: str, title: str = "", collection: str = "default", **metadata: str
    ) -> Document:
        document = Document(doc_id, title, f"{doc_id}.txt", text, metadata)
        passages = {p.passage_id: p for p in make_passages(document, *text.splitlines())}
        keyed = {key: (p, vector_key("words", p)) for key, p in passages.items()}
        vectors = {key: embedder.embed_query(embedded_text(p)) for p, key in keyed.values()}
        catalog.put(
            document,
            keyed,
            vectors,
            path=f"/files/{doc_id}.txt",
            content_hash=content_hash(document),
            collection=collection,
        )
        return document

    return put


@pytest.fixture(scope="session")
def footnote() -> list[str]:
    """The command that runs this checkout's Footnote."""
    return [sys.executable, "-c", "from rag.cli import main; main()"]
