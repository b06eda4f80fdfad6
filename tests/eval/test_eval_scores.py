"""Figures of a run, each computed by hand from the five questions of conftest."""

from __future__ import annotations

import pytest

from eval.measures import MEASURES, show
from eval.scores import confidence_outcomes, is_correct, question_scores, run_figures

CASE = {"answerable": True, "answers": ["1990"], "relevant": []}


def answer(text="", quotes=(), *, span=None, abstained=False, confidence=0.9, source="a.md"):
    return {
        "abstained": abstained,
        "confidence": confidence,
        "sentences": [{"text": text, "citations": list(range(1, len(quotes) + 1))}] if text else [],
        "citations": [
            {"marker": n, "source": source, "quote": quote}
            for n, quote in enumerate(quotes, start=1)
        ],
        "hits": [{"source": source, "text": quote} for quote in quotes],
        "answer_span": span,
    }


def record(case, given, qid="q", found=(), insisted=None):
    return {
        "id": qid,
        "case": {"question": "?", **case},
        "answer": given,
        "insisted": insisted,
        "found": list(found),
        "error": None,
        "seconds": 0.1,
    }


def hit(source, start, holds):
    return {"source": source, "start": start, "holds": holds}


def test_the_five_questions(make_run, answerer):
    run = make_run(answerer)
    scores = question_scores(run.records)
    # "lead" shares 2 of 7 words with its sentence, so it was withheld; "cups" was answered.
    assert {qid: row["correct"] for qid, row in scores.items()} == {
        "begin": 1.0,
        "where": 1.0,
        "lead": 0.0,
        "moon": 1.0,
        "cups": 0.0,
    }
    figures = run_figures(run.records)
    assert figures["correct"].value == pytest.approx(3 / 5)
    assert figures["evidence_hit"].value == pytest.approx(2 / 3)
    assert figures["hit@1"].value == 1.0
    assert figures["false_abstention"].value == pytest.approx(1 / 3)
    assert figures["abstention_precision"].value == 0.5
    assert figures["abstention_recall"].value == 0.5
    assert list(figures) == [name for name in MEASURES if name in figures]


def test_what_was_withheld_counts_in_the_risk(make_run, answerer):
    records = make_run(answerer).records
    confidences, outcomes = confidence_outcomes(records)
    # begin 3/4, where 4/6 ("in", "were", "they", "held"), lead 2/7 insisted on and right, moon 0.
    assert confidences == pytest.approx([3 / 4, 4 / 6, 2 / 7, 0.0, 3 / 6], abs=1e-4)
    assert outcomes == [True, True, True, False, False]
    # In order 3/4 ok, 2/3 ok, 1/2 wrong, 2/7 ok, 0 wrong: risks 0, 0, 1/3, 1/4, 2/5.
    assert run_figures(records)["aurc"].value == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5)
    # Each answerable one outscores each other but for "lead" below "cups".
    assert run_figures(records)["auroc"].value == pytest.approx(5 / 6)


def test_correct_wants_the_answer_or_its_quote():
    with_quote = {
        **CASE,
        "relevant": [{"source": "a.md", "quote": "It began long ago.", "grade": 1}],
    }
    assert is_correct(CASE, answer("In 1990.", ["x"]))
    assert not is_correct(CASE, answer("In 1991.", ["x"]))
    assert is_correct(with_quote, answer("Ages ago.", ["Well. It began long ago."]))
    assert not is_correct(with_quote, answer("Ages.", ["It began long ago."], source="b.md"))
    assert not is_correct(CASE, answer(abstained=True))
    assert not is_correct(CASE, None)
    unanswerable = {"answerable": False, "answers": [], "relevant": []}
    assert is_correct(unanswerable, answer(abstained=True))
    assert not is_correct(unanswerable, answer("In 1990.", ["x"]))
    assert not is_correct(unanswerable, None)


def test_a_cited_document_is_enough_only_when_nothing_else_is_known():
    retrieval = {**CASE, "answers": [], "relevant": [{"source": "a.md", "quote": "", "grade": 1}]}
    assert is_correct(retrieval, answer("x", ["x"]))
    assert not is_correct(retrieval, answer("x", ["x"], source="b.md"))
    with_answers = {**retrieval, "answers": ["1990"]}
    assert not is_correct(with_answers, answer("x", ["x"]))


def test_evidence_is_looked_for_in_the_first_quotes():
    given = answer("Said.", ["none", "no", "still not", "in 1990 it was"])
    scores = question_scores([record(CASE | {"relevant": []}, given)])["q"]
    assert scores["evidence_hit@1"] == scores["evidence_hit@3"] == 0.0
    assert scores["evidence_hit"] == 1.0
    assert scores["containment"] == 0.0


def test_span_is_the_marked_one_or_the_whole_text():
    marked = question_scores([record(CASE, answer("It was 1990.", ["x"], span="1990"))])["q"]
    assert marked["span_em"] == marked["span_f1_answerable"] == 1.0
    whole = question_scores([record(CASE, answer("It was 1990.", ["x"]))])["q"]
    assert whole["span_em"] == 0.0
    assert whole["span_f1"] == pytest.approx(0.5)


def test_silence_scores_as_squad_scores_it():
    unanswerable = {"answerable": False, "answers": [], "relevant": []}
    silent = question_scores([record(unanswerable, answer(abstained=True))])["q"]
    assert silent["span_em"] == silent["span_f1"] == 1.0
    assert "span_em_answerable" not in silent
    assert question_scores([record(CASE, answer(abstained=True))])["q"]["span_f1"] == 0.0


def test_items_found_together_are_one_unit_and_repetitions_hold_their_place():
    relevant = [{"source": "a.md", "quote": quote, "grade": 1} for quote in ("x", "y", "z")]
    found = [hit("a.md", 0, [0, 1]), hit("a.md", 5, [1]), hit("a.md", 9, [2])]
    scores = question_scores(
        [record(CASE | {"relevant": relevant}, answer("s", ["s"]), found=found)]
    )
    assert scores["q"]["recall@1"] == 0.5
    assert scores["q"]["recall@3"] == 1.0
    # Units at ranks 1 and 3 of an ideal at ranks 1 and 2.
    assert scores["q"]["ndcg@10"] == pytest.approx((1 + 1 / 2) / (1 + 0.63093), abs=1e-4)


def test_documents_are_ranked_by_their_first_passage():
    relevant = [{"source": name, "quote": "", "grade": 1} for name in ("a", "b")]
    found = [hit("x", 0, []), hit("x", 9, []), hit("a", 0, [0]), hit("a", 7, [0]), hit("b", 0, [1])]
    scores = question_scores([record(CASE | {"relevant": relevant}, None, found=found)])["q"]
    assert scores["mrr@10"] == 0.5  # x counts once
    assert scores["recall@3"] == 1.0


def test_an_item_that_was_never_found_lowers_recall():
    relevant = [{"source": "a", "quote": "", "grade": 1}, {"source": "b", "quote": "", "grade": 2}]
    scores = question_scores(
        [record(CASE | {"relevant": relevant}, None, found=[hit("a", 0, [0])])]
    )["q"]
    assert scores["recall@50"] == 0.5
    # Gain 1 at rank 1, ideal 2 at rank 1 and 1 at rank 2.
    assert scores["ndcg@10"] == pytest.approx(1 / (2 + 0.63093), abs=1e-4)


def test_show_writes_values_for_people():
    assert show("correct", 0.8314) == "83.1 %"
    assert show("auroc", 0.5) == "0.500"
    assert show("latency_p50_ms", 1234.4) == "1,234 ms"
    assert show("tokens", 812.0) == "812"
    assert show("ece", None) == "–"
