"""Public benchmarks: what the adapters make of their files, the text measures and the table."""

from __future__ import annotations

import json

import pytest

from eval.baseline_langchain import PlainLangChain
from eval.bench_quality import Row, table, text_figures
from eval.bench_sets import BENCHES
from eval.dataset import Case, Relevant
from eval.metrics.intervals import Estimate
from eval.run_files import Run
from eval.systems import Within
from rag.types import Document, Question


def write_jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_squad_is_asked_of_its_own_paragraph_and_twins_are_left_out(tmp_path):
    rows = [
        {"_id": "1", "question": "A?", "gold": ["p#0"], "answers": ["x"], "answerable": True},
        {"_id": "2", "question": "B?", "gold": ["p#1"], "answers": [], "answerable": False},
        {"_id": "3", "question": "A?", "gold": ["p#1"], "answers": ["y"], "answerable": True},
    ]
    write_jsonl(tmp_path / "squad2" / "queries.jsonl", rows)
    bench = BENCHES["squad2_given"](tmp_path, 10)
    assert [case.case_id for case in bench.dataset.cases] == ["1", "2"]
    assert bench.within["B?"] == "p#1"


def test_searching_asks_unanswerable_questions_too(tmp_path):
    rows = [
        {"_id": "1", "question": "A?", "gold": ["a"], "answers": ["x"], "answerable": True},
        {"_id": "2", "question": "B?", "gold": ["b"], "answers": [], "answerable": False},
        {"_id": "3", "question": "C?", "gold": [], "answers": [], "answerable": False},
    ]
    write_jsonl(tmp_path / "clapnq" / "queries.jsonl", rows)
    bench = BENCHES["clapnq_search"](tmp_path, 10)
    assert [case.relevant for case in bench.dataset.cases] == [(Relevant("a"),), (Relevant("b"),)]
    assert bench.search_only
    assert not BENCHES["clapnq"](tmp_path, 10).search_only


def test_conversations_keep_their_history_and_pool_their_passages(tmp_path):
    turn = {"user": "Who?", "system": "Ann."}
    rows = [
        {"_id": "1", "question": "Who?", "history": [], "gold_passage": "Ann did."},
        {"_id": "2", "question": "When?", "history": [turn], "gold_passage": "Ann did."},
    ]
    write_jsonl(tmp_path / "cast2021" / "turns.jsonl", rows)
    bench = BENCHES["cast2021"](tmp_path, 10)
    assert len(bench.dataset.records) == 1
    assert bench.dataset.cases[1].history[0].answer == "Ann."


def test_text_measures_count_characters_of_the_first_five_hits():
    document = Document("wiki", "", "c.jsonl#wiki", "0123456789" * 3)
    case = Case("q", "?", relevant=(Relevant("wiki", "012345678901234"),)).to_dict()
    hits = [("c.jsonl#wiki", 0, 10), ("c.jsonl#other", 0, 10), ("c.jsonl#wiki", 20, 30)]
    found = [{"source": s, "start": a, "end": b} for s, a, b in hits]
    far = [{"source": "c.jsonl#wiki", "start": 0, "end": 30}]
    run = Run(None, {}, ({"case": case, "found": found + found[1:2] * 2 + far},))
    figures = text_figures(run, {"wiki": document})
    assert figures["text_recall@5"].value == pytest.approx(10 / 15)
    # 50 characters read, 15 wanted, 10 both.
    assert figures["text_iou@5"].value == pytest.approx(10 / 55)


def test_the_table_shows_intervals_and_what_is_missing():
    ours = Estimate(0.812, 0.75, 0.87, 100)
    rows = [Row("set", "hit@1", 100, ours, None, "BM25 79.0 %")]
    assert table(rows).splitlines()[-1] == (
        "| set | Hit@1 | 100 | 81.2 % (75.0 % to 87.0 %) | – | BM25 79.0 % |"
    )


@pytest.mark.model
def test_the_plain_pipeline_answers_with_the_most_similar_sentence(tmp_path):
    documents = [
        Document("t", "Talks", "t.md", "Talks\n\nThe talks began in 1990. Tea was served at noon."),
        Document("g", "Gardens", "g.md", "Roses need sun. Ferns like shade."),
    ]
    plain = PlainLangChain(documents, tmp_path)
    answer = plain.answer(Question("When did the talks begin?"))
    assert answer.citations[0].quote == "The talks began in 1990."
    assert not answer.abstained
    assert [hit.passage.doc_id for hit in answer.hits] == ["t", "g"]
    within = Within(plain, {"When did the talks begin?": "g"})
    assert within.answer(Question("When did the talks begin?")).hits[0].passage.doc_id == "g"
    assert plain.search("roses", 1)[0].passage.text.startswith("Gardens\nRoses")
