from __future__ import annotations

import pytest

from rag.retrieval.fusion import reciprocal_rank_fusion, score_fusion


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


def test_scores_are_scaled_and_added():
    fused = score_fusion(
        [("a", 0.8), ("b", 0.5), ("c", 0.2)], [("b", 12.0), ("d", 3.0)], dense_share=0.4
    )
    assert [item for item, _ in fused] == ["b", "a", "d", "c"]
    # b: 0.4 x (0.5 - 0.2) / (0.8 - 0.2) + 0.6 x 12 / 12; d: 0.6 x 3 / 12
    assert dict(fused) == pytest.approx({"b": 0.8, "a": 0.4, "d": 0.15, "c": 0.0})


def test_the_range_of_a_models_cosines_does_not_matter():
    lexical = [("b", 2.0), ("a", 1.0)]
    wide = score_fusion([("a", 0.9), ("b", 0.1), ("c", -0.1)], lexical, dense_share=0.4)
    narrow = score_fusion([("a", 0.89), ("b", 0.81), ("c", 0.79)], lexical, dense_share=0.4)
    assert dict(wide) == pytest.approx(dict(narrow))


def test_a_single_find_of_either_search_counts_in_full():
    assert score_fusion([("a", 0.3)], [("b", 0.01)], dense_share=0.4) == [("b", 0.6), ("a", 0.4)]


@pytest.mark.parametrize(("dense", "lexical"), [([("a", 0.5), ("b", 0.4)], []), ([], [("a", 5.0)])])
def test_one_search_alone_keeps_its_order(dense, lexical):
    assert [i for i, _ in score_fusion(dense, lexical, dense_share=0.4)] == [
        i for i, _ in dense or lexical
    ]


def test_equal_scores_keep_the_order_of_first_appearance():
    assert [i for i, _ in score_fusion([("x", 0.5), ("y", 0.5)], [], dense_share=0.4)] == ["x", "y"]
    assert score_fusion([], [], dense_share=0.4) == []
