"""What a named year is worth, on a collection small enough to see."""

from __future__ import annotations

import json
from pathlib import Path

from eval.ablation_years import year_rows
from eval.loaders import load_plain
from eval.systems import build_store
from rag.build import open_parts
from rag.settings import load_settings

TEXTS = {
    "report": "Apples, pears and plums: which sold best.",
    "history": "Apples, pears and plums of 1987.",
}


def test_a_bonus_brings_the_passage_of_the_year_first(tmp_path: Path) -> None:
    rows = [{"_id": name, "title": "", "text": text} for name, text in TEXTS.items()]
    question = "Which apples, pears and plums sold best in 1987?"
    asked = {"_id": "q", "question": question, "answers": [], "gold": ["history"]}
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "queries.jsonl").write_text(json.dumps(asked | {"answerable": True}) + "\n")
    dataset = load_plain(tmp_path)
    settings = load_settings(data_dir=tmp_path / "store", embedding_model="hashing")
    build_store(settings, dataset.corpus_files(tmp_path))
    with open_parts(settings) as parts:
        lines = list(year_rows(parts, settings, dataset.cases))
    assert lines[2].startswith("| 0 | 0.000")
    assert lines[-1].startswith("| 1 | 1.000")
