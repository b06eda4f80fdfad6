"""Questions that name a year."""

from __future__ import annotations

import pytest

from rag.retrieval.retriever import HybridRetriever
from rag.retrieval.years import prefer_years, years
from rag.store.indexes import Indexes


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


def test_a_question_with_a_year_finds_the_passage_of_that_year_first(catalog, embedder, put):
    put("report", "Apples, pears and plums: which sold best.")
    put("history", "Apples, pears and plums of 1987.")
    indexes = Indexes(catalog, catalog.path.parent)
    indexes.follow()
    search = HybridRetriever(catalog, indexes, embedder, search_k=50, dense_share=0.4).search
    query = "Which apples, pears and plums sold best"
    assert search(query, 2).hits[0].passage.doc_id == "report"
    in_1987 = search(f"{query} in 1987?", 2).hits
    assert [hit.passage.doc_id for hit in in_1987] == ["history", "report"]
    assert all(0 <= hit.score <= 1 for hit in in_1987)
    indexes.close()
