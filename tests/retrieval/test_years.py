"""Questions that name a year."""

from __future__ import annotations

import pytest

from rag.retrieval.retriever import HybridRetriever
from rag.retrieval.years import BONUS, named_years, prefer_years, years
from rag.settings import Settings
from rag.store.indexes import Indexes
from rag.types import Passage


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
    in_2011 = frozenset({"2011"})
    ranking = [("a", 0.6), ("b", 0.5), ("c", 0.3)]
    named = {"a": frozenset({"2010"}), "b": in_2011, "c": frozenset({"2009", "2011"})}
    assert prefer_years(in_2011, ranking, named) == [
        ("b", pytest.approx((0.5 + 0.12) / 1.2)),
        ("a", pytest.approx(0.6 / 1.2)),
        ("c", pytest.approx((0.3 + 0.12) / 1.2)),
    ]


def test_ties_and_what_names_no_year_stay_in_place() -> None:
    ranking = [("a", 0.5), ("b", 0.5)]
    assert [one for one, _ in prefer_years(frozenset({"2011"}), ranking, {})] == ["a", "b"]
    assert prefer_years(frozenset({"2011"}), [], {}) == []


def test_a_passage_names_the_years_of_its_document_too() -> None:
    passage = Passage(
        "p", "d", "In 1999.", 0, 8, "Report of 2001", "a.txt", section="After 1987", date="2003-04"
    )
    assert named_years(passage) == {"1999", "2001", "1987", "2003"}


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
    without = HybridRetriever(
        catalog, indexes, embedder, search_k=50, dense_share=0.4, year_bonus=0.0
    )
    scores = [hit.score for hit in without.search(f"{query} in 1987?", 2).hits]
    assert scores != [hit.score for hit in in_1987]
    indexes.close()


def test_the_setting_is_the_bonus_that_was_measured():
    assert Settings().year_bonus == BONUS
