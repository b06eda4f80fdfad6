from __future__ import annotations

import pytest

from rag.retrieval.fusion import reciprocal_rank_fusion


def test_scores_are_the_sums_of_reciprocal_ranks():
    fused = reciprocal_rank_fusion([["a", "b"], ["b", "c"]])
    assert [item for item, _ in fused] == ["b", "a", "c"]
    assert dict(fused) == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})


def test_weights_and_k():
    fused = reciprocal_rank_fusion([["a"], ["b"]], weights=[1.0, 3.0], k=0)
    assert fused == [("b", 3.0), ("a", 1.0)]


def test_ties_keep_the_order_of_first_appearance():
    assert [i for i, _ in reciprocal_rank_fusion([["x"], ["y"]])] == ["x", "y"]


def test_nothing_found_is_nothing():
    assert reciprocal_rank_fusion([[], []]) == []
