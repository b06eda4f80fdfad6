"""Measure the packaged reader.

    python -m training.evaluate --data DIR [--sample 500] [--model rag/models]

`DIR` holds `open/squad2` and `open/nq_qed_dev`; QAMR is measured on the held-back sentences that
`training.data` wrote. No figure here was tuned on: the threshold comes with the model.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from eval.metrics.abstention import auroc
from eval.metrics.calibration import expected_calibration_error
from eval.metrics.intervals import mean_estimate
from eval.metrics.spans import exact_match, token_f1
from rag.answering.reading.model import PACKAGED, Reading, ReadingModel
from training.data import SEED, Example, read_jsonl, read_squad
from training.encoding import read_examples

SAME_LENGTH = {"``": '" ', "''": '" ', "--": "– "}  # tokenised text, offsets kept
Rows = list[tuple[str, str]]


def some(rows: Sequence[Example], size: int | None) -> list[Example]:
    """Return a fixed random sample, or everything."""
    if size is None or size >= len(rows):
        return list(rows)
    return random.Random(SEED).sample(list(rows), size)


def read_all(model: ReadingModel, rows: Sequence[Example]) -> list[Reading]:
    """Read each question with its own passage."""
    return [model.read(row.question, [(row.title, row.text)])[0] for row in rows]


def best_text(row: Example, reading: Reading) -> str:
    """Return the words of the best span."""
    span = reading.spans[0] if reading.spans else None
    return row.text[span.start : span.end] if span else ""


def shown(name: str, values: Sequence[float]) -> tuple[str, str]:
    """Show a mean with its 95 % bootstrap interval."""
    estimate = mean_estimate(values)
    return name, f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}] n={len(values)}"


def squad(model: ReadingModel, folder: Path, threshold: float, size: int | None) -> Rows:
    """SQuAD 2.0 with its paragraph given: no answer below the threshold."""
    rows = some(read_squad(folder), size)
    readings = read_all(model, rows)
    exact, f1, has_f1, has_exact, no, raw = [], [], [], [], [], []
    for row, reading in zip(rows, readings, strict=True):
        text = best_text(row, reading) if reading.answerable >= threshold else ""
        references = [row.text[s:e] for s, e in row.spans]
        if references:
            exact.append(exact_match(text, references))
            f1.append(token_f1(text, references))
            has_exact.append(exact[-1])
            has_f1.append(f1[-1])
            raw.append(token_f1(best_text(row, reading), references))
        else:
            no.append(float(not text))
            exact.append(no[-1])
            f1.append(no[-1])
    chances = [r.answerable for r in readings]
    labels = [bool(row.spans) for row in rows]
    return [
        shown("squad2 open F1", f1),
        shown("squad2 open EM", exact),
        shown("squad2 open HasAns F1", has_f1),
        shown("squad2 open HasAns EM", has_exact),
        shown("squad2 open NoAns", no),
        shown("squad2 open HasAns F1, span given that it answers", raw),
        ("squad2 open answerable AUROC", f"{auroc(chances, labels):.3f}"),
        (
            "squad2 open calibration error (10 bins)",
            f"{expected_calibration_error(chances, labels):.3f}",
        ),
    ]


def search_questions(model: ReadingModel, path: Path, size: int | None) -> Rows:
    """NQ questions with their paragraph: is the best span in the right place and sentence?"""
    rows = read_jsonl(path)
    if size is not None and size < len(rows):
        rows = random.Random(SEED).sample(rows, size)
    inside, sentence, holding, f1 = [], [], [], []
    for row in rows:
        text = str(row["context"])
        for token, plain in SAME_LENGTH.items():
            text = text.replace(token, plain)
        best = model.read(str(row["question"]), [(str(row["title"]), text)])[0].spans[0]
        answers = [str(answer) for answer in row["answers"]]  # type: ignore[attr-defined]
        places = [m.span() for a in answers for m in re.finditer(re.escape(a), str(row["context"]))]
        inside.append(float(any(best.start < e and best.end > s for s, e in places)))
        f1.append(token_f1(text[best.start : best.end], answers))
        starts = [int(s) for s in row["sentence_starts"]]  # type: ignore[attr-defined]
        chosen = bisect_right(starts, best.start)
        holding.append(float(any(bisect_right(starts, s) == chosen for s, _ in places)))
        if support := str(row["support_sentence"] or "").strip():
            wanted = bisect_right(starts, str(row["context"]).index(support))
            sentence.append(float(chosen == wanted))
    return [
        shown("nq_qed_dev span overlaps the answer", inside),
        shown("nq_qed_dev sentence holds the answer", holding),
        shown("nq_qed_dev sentence is the marked evidence", sentence),
        shown("nq_qed_dev F1", f1),
    ]


def role_questions(model: ReadingModel, path: Path, size: int | None) -> Rows:
    """QAMR sentences of documents kept apart, packed in paragraphs."""
    rows = some([e for e in read_examples(path) if e.source == "qamr"], size)
    readings = read_all(model, rows)
    texts = [best_text(row, reading) for row, reading in zip(rows, readings, strict=True)]
    references = [[row.text[s:e] for s, e in row.spans] for row in rows]
    pairs = list(zip(texts, references, strict=True))
    return [
        shown("qamr held back F1", [token_f1(text, answers) for text, answers in pairs]),
        shown("qamr held back EM", [exact_match(text, answers) for text, answers in pairs]),
    ]


def speed(folder: Path, corpus: Path, rounds: int = 7) -> Rows:
    """Time one question over ten passages of about 900 characters, in both number formats."""
    texts = [str(row["text"]) for row in read_jsonl(corpus)]
    passages = [("A title", (" ".join(texts[i : i + 3]))[:900]) for i in range(0, 30, 3)]
    middle = {}
    for dtype in (torch.float32, torch.bfloat16):
        model = ReadingModel.load(folder, dtype=dtype)
        model.read("who was it?", passages)
        took = []
        for _ in range(rounds):
            begun = time.perf_counter()
            model.read("what was the first of them called?", passages)
            took.append(time.perf_counter() - begun)
        middle[dtype] = float(np.median(took))
    wide, narrow = middle[torch.float32], middle[torch.bfloat16]
    return [
        ("10 passages of 900 characters, float32", f"{1000 * wide:.0f} ms"),
        ("10 passages of 900 characters, bfloat16", f"{1000 * narrow:.0f} ms"),
        ("float32 / bfloat16", f"{wide / narrow:.2f}"),
    ]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True, help="folder that holds open/")
    parser.add_argument("--heldback", type=Path, default=Path("data/reader/heldback.jsonl"))
    parser.add_argument("--model", type=Path, default=PACKAGED)
    parser.add_argument("--sample", type=int, help="at most so many questions of each set")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    about = json.loads((arguments.model / "reader.json").read_text(encoding="utf-8"))
    model = ReadingModel.load(arguments.model)
    opened, size = arguments.data / "open", arguments.sample
    parts = [
        lambda: squad(model, opened / "squad2", about["held_back"]["no_answer_below"], size),
        lambda: search_questions(model, opened / "nq_qed_dev" / "examples.jsonl", size),
        lambda: role_questions(model, arguments.heldback, size),
        lambda: speed(arguments.model, opened / "squad2" / "corpus.jsonl"),
    ]
    for part in parts:
        for name, value in part():
            print(f"{name:52} {value}", flush=True)


if __name__ == "__main__":
    main()
