"""Runs: records, resuming after a crash, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eval.dataset import Case, Dataset, Relevant
from eval.diagnose import Cause, worst_first
from eval.report import write_report
from eval.run import holds, run_dataset
from eval.run_files import load_run
from eval.scores import question_scores, run_figures
from eval.systems import RememberedEvidence
from rag.errors import InputError, NoDocumentsError


def test_a_run_keeps_one_record_for_each_question(make_run, answerer):
    run = make_run(answerer)
    assert [record["id"] for record in run.records] == ["begin", "where", "lead", "moon", "cups"]
    first = run.records[0]
    assert first["answer"]["citations"][0]["quote"] == "The talks began in 1990."
    assert first["found"][0]["holds"] == [0]
    assert first["insisted"] is None
    assert run.header["dataset"]["cases"] == 5
    assert run.header["system"] == "words"


def test_what_was_withheld_is_kept_too(make_run, answerer):
    moon = make_run(answerer).records[3]
    assert moon["answer"]["abstained"]
    assert moon["insisted"]["citations"]


def test_an_exception_is_a_record_that_counts_as_wrong(make_run, make_answerer):
    broken = make_answerer(broken=("When began the talks?", "Who walked on Mars?"))
    run = make_run(broken)
    assert run.records[0]["error"] == {"kind": "RuntimeError", "message": "the model fell over"}
    scores = question_scores(run.records)
    assert scores["begin"]["correct"] == scores["begin"]["evidence_hit"] == 0.0
    assert scores["moon"]["correct"] == scores["moon"]["span_em"] == 0.0
    figures = run_figures(run.records)
    assert figures["errors"].value == pytest.approx(2 / 5)
    assert figures["hit@10"].value == pytest.approx(2 / 3)  # the failed question found nothing


def test_a_crash_at_question_fifty_and_a_resume(make_run, make_answerer, tmp_path):
    cases = tuple(Case(f"q{i}", f"When began talk {i}?", answers=("1990",)) for i in range(1, 81))
    dataset = Dataset("eighty", cases)

    class Crashing(make_answerer):
        def answer(self, question):
            if len(self.asked) == 49:
                raise KeyboardInterrupt
            return super().answer(question)

    with pytest.raises(KeyboardInterrupt):
        make_run(Crashing(), dataset=dataset)
    records = tmp_path / "run" / "records.jsonl"
    assert len(records.read_text().splitlines()) == 49
    with records.open("a") as file:
        file.write('{"id": "q50", "case": {"ques')  # the power went off in mid-line
    again = make_answerer()
    run = make_run(again, dataset=dataset)
    assert again.asked[0] == "When began talk 50?"
    assert len(again.asked) == 31
    assert [record["id"] for record in run.records] == [case.case_id for case in cases]


def test_a_finished_run_asks_nothing_again(make_run, make_answerer):
    make_run(make_answerer())
    again = make_answerer()
    assert len(make_run(again).records) == 5
    assert again.asked == []


def test_another_dataset_configuration_or_store_is_refused(make_run, make_answerer, dataset):
    make_run(make_answerer())
    with pytest.raises(InputError, match="another configuration"):
        make_run(make_answerer(abstain_below=0.5))
    with pytest.raises(InputError, match="another dataset"):
        make_run(make_answerer(), dataset=replace(dataset, cases=dataset.cases[:2]))
    with pytest.raises(InputError, match="another system"):
        make_run(make_answerer(name="others"))


def test_a_dataset_of_one_question(make_run, answerer, dataset):
    run = make_run(answerer, dataset=replace(dataset, cases=dataset.cases[:1]))
    figures = run_figures(run.records)
    assert figures["correct"].value == 1.0
    assert 0.2 < figures["correct"].low < 0.21  # Wilson: one of one proves little
    assert "auroc" not in figures


def test_an_empty_store_gives_wrong_answers_not_a_gap(make_answerer, dataset, tmp_path):
    class Empty(make_answerer):
        def answer(self, question):
            raise NoDocumentsError("There are no documents to ask yet.", "Add some.")

    run = run_dataset(Empty(), dataset, tmp_path / "run", configuration={}, store={})
    figures = run_figures(run.records)
    assert figures["errors"].value == 1.0
    assert figures["correct"].value == 0.0
    assert figures["recall@10"].value == 0.0
    assert run.records[0]["error"]["message"] == "There are no documents to ask yet."
    assert "latency_p50_ms" not in figures


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(InputError, match="no run is there"):
        load_run(tmp_path)


def test_holds_asks_for_half_of_a_quote_from_the_right_document():
    relevant = [Relevant("a.md", "one two three four"), Relevant("a.md"), Relevant("b.md")]
    assert holds("corpus/a.md", "zero one two three", relevant) == [0, 1]
    assert holds("corpus/a.md", "zero one", relevant) == [1]
    assert holds("corpus/b.md", "one two three four", relevant) == [2]


def test_progress_counts_what_was_done_before(make_answerer, dataset, tmp_path):
    seen = []
    run_dataset(
        make_answerer(),
        dataset,
        tmp_path / "run",
        configuration={},
        store={},
        on_record=lambda done, total, record: seen.append((done, total, record["id"])),
    )
    assert seen[0] == (1, 5, "begin")
    assert seen[-1] == (5, 5, "cups")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["name"] == "run"


def test_searching_alone_scores_the_ranking_and_nothing_else(make_answerer, dataset, tmp_path):
    answerer = make_answerer()
    run = run_dataset(
        answerer, dataset, tmp_path / "run", configuration={}, store={}, search_only=True
    )
    assert answerer.asked == []
    figures = run_figures(run.records)
    assert figures["hit@1"].value == 1.0
    assert not {"correct", "false_abstention", "auroc"} & set(figures)
    with pytest.raises(InputError, match="another kind"):
        run_dataset(answerer, dataset, tmp_path / "run", configuration={}, store={})


class CountingFinder:
    """Finds nothing, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def find(self, query, hits):
        self.asked.append(query)
        return []


def test_the_same_hits_in_a_row_are_read_once(answerer):
    finder = CountingFinder()
    remembered = RememberedEvidence(finder)
    hits = answerer.search("When did the talks begin?", 2)
    first = remembered.find("begin", hits)
    assert remembered.find("begin", list(hits)) is first
    assert finder.asked == ["begin"]
    remembered.find("begin", hits[:1])
    remembered.find("led", hits)
    assert finder.asked == ["begin", "begin", "led"]


def rewrite(path, change):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(change(row)) + "\n" for row in rows))


def test_a_run_of_an_older_version_is_read_as_far_as_it_goes(make_run, answerer):
    folder = make_run(answerer).folder
    header = json.loads((folder / "run.json").read_text())
    kept = {name: header[name] for name in ("system", "dataset", "configuration")}
    (folder / "run.json").write_text(json.dumps(kept))
    left_out = ("insisted", "search_only", "error")
    rewrite(folder / "records.jsonl", lambda r: {k: r[k] for k in r if k not in left_out})
    run = load_run(folder)
    assert (run.header["notes"], run.header["store"]["documents"]) == ([], 0)
    assert run_figures(run.records)["correct"].value == 0.6
    page = write_report(run).read_text()
    assert "five" in page
    # What was held back is not known of it, so nobody can say that it was right.
    assert [found.cause for _, found in worst_first(run)] == [Cause.INVENTED, Cause.WITHHELD]


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda r: {k: r[k] for k in r if k != "found"}, "record 1: found is missing"),
        (lambda r: r | {"case": {"question": "?"}}, r"record 1: case\.answerable, case\.answers"),
        (lambda r: r | {"answer": {"text": ""}}, r"record 1: answer\.abstained, answer\.cit"),
        (lambda r: r | {"case": "?"}, "record 1: case is missing"),
    ],
)
def test_a_record_that_figures_cannot_use_is_named(make_run, answerer, change, missing):
    folder = make_run(answerer).folder
    rewrite(folder / "records.jsonl", change)
    with pytest.raises(InputError, match=missing) as raised:
        load_run(folder)
    assert "another version" in raised.value.hint


@pytest.mark.parametrize("header", ["[]", '{"dataset": "five"}', '{"dataset": {"name": "five"}}'])
def test_a_header_that_is_none_is_named(make_run, answerer, header):
    folder = make_run(answerer).folder
    (folder / "run.json").write_text(header)
    with pytest.raises(InputError, match="not the header of a run"):
        load_run(folder)


def test_a_spoilt_line_is_named_with_its_number(make_run, answerer):
    path = make_run(answerer).folder / "records.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "{oops", *lines[1:]]) + "\n")
    with pytest.raises(InputError, match=r"records\.jsonl:2: not JSON"):
        load_run(path.parent)


def test_whoever_only_reads_leaves_a_line_that_is_being_written(make_run, answerer):
    path = make_run(answerer).folder / "records.jsonl"
    with path.open("a") as file:
        file.write('{"id": "half')
    before = path.read_bytes()
    assert len(load_run(path.parent).records) == 5
    assert path.read_bytes() == before
