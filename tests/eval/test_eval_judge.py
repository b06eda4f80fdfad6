"""The judge: verdicts, what it cannot decide, and how far it agrees."""

from __future__ import annotations

import json

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from eval.judge import Judgement, Verdict, agreement, judge, judge_run, load_judge, parse_verdict
from eval.report import write_report
from eval.run_files import load_run
from eval.scores import run_figures
from rag.errors import ConfigurationError
from rag.settings import Settings


class Broken(FakeListChatModel):
    def _call(self, *args, **kwargs):
        raise ConnectionError("secret words of the provider")


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("It says the same.\nRIGHT", Verdict.RIGHT),
        ("Another year.\n\n**Wrong.**", Verdict.WRONG),
        ("Hard to say.\nUNSURE", Verdict.UNSCORED),
        ("RIGHT, I think, but who knows", Verdict.UNSCORED),
        ("", Verdict.UNSCORED),
    ],
)
def test_only_a_verdict_alone_on_the_last_line_counts(reply, verdict):
    assert parse_verdict(reply).verdict == verdict


def test_a_reason_is_kept():
    assert parse_verdict("It says\nthe same.\nRIGHT").reason == "It says the same."


def test_a_failing_model_leaves_the_answer_unscored(make_run, answerer):
    record = make_run(answerer).records[0]
    judgement = judge(record, Broken(responses=[""]), "fake:model")
    assert judgement.verdict == Verdict.UNSCORED
    assert "secret" not in judgement.reason


def test_the_model_sees_question_reference_and_answer(make_run, answerer):
    seen = []

    class Watching(FakeListChatModel):
        def _call(self, messages, *args, **kwargs):
            seen.append(messages[-1].content)
            return super()._call(messages, *args, **kwargs)

    judged = judge(make_run(answerer).records[0], Watching(responses=["Yes.\nRIGHT"]), "fake:model")
    assert judged == Judgement(Verdict.RIGHT, "Yes.")
    for expected in ("When began the talks?", "1990", "The talks began in 1990."):
        assert expected in seen[0]


def test_a_run_is_judged_once_and_its_report_says_how_far_to_trust(make_run, answerer):
    run = make_run(answerer)
    # Only "begin" and "where" were answered and have a reference.
    model = FakeListChatModel(responses=["Same.\nRIGHT", "Elsewhere.\nWRONG", "never asked"])
    path = judge_run(run, model, "fake:model")
    judge_run(run, model, "fake:model")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["id"], row["verdict"]) for row in rows] == [("begin", "right"), ("where", "wrong")]
    judged = load_run(run.folder)
    assert run_figures(judged.records)["judge"].value == 0.5
    found = agreement(judged.records)
    assert (found.n, found.unscored, found.share) == (2, 0, 0.5)
    page = write_report(judged).read_text()
    assert "fake:model scored 2 answers" in page
    assert "the judge says wrong" in page


def test_agreement_beyond_chance():
    def record(verdict, right):
        answer = {"abstained": False, "sentences": [{"text": "1990" if right else "no"}]}
        case = {"answerable": True, "answers": ["1990"], "relevant": []}
        return {"case": case, "answer": answer | {"citations": []}, "judge": {"verdict": verdict}}

    records = [record("right", True)] * 3 + [record("wrong", False)] * 2
    records += [record("right", False), record("unscored", True)]
    found = agreement(records)
    # Equal on 5 of 6; chance (4/6)(3/6) + (2/6)(3/6) = 1/2.
    assert (found.n, found.unscored) == (6, 1)
    assert found.share == pytest.approx(5 / 6)
    assert found.kappa == pytest.approx((5 / 6 - 1 / 2) / (1 / 2))
    assert agreement([record("right", True)]).kappa is None
    assert agreement([]).share is None


def test_judging_needs_a_model(tmp_path):
    with pytest.raises(ConfigurationError, match="none is set"):
        load_judge(Settings(data_dir=tmp_path, model=""))
