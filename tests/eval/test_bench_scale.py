"""What the benchmark of growth counts, by hand."""

from __future__ import annotations

import itertools

from eval.bench_arithmetic import flop_of_token
from eval.bench_scale import _overlap
from eval.bench_text import mixed_texts


def test_a_token_costs_what_its_matrices_have():
    # One layer of 2 numbers with 3 between: 4 matrices of 2 x 2 and two of 2 x 3 are 28 products;
    # attention of one token to 5 takes 2 x 5 x 2 = 20. Each product comes with an addition.
    assert flop_of_token(5, layers=1, hidden=2, between=3) == 2 * (28 + 20)
    # The packaged model: 21 million for the weights, as docs/decisions/003 has it.
    assert flop_of_token(0, layers=6, hidden=384, between=1536) == 21_233_664


def test_what_ties_with_the_last_wanted_is_no_miss():
    wanted = [("a", 0.9), ("b", 0.5)]
    assert _overlap([("a", 0.9), ("c", 0.5)], wanted) == 1.0
    assert _overlap([("a", 0.9), ("c", 0.4)], wanted) == 0.5


def test_mixed_texts_are_the_same_in_every_run_and_never_alike():
    first = list(itertools.islice(mixed_texts(sentences=200), 4))
    assert first == list(itertools.islice(mixed_texts(sentences=200), 4))
    assert len({text.text for text in first}) == len({text.name for text in first}) == 4
    assert all(len(text.text) <= 20_000 for text in first)
