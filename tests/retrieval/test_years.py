"""Questions that name a year."""

from __future__ import annotations

import pytest

from rag.retrieval.years import prefer_years, years


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("In April 2011 and in 1066.", {"2011", "1066"}),
        ("2,011 people, number 20115, part A2011", set()),
        ("the 2009-2010 season", {"2009", "2010"}),
        ("3000 and 0999", set()),
    ],
)
def test_years_are_four_figures_by_themselves(text: str, found: set[str]) -> None:
    assert years(text) == found


def test_a_year_lifts_by_a_fifth_of_the_best_score() -> None:
    texts = {"a": "Held in 2010.", "b": "Held in 2011.", "c": "Held again in 2011."}
    ranking = [("a", 0.6), ("b", 0.5), ("c", 0.3)]
    assert prefer_years(frozenset({"2011"}), ranking, texts) == [
        ("b", pytest.approx((0.5 + 0.12) / 1.2)),
        ("a", pytest.approx(0.6 / 1.2)),
        ("c", pytest.approx((0.3 + 0.12) / 1.2)),
    ]


def test_ties_and_what_has_no_text_stay_in_place() -> None:
    ranking = [("a", 0.5), ("b", 0.5)]
    assert [one for one, _ in prefer_years(frozenset({"2011"}), ranking, {})] == ["a", "b"]
    assert prefer_years(frozenset({"2011"}), [], {}) == []
