"""Public benchmarks as datasets: which questions, what is measured, and what others report.

The data stays in the folder that the person gives; nothing of it is part of the project.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from eval.dataset import Case, Dataset, Relevant
from eval.loaders import load_beir, load_plain
from eval.rows import rows_of
from rag.types import Turn

SEED = 20


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark. `measures` maps names of figures to what is published ("" for nothing).

    `within` maps questions to the one document that they are asked of; empty: search them all.
    """

    dataset: Dataset
    measures: Mapping[str, str]
    search_only: bool = False
    within: Mapping[str, str] = field(default_factory=dict)


def scifact(folder: Path, limit: int) -> Bench:
    """Return SciFact of BEIR: claims, and the abstracts that bear on them."""
    dataset = load_beir(folder / "scifact_beir").select(limit=limit, sample=SEED)
    published = "BM25 0.679, all-MiniLM-L6-v2 0.645, bge-large-en-v1.5 0.746"
    return Bench(dataset, {"ndcg@10": published, "recall@10": ""}, search_only=True)


def squad2_given(folder: Path, limit: int) -> Bench:
    """Return SQuAD 2.0 as it is published: each question is asked of its own paragraph."""
    return replace(
        squad2(folder, limit),
        measures={
            "span_f1": "dev set, trained on 130k questions: BERT-base 76.8, MiniLM-L6 75.6",
            "span_em": "",
            "span_f1_answerable": "",
            "auroc": "",
        },
        within={
            row["question"]: row["gold"][0] for row in rows_of(folder / "squad2" / "queries.jsonl")
        },
    )


def squad2(folder: Path, limit: int) -> Bench:
    """Return SQuAD 2.0 end to end: the paragraph has to be found first."""
    dataset = _without_twins(load_plain(folder / "squad2")).select(limit=limit, sample=SEED)
    measures = {
        "span_f1": "",
        "span_em": "",
        "evidence_hit@3": "",
        "hit@1": "",
        "hit@10": "",
        "auroc": "",
    }
    return Bench(dataset, measures)


def nq_evidence(folder: Path, limit: int) -> Bench:
    """Return questions of Natural Questions, each asked of the passage that answers it."""
    rows = [
        row
        for row in rows_of(folder / "nq_qed_dev" / "examples.jsonl")
        if row["explanation_type"] == "single_sentence"
    ]
    cases = tuple(
        Case(
            row["_id"],
            row["question"],
            answers=tuple(row["answers"]),
            relevant=(Relevant(row["_id"], row["support_sentence"].strip()),),
        )
        for row in rows
    )
    records = tuple(
        {"_id": row["_id"], "title": row["title"], "text": row["context"]} for row in rows
    )
    dataset = _without_twins(Dataset("nq_qed_dev", cases, records=records))
    dataset = dataset.select(limit=limit, sample=SEED)
    kept = {case.case_id for case in dataset.cases}
    return Bench(
        replace(dataset, records=tuple(r for r in records if r["_id"] in kept)),
        {"cited_relevant@1": "", "evidence_hit@1": "", "span_em": "", "span_f1": ""},
        within={case.question: case.case_id for case in dataset.cases},
    )


def newsqa(folder: Path, limit: int) -> Bench:
    """Return questions on CNN stories, end to end."""
    dataset = load_plain(folder / "newsqa").select(limit=limit, sample=SEED)
    measures = {
        "evidence_hit@3": "",
        "span_f1": "",
        "hit@1": "BM25, whole stories: 75.2 %",
        "hit@5": "BM25, whole stories: 89.2 %",
    }
    return Bench(dataset, measures)


def realtimeqa(folder: Path, limit: int) -> Bench:
    """Return news quizzes of 2024, over the articles collected for the questions asked."""
    source = folder / "realtimeqa"
    dataset = load_plain(source).select(limit=limit, sample=SEED)
    asked = {case.case_id for case in dataset.cases}
    pool = {
        name
        for row in rows_of(source / "queries.jsonl")
        if row["_id"] in asked
        for name in row["docs"]
    }
    records = tuple(
        {"_id": row["_id"], "title": row["title"], "text": row["text"]}
        for row in rows_of(source / "corpus.jsonl.gz")
        if row["_id"] in pool
    )
    published = "other years: GPT-5.4 36.2 / 47.4, GPT-3 37.5 / 49.3 (EM / F1)"
    return Bench(
        replace(dataset, corpus=(), records=records),
        {"span_em": published, "span_f1": published, "evidence_hit": "", "hit@5": ""},
    )


def clapnq(folder: Path, limit: int) -> Bench:
    """Return questions half of which their Wikipedia passage does not answer."""
    dataset = load_plain(folder / "clapnq").select(limit=limit, sample=SEED)
    measures = {
        "auroc": "",
        "caught_at_5_percent": "",
        "false_abstention": "",
        "cited_relevant": "",
    }
    return Bench(dataset, measures)


def clapnq_search(folder: Path, limit: int) -> Bench:
    """Return the same questions, answerable or not, and the passage that each is about."""
    dataset = _searched(folder / "clapnq").select(limit=limit, sample=SEED)
    return Bench(dataset, {"hit@1": "BM25 79.0 %", "mrr@10": ""}, search_only=True)


def mtragun(folder: Path, limit: int) -> Bench:
    """Return last turns of conversations, answerable or not, over several collections."""
    plain = load_plain(folder / "mtragun")
    clear = [case for case in plain.cases if {"ANSWERABLE", "UNANSWERABLE"} & set(case.tags)]
    dataset = replace(plain, cases=tuple(clear)).select(limit=limit, sample=SEED)
    return Bench(dataset, {"auroc": "", "caught_at_5_percent": "", "false_abstention": ""})


def mtragun_search(folder: Path, limit: int) -> Bench:
    """Return the turns that have a relevant passage, to be found with their history."""
    dataset = _searched(folder / "mtragun").select(limit=limit, sample=SEED)
    published = "BM25, last turn 74.4 %, previous and last turn 81.5 %"
    return Bench(dataset, {"recall@5": published, "ndcg@10": ""}, search_only=True)


def cast2021(folder: Path, limit: int) -> Bench:
    """Return turns of TREC CAsT 2021 with their history, over the passages that answer them."""
    rows = list(rows_of(folder / "cast2021" / "turns.jsonl"))
    names = {text: f"p{i}" for i, text in enumerate(dict.fromkeys(r["gold_passage"] for r in rows))}
    cases = tuple(
        Case(
            row["_id"],
            row["question"],
            tuple(Turn(turn["user"], turn["system"]) for turn in row["history"]),
            relevant=(Relevant(names[row["gold_passage"]]),),
        )
        for row in rows
    )
    records = tuple({"_id": name, "title": "", "text": text} for text, name in names.items())
    dataset = Dataset("cast2021", cases, records=records).select(limit=limit, sample=SEED)
    published = "BM25: last turn 56.8 %, T5-CANARD 79.3 %, rewritten by hand 85.0 %"
    return Bench(dataset, {"recall@5": published, "mrr@10": ""}, search_only=True)


def anthropic_docs(folder: Path, limit: int) -> Bench:
    """Return questions on the pages of a product's manual."""
    source = folder / "anthropic_docs"
    pages = json.loads((source / "anthropic_docs.json").read_text(encoding="utf-8"))
    asked = json.loads((source / "docs_evaluation_dataset.json").read_text(encoding="utf-8"))
    records = tuple(
        {"_id": page["chunk_link"], "title": page["chunk_heading"], "text": page["text"]}
        for page in pages
    )
    cases = tuple(
        Case(row["id"], row["question"], relevant=tuple(map(Relevant, row["correct_chunks"])))
        for row in asked
    )
    dataset = Dataset("anthropic_docs", cases, records=records).select(limit=limit, sample=SEED)
    published = "basic 0.737, BM25 0.762, reranked by a chat model 0.865"
    return Bench(dataset, {"mrr@10": published, "recall@5": ""}, search_only=True)


def chunking(folder: Path, limit: int) -> Bench:
    """Return questions with the exact text that answers them, in four long documents."""
    source = folder / "chunking_eval"
    records = tuple(
        {"_id": path.stem, "title": "", "text": path.read_bytes().decode("utf-8")}
        for path in sorted((source / "corpora").glob("*.md"))
    )
    with (source / "questions_df.csv").open(encoding="utf-8", newline="") as lines:
        cases = tuple(
            Case(
                f"q{number}",
                row["question"],
                relevant=tuple(
                    Relevant(row["corpus_id"], item["content"])
                    for item in json.loads(row["references"])
                ),
            )
            for number, row in enumerate(csv.DictReader(lines))
        )
    dataset = Dataset("chunking_eval", cases, records=records).select(limit=limit, sample=SEED)
    published = "1,200-character passages, text-embedding-3-large: recall 0.809, IoU 0.177"
    return Bench(dataset, {"text_recall@5": published, "text_iou@5": published}, search_only=True)


BENCHES: Mapping[str, Callable[[Path, int], Bench]] = {
    "anthropic_docs": anthropic_docs,
    "clapnq_search": clapnq_search,
    "clapnq": clapnq,
    "cast2021": cast2021,
    "mtragun_search": mtragun_search,
    "mtragun": mtragun,
    "squad2_given": squad2_given,
    "squad2": squad2,
    "nq_qed_dev": nq_evidence,
    "newsqa": newsqa,
    "chunking_eval": chunking,
    "scifact_beir": scifact,
    "realtimeqa": realtimeqa,
}


def _searched(folder: Path) -> Dataset:
    """Return every question with a gold passage as one that only has to find it."""
    plain = load_plain(folder)
    gold = {row["_id"]: row["gold"] for row in rows_of(folder / "queries.jsonl") if row["gold"]}
    cases = tuple(
        replace(
            case, answerable=True, answers=(), relevant=tuple(map(Relevant, gold[case.case_id]))
        )
        for case in plain.cases
        if case.case_id in gold
    )
    return replace(plain, cases=cases)


def _without_twins(dataset: Dataset) -> Dataset:
    """Leave out questions that are asked twice in the same words, of different paragraphs."""
    first = {case.question: case for case in reversed(dataset.cases)}
    kept = tuple(case for case in dataset.cases if first[case.question] is case)
    return replace(dataset, cases=kept)
