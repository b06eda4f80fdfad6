"""Thresholds looked at afterwards: the small answerer's confidences are known by hand."""

from __future__ import annotations

import tomllib

import pytest
from typer.testing import CliRunner

from eval.cli import eval_app
from eval.dataset import Case, Dataset
from eval.run import run_dataset
from eval.threshold import choose_threshold, insisting
from rag.errors import InputError

# Of the five cases: begin 3/4, where 4/6 and lead 2/7 are right; cups 3/6 and moon 0 are wrong.


def rows(choice):
    return {row.threshold: row for row in choice.rows}


def test_each_threshold_as_if_it_had_been_set(make_run, make_answerer):
    found = choose_threshold(make_run(make_answerer(abstain_below=0.6)))
    assert found.present == 0.6
    by = rows(found)
    assert (by[0.0].right.value, by[0.0].lost, by[0.0].caught) == (0.6, 0.0, 0.0)
    assert by[0.0].wrong == pytest.approx(2 / 5)
    assert (by[0.2].right.value, by[0.2].lost, by[0.2].caught) == (0.8, 0.0, 0.5)
    assert by[0.2].wrong == pytest.approx(1 / 4)
    assert (by[0.6].right.value, by[0.6].caught, by[0.6].wrong) == (0.8, 1.0, 0.0)
    assert by[0.6].lost == pytest.approx(1 / 3)
    assert (by[0.8].right.value, by[0.8].lost, by[0.8].wrong) == (0.4, 1.0, None)


def test_the_threshold_does_not_depend_on_the_one_in_use(make_run, make_answerer):
    mute = choose_threshold(make_run(make_answerer(abstain_below=0.95), "mute"))
    bold = choose_threshold(make_run(make_answerer(abstain_below=0.0), "bold"))
    assert mute.rows == bold.rows


def test_of_equals_the_one_in_use_stays(make_run, make_answerer):
    assert choose_threshold(make_run(make_answerer(abstain_below=0.6))).best.threshold == 0.6
    # Eight are equally good, from 0.05 to 0.25 and from 0.55 to 0.65; the fifth of them.
    mute = choose_threshold(make_run(make_answerer(abstain_below=0.95), "mute"))
    assert mute.best.threshold == 0.25


def test_so_many_may_be_wrong(make_run, make_answerer):
    run = make_run(make_answerer(abstain_below=0.0))
    assert choose_threshold(run, max_wrong=0.3).best.threshold == 0.25
    assert choose_threshold(run, max_wrong=0.2).best.threshold == 0.6
    only = Dataset("one", (Case("cups", "The cups were blue.", answerable=False),))
    wrong = make_run(make_answerer(), "wrong", only)
    with pytest.raises(InputError, match=r"at most 10% of the answers wrong; the least is 100%"):
        choose_threshold(wrong, max_wrong=0.1)


def test_what_a_choice_is_worth_is_judged_on_other_questions(make_run, make_answerer):
    assert choose_threshold(make_run(make_answerer())).gain is None  # five are too few to part
    right = [Case(f"r{i}", f"Name leader {i} in short please", (), True, ("Posner",)) for i in (1,)]
    cases = [Case(f"q{i}", "When began the talks?", (), True, ("1990",)) for i in range(19)]
    run = make_run(make_answerer(abstain_below=0.9), "mute", Dataset("many", (*cases, *right)))
    gain = choose_threshold(run).gain
    assert gain.n == 20
    assert gain.value == pytest.approx(19 / 20)  # every fold chooses one at which all but r1 speak
    assert gain.p < 0.001


def test_without_what_was_held_back_lower_thresholds_are_not_known(make_run, make_answerer):
    run = make_run(make_answerer(abstain_below=0.3))
    for record in run.records:
        record["insisted"] = None
    assert min(rows(choose_threshold(run))) == 0.3
    assert insisting(run.records[3]) is run.records[3]


def test_a_run_that_no_threshold_decided_is_refused(tmp_path, make_answerer, dataset):
    searched = run_dataset(
        make_answerer(),
        dataset,
        tmp_path / "searched",
        configuration={"abstain_below": 0.4},
        store={},
        search_only=True,
    )
    chat = {"abstain_below": 0.4, "model": "ollama:x"}
    written = run_dataset(make_answerer(), dataset, tmp_path / "c", configuration=chat, store={})
    for run in (searched, written):
        with pytest.raises(InputError, match="no answers that a threshold decided"):
            choose_threshold(run)


def test_the_command_shows_and_writes(make_run, make_answerer, tmp_path):
    run = make_run(make_answerer(abstain_below=0.95))
    path = tmp_path / "footnote.toml"
    result = CliRunner().invoke(eval_app, ["threshold", str(run.folder), "--write", str(path)])
    assert result.exit_code == 0, result.output
    assert "Too few questions" in result.stdout
    assert tomllib.loads(path.read_text()) == {"abstain_below": 0.25}
