from __future__ import annotations

import numpy as np
import pytest

from eval.tools.precision import folded, fused, nearest
from rag.settings import Settings


def test_the_nearest_come_first_and_equal_ones_in_order():
    matrix = np.array([[0.6, 0.8], [1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
    found = nearest(["a", "b", "c"], matrix, {"q": np.array([0.0, 1.0], dtype=np.float32)})
    assert [passage for passage, _ in found["q"]] == ["a", "c", "b"]
    assert [score for _, score in found["q"]] == pytest.approx([0.8, 0.8, 0.0])


def test_fusing_is_the_products_and_looks_at_as_many():
    settings = Settings(dense_share=0.5, search_k=2)
    dense = [("a", 0.9), ("b", 0.5), ("c", 0.4)]
    lexical = [("b", 4.0), ("a", 1.0), ("d", 0.5)]
    # a: 0.5 x 1 + 0.5 x 1/4; b: 0.5 x 0 + 0.5 x 1; c and d are third.
    assert fused(dense, lexical, settings) == [("a", 0.625), ("b", 0.5)]


def test_a_document_stands_where_its_best_passage_does():
    owner = {"p1": "x", "p2": "y", "p3": "x"}
    assert folded([("p2", 3.0), ("p1", 2.0), ("p3", 1.0)], owner) == ["y", "x"]
