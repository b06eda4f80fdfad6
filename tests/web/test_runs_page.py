from __future__ import annotations

import json
import os
import shutil
from html import escape

import pytest
from conftest import make_app
from starlette.testclient import TestClient

from eval.session import runs_folder
from rag.settings import Settings
from rag.web.pages.runs_page import EvaluationRuns, RunSummary, runs_page

HEADER = {
    "system": "footnote",
    "dataset": {"name": "corpus", "cases": 3},
    "started": "2026-11-21T20:15:04+00:00",
}
FIGURES = {
    "latency_p50_ms": {"value": 212.0},
    "auroc": {"value": 0.91234},
    "correct": {"value": 2 / 3},
    "evidence_hit": {"value": None},
    "hit@10": {"value": 1},
    "ndcg@10": {"value": 0.5},
}
REPORT = {"run": HEADER, "figures": FIGURES, "questions": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}


def make_run(folder, name, summary=REPORT, page="<!doctype html><p>A report", age_seconds=0):
    run = folder / name
    run.mkdir(parents=True)
    if page is not None:
        (run / "report.html").write_text(page)
        modified = 1_700_000_000 - age_seconds
        os.utime(run / "report.html", (modified, modified))
    if summary is not None:
        text = summary if isinstance(summary, str) else json.dumps(summary)
        (run / "report.json").write_text(text)
    return run


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def folder(data_dir):
    """Where evaluation keeps the runs of a store; empty at first."""
    folder = runs_folder(Settings(data_dir=data_dir))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def client(data_dir):
    with TestClient(make_app(data_dir=data_dir), base_url="http://127.0.0.1") as client:
        yield client


def test_runs_with_a_report_are_listed_newest_first(folder):
    make_run(folder, "old", age_seconds=60)
    make_run(folder, "new")
    make_run(folder, "without a report", page=None)
    (folder / "report.html").write_text("of no run")
    assert EvaluationRuns(folder).names() == ["new", "old"]


def test_a_run_is_summarized_with_its_first_three_headlines(folder):
    make_run(folder, "corpus-1")
    assert EvaluationRuns(folder).summaries() == [
        RunSummary(
            "corpus-1",
            dataset="corpus",
            system="footnote",
            started="2026-11-21T20:15:04+00:00",
            questions=3,
            figures=(("right", "66.7 %"), ("AUROC", "0.912"), ("hit@10", "100.0 %")),
        )
    ]


@pytest.mark.parametrize(
    "summary",
    [None, "", "{", "[]", "null", "{}", '{"run": 1, "figures": [], "questions": {}}',
     '{"run": {"dataset": "x", "started": 3}, "figures": {"correct": "high"}}', "\x00"],
)  # fmt: skip
def test_a_run_whose_summary_cannot_be_read_is_listed_all_the_same(folder, summary):
    make_run(folder, "odd", summary)
    summaries = EvaluationRuns(folder).summaries()
    assert summaries == [RunSummary("odd")]
    assert 'href="/runs/odd/report"' in runs_page(summaries)


def test_without_runs_the_command_is_named(client):
    response = client.get("/runs")
    assert response.status_code == 200
    assert "footnote eval run DATASET" in response.text
    assert "<ul" not in response.text


def test_the_list_and_a_report_are_served_under_their_policies(client, folder):
    make_run(folder, "corpus 1?#é")
    listed = client.get("/runs")
    assert "2026-11-21 · 3 questions · footnote" in listed.text
    assert listed.headers["content-security-policy"].startswith("default-src 'none'; style-src 's")
    assert 'href="/runs/corpus%201%3F%23%C3%A9/report"' in listed.text
    report = client.get("/runs/corpus%201%3F%23%C3%A9/report")
    assert report.text == "<!doctype html><p>A report"
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert report.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert report.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    ["none", "..", ".", "%2e%2e", "..%2fruns%2fcorpus", "..%2f..", "corpus%2f..%2fcorpus",
     "corpus%00",
     "%2fetc", "..%5ccorpus", "*", "corpus%20", "CORPUS", "%252e%252e"],
)  # fmt: skip
def test_no_other_name_leads_to_a_file(client, folder, data_dir, name):
    make_run(folder, "corpus")
    (data_dir / "report.html").write_text("secret")
    (folder / "report.html").write_text("secret")
    response = client.get(f"/runs/{name}/report")
    assert response.status_code == 404
    assert "secret" not in response.text
    assert "A report" not in response.text


@pytest.mark.parametrize("vector", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_a_run_says_is_text(folder, vector):
    header = {"system": vector, "dataset": {"name": vector}, "started": vector}
    make_run(folder, vector.replace("/", "|"), REPORT | {"run": header})
    page = runs_page(EvaluationRuns(folder).summaries())
    assert "<script" not in page
    assert "<img" not in page
    assert f">{escape(vector)}</a>" in page


def test_the_newest_hundred_are_listed(folder):
    for number in range(101):
        make_run(folder, f"run{number}", None, age_seconds=number)
    names = [run.name for run in EvaluationRuns(folder).summaries()]
    assert names == [f"run{number}" for number in range(100)]
