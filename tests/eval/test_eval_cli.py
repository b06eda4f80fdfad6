"""The commands, on runs of the small answerer and, marked, on a real store."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from eval.cli import eval_app
from eval.dataset import Case, Dataset, Relevant
from eval.report import write_report
from eval.session import evaluate, find_run, run_summaries, settings_with
from rag.errors import ConfigurationError, InputError


def invoke(*arguments):
    result = CliRunner().invoke(eval_app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_gate_opens_and_shuts(make_run, answerer, tmp_path):
    run = make_run(answerer)
    passed = invoke("gate", run.folder, "--min", "correct>=0.6")
    assert passed.exit_code == 0
    assert "good enough" in passed.stdout
    failed = invoke("gate", run.folder, "--min", "correct>=0.7")
    assert failed.exit_code == 1
    assert "correct >= 0.7: it is 0.6000" in failed.stderr


def test_gate_writes_a_baseline_and_holds_to_it(make_run, make_answerer, tmp_path):
    baseline = tmp_path / "baseline.json"
    run = make_run(make_answerer())
    assert invoke("gate", run.folder, "--write", baseline).exit_code == 0
    assert invoke("gate", run.folder, "--baseline", baseline).exit_code == 0
    mute = make_run(make_answerer(abstain_below=1.0), "mute")
    failed = invoke("gate", mute.folder, "--baseline", baseline)
    assert failed.exit_code == 1
    assert "the baseline is 60.0 %" in failed.stderr


def test_report_and_compare(make_run, make_answerer):
    shy = make_run(make_answerer(), "shy")
    bold = make_run(make_answerer(abstain_below=0.1), "bold")
    reported = invoke("report", bold.folder, "--against", shy.folder)
    assert reported.exit_code == 0
    assert (bold.folder / "report.html").exists()
    compared = invoke("compare", shy.folder, bold.folder, "--json")
    assert json.loads(compared.stdout)["better"] == ["lead"]
    assert "Got better (1)" in invoke("compare", shy.folder, bold.folder).stdout


def test_runs_are_found_by_name_and_by_being_last(make_run, answerer, tmp_path):
    settings = settings_with((), tmp_path / "data")
    with pytest.raises(InputError, match="There is no run in"):
        find_run(settings, "last")
    make_run(answerer, "data/runs/first")
    assert find_run(settings, "last").name == "first"
    assert find_run(settings, "first").header["system"] == "words"
    with pytest.raises(InputError, match="There is no run 'second'") as raised:
        find_run(settings, "second")
    assert "first" in raised.value.hint


def test_runs_are_listed_with_their_headlines(make_run, answerer, tmp_path):
    settings = settings_with((), tmp_path / "data")
    assert run_summaries(settings) == []
    assert "There is no run" in invoke("runs", "--data-dir", tmp_path / "data").stdout
    write_report(make_run(answerer, "data/runs/first"))
    stopped = make_run(answerer, "data/runs/stopped").folder / "records.jsonl"
    stopped.write_text("".join(f"{line}\n" for line in stopped.read_text().splitlines()[:2]))
    (make_run(answerer, "data/runs/spoilt").folder / "run.json").write_text("{}")
    summaries = {summary.name: summary for summary in run_summaries(settings)}
    assert set(summaries) == {"first", "stopped"}
    first = summaries["first"]
    assert (first.dataset, first.asked, first.questions) == ("five", 5, 5)
    assert first.figures[0] == ("Right", "60.0 %")
    shown = " ".join(invoke("runs", "--data-dir", tmp_path / "data").stdout.split())
    assert "first 5 Right 60.0 %" in shown
    assert "stopped 2 of 5 unfinished" in shown


def test_the_commands_load_nothing_heavy():
    heavy = "scipy", "matplotlib", "ir_measures", "torch", "chromadb", "langchain_core"
    code = f"import eval.cli, sys; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_settings_of_a_run_can_be_set(tmp_path):
    settings = settings_with(["read_k=3", "abstain_below = 0.25"], tmp_path)
    assert (settings.read_k, settings.abstain_below) == (3, 0.25)
    with pytest.raises(InputError, match="sets nothing"):
        settings_with(["read_k"], tmp_path)
    with pytest.raises(ConfigurationError, match="reed_k"):
        settings_with(["reed_k=3"], tmp_path)


TEXT = "# Talks\n\nThe talks began in 1990. They were held in Beijing.\n"


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "talks.md").write_text(TEXT)
    return folder


@pytest.mark.model
def test_a_run_over_a_store_built_for_it(corpus, tmp_path):
    rows = [
        {
            "id": "a",
            "question": "When did the talks begin?",
            "answers": ["1990"],
            "relevant": [{"source": "corpus/talks.md", "quote": "The talks began in 1990."}],
        }
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tmp_path / "run"
    result = invoke("run", path, "--corpus", corpus, "--out", folder, "--set", "abstain_below=0")
    assert result.exit_code == 0
    assert "set: 1 questions, Footnote (reader)" in result.stdout
    record = json.loads((folder / "records.jsonl").read_text())
    assert record["error"] is None
    assert record["found"][0]["holds"] == [0]
    assert "1990" in record["answer"]["citations"][0]["quote"]
    assert (folder / "report.html").exists()
    assert not (folder / "store").exists()


@pytest.mark.model
def test_a_quote_that_its_document_does_not_say_is_refused(corpus, tmp_path):
    wrong = Case("a", "When?", answers=("1990",), relevant=(Relevant("talks.md", "In 1991."),))
    with pytest.raises(InputError, match=r"(?s)1 quotes .* talks\.md does not say 'In 1991\.'"):
        evaluate(
            Dataset("set", (wrong,)), settings_with((), tmp_path), tmp_path / "run", corpus=[corpus]
        )


@pytest.mark.model
def test_an_empty_store_and_an_absent_document_are_noted(corpus, tmp_path):
    case = Case("a", "When?", answers=("1990",), relevant=(Relevant("elsewhere.md"),))
    dataset = Dataset("set", (case,))
    empty = evaluate(dataset, settings_with((), tmp_path / "empty"), tmp_path / "r1")
    assert empty.header["notes"] == ["The store is empty: every question failed."]
    assert empty.records[0]["error"]["kind"] == "NoDocumentsError"
    absent = evaluate(dataset, settings_with((), tmp_path / "x"), tmp_path / "r2", corpus=[corpus])
    assert "1 relevant documents are not in the store" in absent.header["notes"][0]
    assert absent.header["absent"] == ["elsewhere.md"]
