"""The text that speed is measured on."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from eval.bench_text import Text, count_passages, docstring_texts, folder_texts


def test_a_folder_gives_files_and_records_in_order_of_path(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("Second.")
    (tmp_path / "a.txt").write_text("First.")
    (tmp_path / "ignored.csv").write_text("1,2")
    records = [{"title": "T", "text": "Third."}, {"question": "no text"}, {"text": "Fourth."}]
    (tmp_path / "z.jsonl").write_text("\n".join(map(json.dumps, records)))
    assert list(folder_texts(tmp_path)) == [
        Text("a", "First."),
        Text("sub.b", "Second."),
        Text("z.1", "T\n\nThird."),
        Text("z.3", "Fourth."),
    ]


def test_docstrings_make_the_same_texts_each_time_and_repeat_nothing():
    texts = list(itertools.islice(docstring_texts(), 3))
    assert texts == list(itertools.islice(docstring_texts(), 3))
    assert all(2_000 <= len(text.text) <= 20_000 for text in texts)
    paragraphs = [p for text in texts for p in text.text.split("\n\n") if p.strip()]
    assert len(paragraphs) == len(set(paragraphs))
    assert len({text.name for text in texts}) == 3


def test_passages_are_counted_as_an_ingest_would():
    text = Text("t", "One sentence of forty characters, exactly. " * 10)
    assert count_passages(text, 1000, 0) == 1
    assert count_passages(text, 100, 0) == 5
