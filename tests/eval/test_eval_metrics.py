"""Measures against published examples, hand computation and an independent implementation."""

from __future__ import annotations

import random

import pytest
import pytrec_eval

from eval.metrics.abstention import (
    abstention,
    auroc,
    recall_at_false_abstention,
    risk_coverage,
    risk_coverage_area,
)
from eval.metrics.calibration import brier_score, expected_calibration_error, reliability
from eval.metrics.citations import citation_scores, lexical_support, quote_share
from eval.metrics.coverage import coverage, merge
from eval.metrics.ranking import ranking_scores
from eval.metrics.spans import contains_answer, exact_match, normalise, token_f1


def test_ndcg_matches_scikit_learns_documented_example():
    grades = {"a": 10, "b": 0, "c": 0, "d": 1, "e": 5}
    scores = ranking_scores({"q": grades}, {"q": ["e", "d", "c", "b", "a"]})
    assert scores["q"]["ndcg@10"] == pytest.approx(0.69569, abs=1e-5)


def test_reciprocal_rank_matches_the_example_of_wikipedia():
    qrels = {"cat": {"cats": 1}, "torus": {"tori": 1}, "virus": {"viruses": 1}}
    rankings = {
        "cat": ["catten", "cati", "cats"],
        "torus": ["torii", "tori", "toruses"],
        "virus": ["viruses", "virii", "viri"],
    }
    scores = ranking_scores(qrels, rankings)
    assert sum(s["mrr@10"] for s in scores.values()) / 3 == pytest.approx(11 / 18)


def test_recall_and_hit_count_only_what_stands_within_the_cutoff():
    scores = ranking_scores({"q": {"a": 1, "b": 1}}, {"q": ["x", "a", "y", "b"]}, cutoffs=(1, 3, 5))
    assert [scores["q"][f"recall@{k}"] for k in (1, 3, 5)] == [0.0, 0.5, 1.0]
    assert [scores["q"][f"hit@{k}"] for k in (1, 3, 5)] == [0.0, 1.0, 1.0]


def test_a_question_without_ranking_is_zero_and_one_without_relevant_is_left_out():
    scores = ranking_scores({"lost": {"a": 1}, "none": {"a": 0}}, {"none": ["a"]})
    assert set(scores) == {"lost"}
    assert set(scores["lost"].values()) == {0.0}
    assert ranking_scores({}, {}) == {}


def test_a_unit_listed_twice_counts_where_it_stands_first():
    twice = ranking_scores({"q": {"a": 1, "b": 1}}, {"q": ["a", "a", "b"]})
    once = ranking_scores({"q": {"a": 1, "b": 1}}, {"q": ["a", "b"]})
    assert twice == once


def test_ranking_agrees_with_pytrec_eval_to_a_millionth():
    rng = random.Random(7)
    qrels, rankings = {}, {}
    for i in range(50):
        pool = [f"d{j}" for j in range(40)]
        qrels[f"q{i}"] = {d: rng.randint(0, 3) for d in rng.sample(pool, 8)} | {"d0": 1}
        rankings[f"q{i}"] = rng.sample(pool, rng.randint(1, 40))
    ours = ranking_scores(qrels, rankings, cutoffs=(5,))
    runs = {
        q: {d: 1.0 / rank for rank, d in enumerate(docs, start=1)} for q, docs in rankings.items()
    }
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recall.5", "success.5"})
    for qid, expected in theirs.evaluate(runs).items():
        assert ours[qid]["ndcg@10"] == pytest.approx(expected["ndcg_cut_10"], abs=1e-6)
        assert ours[qid]["recall@5"] == pytest.approx(expected["recall_5"], abs=1e-6)
        assert ours[qid]["hit@5"] == pytest.approx(expected["success_5"], abs=1e-6)


def test_exact_match_and_f1_match_the_documented_example_of_the_squad_metric():
    # The example of the `squad` metric in Hugging Face's evaluate: EM = F1 = 66.67.
    predictions = ["1976", "Beyonce", "climate change"]
    references = [["1976"], ["Beyoncé and Bruno Mars"], ["climate change"]]
    pairs = list(zip(predictions, references, strict=True))
    assert sum(exact_match(p, r) for p, r in pairs) / 3 == pytest.approx(2 / 3)
    assert sum(token_f1(p, r) for p, r in pairs) / 3 == pytest.approx(2 / 3)


def test_normalise_works_as_the_official_script():
    assert normalise("The  Cat, an animal; sat.") == "cat animal sat"
    assert normalise("U.S.-China") == "uschina"
    assert normalise("“quoted”") == "“quoted”"  # only ASCII punctuation goes


def test_token_f1_counts_repeated_words_and_takes_the_best_reference():
    # 2 shared of 3 found and 2 wanted: precision 2/3, recall 1.
    assert token_f1("new new york", ["new york", "boston"]) == pytest.approx(0.8)
    assert token_f1("york york", ["york"]) == pytest.approx(2 / 3)


def test_no_answer_is_right_only_when_nothing_is_said():
    assert exact_match("", []) == token_f1("", []) == 1.0
    assert exact_match("the", ["a"]) == 1.0  # both empty once normalised, as officially
    assert token_f1("Paris", []) == 0.0
    assert token_f1("", ["Paris"]) == 0.0


def test_contains_answer_wants_whole_words_in_order():
    assert contains_answer("It began on May 26, 2010, in Beijing.", ["May 26 2010"])
    assert not contains_answer("He paid 140 dollars.", ["40"])
    assert not contains_answer("York New", ["New York"])
    assert not contains_answer("anything", ["the", ""])


def test_citation_scores_follow_the_definitions_of_alce():
    def supports(evidence, sentence):
        return set(sentence) <= set(evidence)

    # "ab" needs both of its citations; "c" is supported by one, and the other is superfluous.
    scores = citation_scores([("ab", ["a", "b"]), ("c", ["c", "x"]), ("d", [])], supports)
    assert scores.recall == pytest.approx(2 / 3)
    assert scores.precision == pytest.approx(3 / 4)


def test_citations_of_an_unsupported_sentence_are_all_imprecise():
    scores = citation_scores([("ab", ["a"]), ("c", ["c"])], lambda e, s: set(s) <= set(e))
    assert (scores.recall, scores.precision) == (0.5, 0.5)


def test_two_citations_that_each_suffice_are_both_precise():
    scores = citation_scores([("a", ["a", "a"])], lambda e, s: set(s) <= set(e))
    assert scores.precision == 1.0


def test_an_answer_without_sentences_or_citations():
    nothing = citation_scores([])
    assert (nothing.recall, nothing.precision) == (None, None)
    bare = citation_scores([("Paris is in France.", [])])
    assert (bare.recall, bare.precision) == (0.0, 0.0)


def test_lexical_support_needs_three_quarters_of_the_words_and_every_number():
    evidence = "The talks in Beijing were held on 27 April 2011."
    assert lexical_support(evidence, "Talks were held in Beijing.")
    assert not lexical_support(evidence, "Talks were held in Beijing on 28 April.")
    assert not lexical_support(evidence, "Washington hosted Beijing's talks.")  # 2 of 4 words


def test_quote_share_finds_whole_cut_and_inner_pieces():
    assert quote_share("x one  two\nthree y", "one two three") == 1.0
    assert quote_share("zero one two", "one two three") == pytest.approx(7 / 13)
    assert quote_share("two three four", "one two three") == pytest.approx(9 / 13)
    assert quote_share("two", "one two three") == pytest.approx(3 / 13)
    assert quote_share("", "one") == quote_share("four", "one") == 0.0


def test_abstention_counts():
    # Of 3 unanswerable, 2 left unanswered; of 2 answerable, 1 wrongly so.
    scores = abstention([True, True, False, False, False], [True, False, True, True, False])
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.recall == pytest.approx(2 / 3)
    assert scores.f1 == pytest.approx(2 / 3)
    assert scores.false_abstention == 0.5


def test_abstention_without_unanswerable_questions_or_abstentions():
    scores = abstention([True, True], [False, False])
    assert (scores.precision, scores.recall, scores.f1) == (None, None, None)
    assert scores.false_abstention == 0.0


def test_auroc_matches_scikit_learns_documented_example():
    assert auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == 0.75


def test_auroc_counts_ties_half_and_needs_both_kinds():
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([0.9, 0.5, 0.5, 0.1], [True, True, False, False]) == pytest.approx(3.5 / 4)
    assert auroc([0.5], [True]) is None


def test_recall_at_false_abstention_moves_the_threshold_as_far_as_the_rate_allows():
    scores = [i / 20 for i in range(20)] + [0.0, 0.04, 0.06, 0.5]
    can = [True] * 20 + [False] * 4
    # One of 20 answerable may be lost: the threshold is 0.05, and 0.0 and 0.04 fall below it.
    assert recall_at_false_abstention(scores, can, 0.05) == 0.5
    assert recall_at_false_abstention(scores, can, 0.0) == 0.0


def test_risk_coverage_by_hand():
    coverages, risks = risk_coverage([0.9, 0.8, 0.7, 0.6], [True, False, True, True])
    assert coverages == [0.25, 0.5, 0.75, 1.0]
    assert risks == pytest.approx([0.0, 1 / 2, 1 / 3, 1 / 4])
    area = risk_coverage_area([0.9, 0.8, 0.7, 0.6], [True, False, True, True])
    assert area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_a_tie_of_confidence_is_one_point_whatever_the_order():
    assert risk_coverage([0.5, 0.5], [True, False]) == ([1.0], [0.5])
    assert risk_coverage_area([0.5, 0.5], [False, True]) == 0.5
    assert risk_coverage_area([], []) is None


def test_calibration_error_matches_torchmetrics_documented_example():
    confidences, right = [0.25, 0.25, 0.55, 0.75, 0.75], [False, False, True, True, True]
    assert expected_calibration_error(confidences, right, bins=2) == pytest.approx(0.29)


def test_reliability_puts_certainty_into_the_last_bin():
    bins = reliability([0.0, 1.0, 0.95], [False, True, False])
    assert [(b.low, b.count, b.accuracy) for b in bins] == [(0.0, 1, 0.0), (0.9, 2, 0.5)]
    assert expected_calibration_error([], []) is None


def test_brier_score_of_a_seventy_percent_forecast():
    assert brier_score([0.7], [True]) == pytest.approx(0.09)
    assert brier_score([], []) is None


def test_coverage_counts_characters():
    # 10 wanted, 20 read in two passages of which 5 characters are wanted and 5 read twice.
    result = coverage([(0, 10)], [(5, 15), (10, 20)])
    assert result.recall == 0.5
    assert result.precision == 0.25
    assert result.iou == pytest.approx(5 / 25)


def test_coverage_at_its_ends():
    assert coverage([(0, 4)], [(0, 4)]).iou == 1.0
    assert coverage([(0, 4)], []).precision == 0.0
    assert merge([(4, 6), (0, 2), (2, 3), (9, 9)]) == [(0, 3), (4, 6)]
    with pytest.raises(ValueError, match="nothing to cover"):
        coverage([], [(0, 1)])
