"""Tuning: thresholds by hand, the frontier, and settings that are written."""

from __future__ import annotations

import tomllib

import pytest

from eval.dataset import Case, Dataset, Relevant
from eval.loaders import load_dataset
from eval.metrics.intervals import Estimate
from eval.run import ask
from eval.systems import build_store
from eval.threshold import withheld_below
from eval.tune import (
    Trial,
    best_threshold,
    mark_frontier,
    quality_at,
    spread_of,
    sweep,
    winner,
    write_page,
)
from eval.varying import needs_reindexing, parse_grid, write_settings
from rag.errors import InputError, NoDocumentsError
from rag.retrieval.hashing import HASHING_MODEL
from rag.settings import Settings


@pytest.fixture
def records(make_answerer, dataset):
    """Confidences and outcomes: begin 3/4, where 4/6, lead 2/7 right; cups 3/6, moon 0 wrong."""
    outspoken = make_answerer(abstain_below=0.0)
    return [ask(outspoken, case) for case in dataset.cases]


def test_the_threshold_is_found_afterwards(records):
    assert quality_at(records, "correct", 0.0).value == pytest.approx(3 / 5)
    assert quality_at(records, "correct", 0.05).value == pytest.approx(4 / 5)  # moon is silent
    assert quality_at(records, "correct", 0.6).value == pytest.approx(4 / 5)  # cups too, lead lost
    # From 0.05 to 0.25 and from 0.55 to 0.65 are equally good: the middle of the eight.
    threshold, quality = best_threshold(records, "correct")
    assert (threshold, quality.value) == (0.25, pytest.approx(4 / 5))
    with pytest.raises(InputError, match="No question has 'tokens'"):
        best_threshold(records, "tokens")


def test_withholding_keeps_what_would_have_been_said(records):
    record = withheld_below(records[0], 0.9)
    assert record["answer"]["abstained"]
    assert record["answer"]["citations"] == []
    assert record["insisted"]["citations"] == records[0]["answer"]["citations"]
    assert withheld_below(records[0], 0.75) is records[0]


def trial(quality, milliseconds, spread=0.0, **values):
    return Trial(values, Estimate(quality, quality - spread, quality + spread, 100), milliseconds)


def test_the_frontier_holds_what_nothing_beats():
    trials = mark_frontier([trial(0.8, 30), trial(0.7, 10), trial(0.6, 20), trial(0.8, 40)])
    assert [(t.milliseconds, t.on_frontier) for t in trials] == [
        (10, True),
        (20, False),
        (30, True),
        (40, False),
    ]


def test_the_winner_is_the_fastest_of_the_good():
    # The best has an interval of ±0.098, so a standard error of 0.05.
    slow, near, far = trial(0.80, 30, 0.098), trial(0.76, 20), trial(0.74, 10)
    assert winner([slow, near, far]) is near


def test_means_by_setting():
    trials = [trial(0.5, 1, read_k=5), trial(0.7, 1, read_k=10), trial(0.9, 1, read_k=10)]
    assert list(spread_of(trials)) == [("read_k", 5, 0.5), ("read_k", 10, pytest.approx(0.8))]


def test_a_grid_is_read_and_a_wrong_one_refused():
    assert parse_grid(["read_k=5, 10,5", "dense_share=0.2", "reader=trained,similarity"]) == {
        "read_k": [5, 10],
        "dense_share": [0.2],
        "reader": ["trained", "similarity"],
    }
    for text in ("read_k", "read_k=", "host=a,b", "nothing=1"):
        with pytest.raises(InputError, match="varies nothing"):
            parse_grid([text])
    for text in ("read_k=many", "read_k=0", "dense_share=2", "reader=mind"):
        with pytest.raises(InputError, match="Input should be"):
            parse_grid([text])
    with pytest.raises(InputError, match="found for every trial"):
        parse_grid(["abstain_below=0.2,0.3"])


@pytest.mark.parametrize(
    ("measure", "fault"),
    [
        ("nonsense", "is no figure"),
        ("auroc", "is of a whole run"),
        ("false_abstention", "is better when it is lower"),
    ],
)
def test_a_measure_that_cannot_be_raised_is_refused_before_anything_is_asked(
    tmp_path, dataset, measure, fault
):
    with pytest.raises(InputError, match=fault):
        sweep(dataset, [], Settings(), grid={}, measure=measure, folder=tmp_path)


def test_a_store_is_refused_only_under_another_passage_size_or_model():
    settings = Settings(passage_chars=1000)
    assert not needs_reindexing(settings, {"read_k": 5, "passage_chars": 1000})
    assert needs_reindexing(settings, {"passage_chars": 600})


def test_what_stands_in_a_table_is_not_taken_for_a_setting(tmp_path):
    path = tmp_path / "footnote.toml"
    path.write_text('read_k = 7\n[collections]\nread_k = ["staff"]\n')
    write_settings(path, {"read_k": 20, "reader": "similarity"})
    assert tomllib.loads(path.read_text()) == {
        "read_k": 20,
        "reader": "similarity",
        "collections": {"read_k": ["staff"]},
    }


def test_settings_are_written_among_others(tmp_path):
    path = tmp_path / "footnote.toml"
    path.write_text('# mine\nread_k = 7\nmodel = "ollama:x"\n')
    write_settings(path, {"read_k": 20, "abstain_below": 0.35})
    assert tomllib.loads(path.read_text()) == {
        "read_k": 20,
        "abstain_below": 0.35,
        "model": "ollama:x",
    }
    assert "# mine" in path.read_text()
    path.write_text("not toml at all")
    with pytest.raises(InputError, match="not TOML"):
        write_settings(path, {"read_k": 20})


def test_the_page_names_the_winner(tmp_path):
    trials = mark_frontier([trial(0.8, 30, read_k=10), trial(0.7, 10, read_k=5)])
    page = write_page(tmp_path / "tune.html", trials, trials[1], "correct").read_text()
    assert page.count("<svg") == 1
    assert "read_k 10" in page


@pytest.mark.model
def test_a_sweep_keeps_its_stores(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "talks.md").write_text("# Talks\n\nThe talks began in 1990. Tea was served.\n")
    path = tmp_path / "set.jsonl"
    path.write_text('{"id": "a", "question": "When did the talks begin?", "answers": ["1990"]}\n')
    dataset: Dataset = load_dataset(path)
    seen = []
    for _ in range(2):
        trials = sweep(
            dataset,
            [corpus],
            Settings(data_dir=tmp_path / "data"),
            grid={"read_k": (1, 2)},
            measure="correct",
            folder=tmp_path / "stores",
            on_trial=lambda done, total, values: seen.append((done, total)),
        )
    assert seen == [(1, 2), (2, 2)] * 2
    assert [t.quality.value for t in trials] == [1.0, 1.0]
    assert len(list((tmp_path / "stores").iterdir())) == 1


@pytest.fixture
def written(tmp_path):
    """A small store, and a question of it."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "talks.md").write_text("# Talks\n\nThe talks began in 1990. Tea was served.\n")
    settings = Settings(
        data_dir=tmp_path / "data", embedding_model=HASHING_MODEL, reader="similarity"
    )
    build_store(settings, [corpus])
    return settings


def case(quote):
    return Case(
        "a", "When did the talks begin?", (), True, ("1990",), (Relevant("talks.md", quote),)
    )


def test_without_documents_the_store_is_asked_as_it_is(written, tmp_path):
    dataset = Dataset("one", (case("The talks began in 1990."),))
    sweeping = {"measure": "correct", "folder": tmp_path / "stores"}
    trials = sweep(dataset, [], written, grid={"read_k": (1, 2)}, **sweeping)
    assert [trial.quality.value for trial in trials] == [1.0, 1.0]
    assert not (tmp_path / "stores").exists()
    with pytest.raises(InputError, match="passage_chars cannot be varied over a store") as raised:
        sweep(dataset, [], written, grid={"passage_chars": (500,)}, **sweeping)
    assert "--corpus" in raised.value.hint


def test_a_store_without_documents_or_a_wrong_quote_stops_a_sweep(written, tmp_path):
    sweeping = {"grid": {"read_k": (1,)}, "measure": "correct", "folder": tmp_path}
    with pytest.raises(InputError, match="1 quotes of the dataset are not in their document"):
        sweep(Dataset("one", (case("It began in 1991."),)), [], written, **sweeping)
    empty = written.model_copy(update={"data_dir": tmp_path / "empty"})
    with pytest.raises(NoDocumentsError, match="no documents to ask"):
        sweep(Dataset("one", (case(""),)), [], empty, **sweeping)


def test_what_is_kept_aside_has_no_say():
    cases = tuple(Case(str(i), "?", tags=("held",) if i % 2 else ("dev",)) for i in range(4))
    assert [c.case_id for c in Dataset("four", cases).without("held").cases] == ["0", "2"]
    assert len(Dataset("four", cases).without("").cases) == 4
