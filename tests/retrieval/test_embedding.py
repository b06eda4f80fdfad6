"""The packaged model: what its vectors are, and that batching and precision do not change them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError
from rag.retrieval.embedding import SentenceTransformerEmbedder, batches
from rag.retrieval.packaged import PackagedEncoder, packaged_folder

TEXTS = [
    "The harbour froze in the winter of 1947.",
    "A recipe for lentil soup with cumin and lemon. " * 12,
    "",
    "Ships could not leave port because of the ice, so the mail came by sledge. " * 3,
    "Photosynthesis turns light into chemical energy.",
]


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(bfloat16=False)


@pytest.fixture(scope="module")
def vectors(embedder):
    return embedder.embed_passages(TEXTS * 4)[:5]  # many enough for the library


@pytest.mark.model
def test_rows_have_unit_length(embedder, vectors):
    assert vectors.shape == (len(TEXTS), embedder.dimension) == (5, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.model
def test_order_is_kept_whatever_the_lengths(embedder, vectors):
    alone = np.stack([embedder.embed_passages([text])[0] for text in TEXTS])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01, "the rows differ, so their order shows"


@pytest.mark.model
def test_a_query_finds_its_passage(embedder, vectors):
    scores = vectors @ embedder.embed_query("Why was mail not carried by ship?")
    assert scores.argmax() == 3


@pytest.mark.model
def test_a_query_is_embedded_once_for_all_who_ask(embedder):
    vector = embedder.embed_query("Where is the pear?")
    assert embedder.embed_query("Where is the pear?") is vector
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1.0


def test_queries_and_few_texts_have_the_vectors_of_the_library():
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(packaged_folder()), device="cpu")
    queries = ["ice", "What did the U.S. say about naïve café owners in 東京?", "", "word " * 400]
    expected = library.encode_query(queries, normalize_embeddings=True)
    encoder = PackagedEncoder.load()
    alone = np.stack([encoder.encode([query])[0] for query in queries])
    assert alone.dtype == np.float32
    np.testing.assert_allclose(alone, expected, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(queries), expected, atol=1e-6)


@pytest.mark.model
def test_bfloat16_is_close_to_float32(vectors):
    found = SentenceTransformerEmbedder(bfloat16=True).embed_passages(TEXTS * 4)[:5]
    cosines = (found * vectors).sum(axis=1)
    assert cosines.mean() > 0.9999
    assert cosines.min() < 1 - 1e-7, "bfloat16 was really used"
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.model
def test_no_texts_give_no_rows(embedder):
    assert embedder.embed_passages([]).shape == (0, 384)


@pytest.mark.model
def test_langchain_sees_the_same_vectors(embedder, vectors):
    adapter = embedder.as_langchain()
    assert adapter.embed_documents(TEXTS[:1])[0] == pytest.approx(vectors[0].tolist(), abs=1e-5)
    assert adapter.embed_query("ice") == pytest.approx(embedder.embed_query("ice").tolist())


@pytest.mark.model
@pytest.mark.parametrize("empty", [True, False])
def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path, empty):
    folder = tmp_path if empty else tmp_path / "nothing"
    with pytest.raises(ModelError) as caught:
        SentenceTransformerEmbedder(str(folder)).embed_query("anything")
    assert str(folder) in caught.value.message
    assert "FOOTNOTE_ALLOW_DOWNLOADS" in caught.value.hint


def test_batches_hold_texts_of_like_length():
    # 8000 characters: two of 3000 with padding, then 2 x 2500 more would fit, 4 x 10 share one.
    lengths = [10, 3000, 2500, 10, 3000, 2500, 10, 10]
    assert list(batches(lengths, 1)) == [[1, 4], [2, 5, 0], [3, 6, 7]]


def test_every_worker_gets_a_share():
    assert [len(batch) for batch in batches([100] * 10, 2)] == [5, 5]
    assert [len(batch) for batch in batches([100] * 10, 4)] == [2, 2, 2, 2, 2]


def test_a_text_that_is_too_long_is_a_batch_of_its_own():
    assert list(batches([50_000, 0], 1)) == [[0], [1]]


def test_no_texts_are_no_batches():
    assert list(batches([], 2)) == []
