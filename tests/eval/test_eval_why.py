"""Which step lost a question, and by how much; the expected figures are counted by hand."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from eval.cli import eval_app
from eval.dataset import Case, Dataset, Relevant
from eval.diagnose import Cause, cause_of, diagnose, diagnosis, worst_first
from eval.report import write_report
from eval.run import run_dataset
from eval.why import questions_shown
from rag.errors import InputError

POSNER = (Relevant("talks.md", "Posner led them in 2010."),)


def one(make_run, answerer, case):
    run = make_run(answerer, case.case_id, Dataset("one", (case,)))
    return diagnose(run)[case.case_id]


def test_what_was_held_back_says_how_much_was_missing(make_run, answerer):
    # "posner" alone of nine words is in the sentence: 1/9, where 0.3 is asked for.
    case = Case("a", "Posner, please say something of him now, will you", (), True, (), POSNER)
    found = one(make_run, answerer, case)
    assert (found.cause, found.rank, found.read_rank) == (Cause.HELD_BACK, 1, 1)
    assert (found.confidence, found.margin) == (0.1111, -0.1889)
    assert found.why == (
        "What it held back is right, but confidence 0.11 is 0.19 below abstain_below. "
        "The wanted passage stands at rank 1 of what was read."
    )


def test_what_was_withheld_and_wrong_names_what_it_would_have_quoted(make_run, answerer):
    # Tea and noon make 2/10; of the sentences with 1/10, that of Posner is the second.
    case = Case("a", "Posner and the noon tea, who would ever guess that", (), True, (), POSNER)
    found = one(make_run, answerer, case)
    assert (found.cause, found.rank, found.read_rank) == (Cause.WITHHELD, 3, 3)
    assert found.margin == -0.1
    assert "Quoted instead: tea.md, “Tea was served at noon.”" in found.why


def test_what_was_misread_names_what_it_quoted(make_run, answerer):
    case = Case("a", "When began the talks in 2010?", (), True, ("no",), POSNER)
    found = one(make_run, answerer, case)
    # talks, began, in, the: 4/6; Posner's has in and 2010.
    assert (found.cause, found.read_rank, found.confidence) == (Cause.MISREAD, 2, 0.6667)
    assert found.why == (
        "Answered: confidence 0.67 is 0.37 above abstain_below. The wanted passage stands at rank "
        "2 of what was read. Quoted instead: talks.md, “The talks began in 1990.”"
    )


def test_what_was_not_read_says_where_it_stands(make_run, answerer):
    case = Case("a", "Tea was served at noon, the blue cups were", (), True, ("no",), POSNER)
    found = one(make_run, answerer, case)
    assert (found.cause, found.read_rank) == (Cause.NOT_READ, None)
    assert found.why == f"The wanted passage stands at rank {found.rank}; 3 were read."


def test_what_was_not_found_names_the_nearest_of_the_right_document(make_run, answerer):
    elsewhere = (Relevant("talks.md", "Something that it never says at all."),)
    found = one(make_run, answerer, Case("a", "Tea was served?", (), True, ("no",), elsewhere))
    assert found.cause is Cause.NOT_FOUND
    assert found.why == (
        "No wanted passage is among the 5 best; the nearest of the right document stands at rank 2."
    )
    other = (Relevant("other.md"),)
    found = one(make_run, answerer, Case("b", "Tea was served?", (), True, ("no",), other))
    assert found.why.endswith("nor is any other of the right document; the first is of tea.md.")


def test_a_document_that_the_store_lacks_is_no_fault_of_the_search(tmp_path, answerer):
    case = Case("a", "Tea was served?", (), True, ("no",), (Relevant("other.md"),))
    run = run_dataset(
        answerer,
        Dataset("one", (case,)),
        tmp_path / "run",
        configuration={},
        store={},
        absent=["other.md"],
    )
    found = diagnose(run)["a"]
    assert (found.cause, found.margin) == (Cause.ABSENT, None)
    assert found.why == "Not in the store: other.md."


def test_an_invented_answer_says_how_sure_it_was(make_run, answerer):
    found = diagnose(make_run(answerer))["cups"]
    # were, the, cups of: were, the, cups, of, talks, red.
    assert (found.cause, found.confidence, found.margin) == (Cause.INVENTED, 0.5, 0.2)
    assert found.why == "It was sure enough to answer: confidence 0.50 is 0.20 above abstain_below."


def silent(record, **changes):
    answer = {**record["answer"], "abstained": True, "sentences": [], "citations": [], **changes}
    return {**record, "answer": answer, "insisted": None}


def test_asking_back_and_small_talk_are_causes_of_their_own(make_run, answerer):
    record = make_run(answerer).records[0]
    asked = silent(record, clarification={"question": "Which talks?", "choices": []})
    assert cause_of(asked) is Cause.ASKED_BACK
    assert diagnosis(asked).why == "It asked: “Which talks?”"
    chat = silent(record, hits=[], note="Ask about what the documents say.")
    assert cause_of(chat) is Cause.NOT_ASKED
    assert "Ask about what" in diagnosis(chat).why
    # Of a question without an answer, silence of either kind is right.
    nothing = {**asked, "case": {**asked["case"], "answerable": False, "answers": []}}
    assert cause_of(nothing) is None


def test_searching_alone_loses_only_what_is_wanted(make_answerer, dataset, tmp_path):
    run = run_dataset(
        make_answerer(), dataset, tmp_path / "run", configuration={}, store={}, search_only=True
    )
    assert {one.cause for one in diagnose(run).values()} == {None}
    assert diagnose(run)["begin"].rank == 1
    assert diagnose(run)["moon"].rank is None


def test_of_the_silences_the_nearest_to_the_threshold_comes_first(make_run, make_answerer):
    run = make_run(make_answerer(abstain_below=0.99))
    silences = [found.confidence for _, found in worst_first(run)]
    assert silences == sorted(silences, reverse=True)
    assert len(silences) == 3


def test_questions_are_chosen_by_id_and_cause(make_run, answerer):
    run = make_run(answerer)
    assert [record["id"] for record, _ in questions_shown(run)] == ["cups", "lead"]
    assert [r["id"] for r, _ in questions_shown(run, cause="withheld")] == ["lead"]
    [(record, found)] = questions_shown(run, ["begin"])
    assert (record["id"], found.cause) == ("begin", None)
    with pytest.raises(InputError, match="has no question 'nobody'"):
        questions_shown(run, ["nobody"])
    with pytest.raises(InputError, match="No cause holds 'sunspots'"):
        questions_shown(run, cause="sunspots")


def invoke(*arguments):
    result = CliRunner().invoke(eval_app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_the_command_says_why_and_shows_what_was_read(make_run, answerer):
    run = make_run(answerer)
    shown = invoke("why", run.folder)
    assert "Name our leader 2010, in short please" in shown
    assert "0.01 below abstain_below" in shown
    assert "held back Posner led them in 2010. (talks.md)" in shown
    assert "1 answered what the documents do not say." in shown
    whole = invoke("why", run.folder, "--id", "begin")
    assert "right said The talks began in 1990." in whole
    assert "1 wanted talks.md: The talks began in 1990." in whole
    assert "1 more: --limit 2" in invoke("why", run.folder, "--limit", 1)


def test_every_question_stands_in_a_file_for_spreadsheets(tmp_path, answerer):
    hostile = Case("=1+1", "=HYPERLINK(0)", (), False, tags=("none",))
    begin = Case("b", "When began the talks?", (), True, ("1990",), (Relevant("talks.md"),))
    run = run_dataset(
        answerer, Dataset("two", (hostile, begin)), tmp_path / "r", configuration={}, store={}
    )
    page = write_report(run)
    with page.with_name("questions.csv").open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["id"], first["question"]) == ("'=1+1", "'=HYPERLINK(0)")
    assert second["right"] == "yes"
    assert second["rank of the wanted passage"] == "1"
    assert second["it said"] == "The talks began in 1990. (talks.md)"
    data = json.loads(page.with_name("report.json").read_text())
    assert data["questions"][1]["rank"] == 1


def test_the_reader_looks_far_down_only_in_doubt(make_run, answerer):
    case = Case(
        "a", "Posner and the noon tea, who would ever guess that", (), True, ("no",), POSNER
    )
    record = make_run(answerer, "far", Dataset("one", (case,))).records[0]
    hits = [{**hit, "rank": hit["rank"] + 1} for hit in record["answer"]["hits"]]
    far = {**record, "answer": {**record["answer"], "hits": hits}}
    assert "at rank 4 of what was read; what stands below rank 3 is read only in doubt." in (
        diagnosis(far).why
    )
    by_chat = {**far, "answer": {**far["answer"], "mode": "ollama:x"}}
    assert "at rank 4 of what was read." in diagnosis(by_chat).why
