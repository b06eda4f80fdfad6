"""Comparisons of runs, and gates."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eval.compare import compare, to_dict
from eval.dataset import Case, Dataset
from eval.gate import (
    baseline_failures,
    failures,
    load_baseline,
    make_baseline,
    parse_condition,
    unfinished,
)
from eval.run import run_dataset
from eval.scores import run_figures
from rag.errors import InputError


def test_a_run_against_itself_shows_nothing(make_run, answerer):
    run = make_run(answerer)
    result = compare(run, run)
    assert result.shared == 5
    assert {row.difference for row in result.rows} == {0.0}
    assert {row.verdict for row in result.rows} == {""}
    assert result.better == result.worse == ()


def test_questions_that_changed_are_named(make_run, make_answerer):
    shy, bold = make_run(make_answerer(), "shy"), make_run(make_answerer(abstain_below=0.1), "bold")
    result = compare(shy, bold)
    assert [change.record_a["id"] for change in result.better] == ["lead"]
    assert [change.measure for change in result.better] == ["correct"]
    assert result.worse == ()
    correct = next(row for row in result.rows if row.name == "correct")
    assert (correct.a, correct.b, correct.difference) == pytest.approx((3 / 5, 4 / 5, 1 / 5))
    assert correct.p == 1.0  # one question proves nothing
    written = json.loads(json.dumps(to_dict(result)))
    assert written["better"] == ["lead"]


def test_a_real_difference_is_called_one(make_run, make_answerer):
    cases = tuple(Case(f"q{i}", "When began the talks?", answers=("1990",)) for i in range(40))
    dataset = Dataset("forty", cases)
    mute = make_run(make_answerer(abstain_below=1.0), "mute", dataset)
    loud = make_run(make_answerer(), "loud", dataset)
    verdicts = {row.name: row.verdict for row in compare(mute, loud).rows}
    assert verdicts["correct"] == "better"
    assert verdicts["false_abstention"] == "better"  # it fell
    assert verdicts["ece"] == ""
    assert {r.name: r.verdict for r in compare(loud, mute).rows}["correct"] == "worse"


def test_runs_without_a_common_question(make_run, answerer, dataset):
    run = make_run(answerer)
    others = replace(dataset, cases=(Case("begin", "Another question?", answers=("x",)),))
    with pytest.raises(InputError, match="no question in common"):
        compare(run, make_run(answerer, "others", others))


def test_conditions_are_read_and_wrong_ones_refused():
    condition = parse_condition(" auroc.low >= 0.9 ")
    assert str(condition) == "auroc.low >= 0.9"
    for text in ("correct", "nonsense>=1", "correct=>1", "correct>=high"):
        with pytest.raises(InputError, match="is not a condition"):
            parse_condition(text)


def test_a_gate_says_why_it_is_shut(make_run, answerer):
    figures = run_figures(make_run(answerer).records)
    open_ = [parse_condition(text) for text in ("correct>=0.6", "errors<=0", "hit@1>0.9")]
    assert failures(figures, open_) == []
    shut = [parse_condition(text) for text in ("correct>0.6", "correct.low>=0.6", "tokens<5")]
    reasons = failures(figures, shut)
    assert reasons[0] == "correct > 0.6: it is 0.6000 (60.0 %)"
    assert reasons[1].startswith("correct.low >= 0.6: it is 0.2")
    assert reasons[2] == "tokens < 5: the run has no such figure"


def test_a_baseline_holds_until_a_figure_falls(make_run, make_answerer, tmp_path):
    run = make_run(make_answerer())
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(make_baseline(run)))
    baseline = load_baseline(path)
    assert "latency_p50_ms" not in baseline["figures"]
    assert baseline_failures(run, baseline) == []
    mute = make_run(make_answerer(abstain_below=1.0), "mute")
    reasons = baseline_failures(mute, baseline)
    assert "correct: 40.0 %, the baseline is 60.0 %" in reasons
    assert "false_abstention: 100.0 %, the baseline is 33.3 %" in reasons


def test_a_baseline_of_other_questions_is_a_failure(make_run, answerer, dataset, tmp_path):
    baseline = make_baseline(make_run(answerer))
    fewer = make_run(answerer, "fewer", replace(dataset, cases=dataset.cases[:2]))
    assert "other questions" in baseline_failures(fewer, baseline)[0]
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match="not a baseline"):
        load_baseline(tmp_path / "bad.json")


def test_a_run_that_was_cut_off_is_not_finished(make_run, answerer):
    run = make_run(answerer)
    assert unfinished(run) == []
    cut = replace(run, records=run.records[:3])
    assert unfinished(cut) == ["the run is not finished: 2 questions were not asked"]


@pytest.mark.parametrize("content", ["[]", "{}", '{"dataset": 1, "tolerance": 0, "figures": {}}'])
def test_a_file_that_is_no_baseline_is_refused(tmp_path, content):
    path = tmp_path / "baseline.json"
    path.write_text(content)
    with pytest.raises(InputError, match="not a baseline"):
        load_baseline(path)


def test_a_run_that_only_searched_is_compared_by_its_search(
    tmp_path, make_run, make_answerer, dataset
):
    searched = run_dataset(
        make_answerer(), dataset, tmp_path / "s", configuration={}, store={}, search_only=True
    )
    answered = make_run(make_answerer(), "answered")
    for pair in ((searched, answered), (answered, searched)):
        names = {row.name for row in compare(*pair).rows}
        assert "hit@1" in names
        assert "auroc" not in names
