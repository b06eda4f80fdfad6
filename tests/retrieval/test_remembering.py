"""Vectors that are kept: the same as before, embedded once, and not for ever."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from rag.retrieval.hashing import HashingEmbedder
from rag.retrieval.remembering import Remembering
from rag.store.records import Vectors


class Counting(HashingEmbedder):
    """Embeds by hashed words, and writes down what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        return super().embed_passages(texts)


def test_rows_are_those_of_the_embedder_in_the_order_given():
    inner = Counting()
    remembering = Remembering(inner)
    texts = ["the crane", "the harbour", "the crane", ""]
    expected = HashingEmbedder().embed_passages(texts)
    np.testing.assert_array_equal(remembering.embed_passages(texts), expected)
    np.testing.assert_array_equal(remembering.embed_passages(texts[::-1]), expected[::-1])
    assert inner.given == ["the crane", "the harbour", ""]
    assert remembering.embed_passages([]).shape == (0, inner.dimension)
    np.testing.assert_array_equal(remembering.embed_query("crane"), inner.embed_query("crane"))


def test_the_text_asked_for_the_longest_ago_is_forgotten_first():
    inner = Counting()
    remembering = Remembering(inner, kept=2)
    for text in ("one", "two", "one", "three", "one", "two"):
        remembering.embed_passages([text])
    assert inner.given == ["one", "two", "three", "two"]


def test_more_texts_than_are_kept_are_all_answered():
    remembering = Remembering(HashingEmbedder(), kept=2)
    texts = ["one", "two", "three"]
    expected = HashingEmbedder().embed_passages(texts)
    np.testing.assert_array_equal(remembering.embed_passages(texts), expected)


def test_what_a_caller_does_to_its_rows_changes_no_other_answer():
    remembering = Remembering(HashingEmbedder())
    first = remembering.embed_passages(["the crane"])
    expected = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(remembering.embed_passages(["the crane"]), expected)


@pytest.mark.parametrize("kept", [1, 100])
def test_threads_share_it(kept: int):
    remembering = Remembering(HashingEmbedder(), kept=kept)
    texts = [f"word{number % 7} and word{number % 5}" for number in range(60)]
    expected = HashingEmbedder().embed_passages(texts)
    wrong: list[int] = []

    def ask(offset: int) -> None:
        for number in range(offset, 60):
            if not np.array_equal(remembering.embed_passages([texts[number]])[0], expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(offset,)) for offset in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
