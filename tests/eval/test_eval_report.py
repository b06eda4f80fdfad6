"""Reports: what they show, and what they must never do."""

from __future__ import annotations

import json
import re

import pytest

from eval.dataset import Case, Dataset, Relevant
from eval.diagnose import Cause, cause_of, funnel, worst_first
from eval.report import squeeze, write_report
from eval.run import run_dataset
from eval.scores import question_scores


def cause(make_run, answerer, case):
    [record] = make_run(answerer, case.case_id, Dataset("one", (case,))).records
    return cause_of(record)


def test_causes_name_the_first_stage_that_lost_the_answer(make_run, make_answerer):
    answerer = make_answerer(broken=("Boom?",))
    wanted = (Relevant("talks.md", "Posner led them in 2010."),)
    cases = {
        Cause.ERROR: Case("error", "Boom?", answers=("x",)),
        Cause.INVENTED: Case("invented", "Were the cups red?", answerable=False),
        Cause.MISREAD: Case("misread", "When began the talks in 2010?", (), True, ("no",), wanted),
        Cause.NOT_READ: Case(
            "not-read", "Tea was served at noon, the blue cups were", (), True, ("no",), wanted
        ),
        Cause.HELD_BACK: Case(
            "held-back", "Posner, please say something of him now, will you", (), True, (), wanted
        ),
        Cause.WITHHELD: Case(
            "withheld",
            "Posner and the noon tea, who would ever guess that",
            (),
            True,
            ("no",),
            wanted,
        ),
        Cause.NOT_FOUND: Case(
            "not-found", "Tea was served?", answers=("no",), relevant=(Relevant("other.md"),)
        ),
        Cause.UNKNOWN: Case("unknown", "Tea was served?", answers=("no",)),
        None: Case("fine", "When began the talks?", answers=("1990",)),
    }
    assert {expected: cause(make_run, answerer, case) for expected, case in cases.items()} == {
        expected: expected for expected in cases
    }


def test_the_worst_come_first(make_run, make_answerer):
    run = make_run(make_answerer(broken=("In which city were they held?",)))
    assert [(r["id"], found.cause) for r, found in worst_first(run)] == [
        ("where", Cause.ERROR),
        ("cups", Cause.INVENTED),
        ("lead", Cause.HELD_BACK),
    ]


def test_the_funnel_never_rises(make_run, answerer):
    records = make_run(answerer).records
    stages = funnel(records, question_scores(records))
    assert [(s.label, s.count) for s in stages] == [
        ("asked", 3),
        ("found by search", 3),
        ("read", 3),
        ("cited", 2),
        ("answered right", 2),
    ]
    assert funnel(records[3:], question_scores(records[3:])) == []


def test_a_report_is_one_page_that_loads_nothing(make_run, answerer):
    page = write_report(make_run(answerer)).read_text()
    assert "60.0 %" in page
    assert page.count("<svg") == 3
    assert "<script" not in page
    targets = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)", page)
    assert all((a or b).startswith("#") for a, b in targets)
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)


def test_text_of_documents_and_questions_is_only_text(tmp_path, make_answerer):
    hostile = "When began the talks?<img src=x onerror=alert(1)>"
    case = Case("<b>", hostile, answers=("</td><script>",), tags=("<i>tag</i>",))
    run = run_dataset(
        make_answerer(), Dataset("<u>set", (case,)), tmp_path / "r", configuration={}, store=STORE
    )
    page = write_report(run).read_text()
    assert "<img" not in page
    assert "<script" not in page
    assert "<i>tag" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


STORE = {"documents": 0, "passages": 0, "fingerprint": ""}


def test_markdown_and_json_stand_beside_it(make_run, make_answerer):
    shy = make_run(make_answerer(), "shy")
    bold = make_run(make_answerer(abstain_below=0.1), "bold")
    page = write_report(bold, shy)
    assert "Got better" in page.read_text()
    markdown = page.with_name("report.md").read_text()
    assert "| Right | 60.0 % | 80.0 % | +20.0 % | 1.000 |  |" in markdown
    data = json.loads(page.with_name("report.json").read_text())
    assert data["figures"]["correct"]["value"] == pytest.approx(0.8)
    assert data["comparison"]["better"] == ["lead"]
    assert {q["id"]: q["cause"] for q in data["questions"]}["cups"] == Cause.INVENTED


def test_a_report_of_nothing_but_errors_and_of_nothing(tmp_path, make_answerer, dataset):
    broken = make_answerer(broken=tuple(case.question for case in dataset.cases))
    run = run_dataset(broken, dataset, tmp_path / "r", configuration={}, store=STORE)
    page = write_report(run).read_text()
    assert "RuntimeError: the model fell over" in page
    (tmp_path / "r" / "records.jsonl").write_text("")
    from eval.run_files import load_run

    assert "0 questions" in write_report(load_run(tmp_path / "r")).read_text()


def test_squeeze_cuts_at_a_word():
    assert squeeze("one\n two  three", 20) == "one two three"
    assert squeeze("one two three", 9) == "one two…"
