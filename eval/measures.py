"""What each figure is called, what it says and which way is better: for reports and gates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """How to show a figure. `unit` is "%" for shares, "ms", or "" for a plain number."""

    name: str
    label: str
    group: str
    says: str
    unit: str = "%"
    higher_is_better: bool = True


_RETRIEVAL, _ANSWER, _CITATION = "Retrieval", "Answers", "Citations"
_SILENCE, _SPEED = "Knowing what it does not know", "Speed and failures"

_ALL = (
    Measure("correct", "Right", _ANSWER, "answered rightly, or rightly silent"),
    Measure("evidence_hit", "Evidence cited", _ANSWER, "a cited quote contains a reference answer"),
    Measure("evidence_hit@1", "Evidence in first quote", _ANSWER, "the first cited quote does"),
    Measure("evidence_hit@3", "Evidence in three quotes", _ANSWER, "one of the first three does"),
    Measure("containment", "Answer contained", _ANSWER, "the text contains a reference answer"),
    Measure("span_em", "Exact match", _ANSWER, "SQuAD's, silence being right where none is"),
    Measure("span_f1", "Token F1", _ANSWER, "SQuAD's, silence being right where none is"),
    Measure("span_em_answerable", "Exact match, answerable", _ANSWER, "of answerable questions"),
    Measure("span_f1_answerable", "Token F1, answerable", _ANSWER, "of answerable questions"),
    Measure("judge", "Judge", _ANSWER, "a chat model finds the answer right"),
    Measure("ndcg@10", "nDCG@10", _RETRIEVAL, "order of the first ten hits", ""),
    Measure("mrr@10", "MRR@10", _RETRIEVAL, "one over the rank of the first relevant hit", ""),
    *(
        Measure(f"hit@{k}", f"Hit@{k}", _RETRIEVAL, f"something relevant among {k}")
        for k in (1, 3, 5, 10, 50)
    ),
    *(
        Measure(f"recall@{k}", f"Recall@{k}", _RETRIEVAL, f"of what is relevant, among {k}")
        for k in (1, 3, 5, 10, 50)
    ),
    Measure("text_recall@5", "Text recall@5", _RETRIEVAL, "wanted characters, among 5", ""),
    Measure("text_iou@5", "Text IoU@5", _RETRIEVAL, "of wanted and retrieved characters, 5", ""),
    Measure("read_relevant", "Relevant read", _RETRIEVAL, "something relevant was read"),
    Measure("cited_relevant", "Relevant cited", _CITATION, "something relevant was cited"),
    Measure("cited_relevant@1", "Relevant cited first", _CITATION, "the first citation is"),
    Measure("citation_recall", "Citation recall", _CITATION, "sentences their citations support"),
    Measure("citation_precision", "Citation precision", _CITATION, "citations that are needed"),
    Measure("faithfulness", "Faithfulness", _CITATION, "sentences that what was read supports"),
    Measure("auroc", "AUROC", _SILENCE, "an answerable question is the more confident", ""),
    Measure("caught_at_5_percent", "Caught at 5 %", _SILENCE, "unanswerable, at 5 % lost"),
    Measure("abstention_precision", "Abstention precision", _SILENCE, "silences that are right"),
    Measure("abstention_recall", "Abstention recall", _SILENCE, "unanswerable met with silence"),
    Measure("abstention_f1", "Abstention F1", _SILENCE, "of the two", ""),
    Measure("false_abstention", "False abstention", _SILENCE, "answerable, but silent", "%", False),
    Measure("aurc", "Risk over coverage", _SILENCE, "area, lower is better", "", False),
    Measure("ece", "Calibration error", _SILENCE, "confidence against being right", "", False),
    Measure("brier", "Brier score", _SILENCE, "squared error of confidence", "", False),
    Measure("latency_p50_ms", "Time, median", _SPEED, "half of the answers", "ms", False),
    Measure("latency_p95_ms", "Time, 95th", _SPEED, "95 % of the answers", "ms", False),
    Measure("latency_p99_ms", "Time, 99th", _SPEED, "99 % of the answers", "ms", False),
    Measure("tokens", "Tokens", _SPEED, "read and written by the chat model, estimated", "", False),
    Measure("errors", "Errors", _SPEED, "questions that failed", "%", False),
)

MEASURES = {measure.name: measure for measure in _ALL}
GROUPS = tuple(dict.fromkeys(measure.group for measure in _ALL))
HEADLINES = (
    "correct",
    "evidence_hit",
    "auroc",
    "false_abstention",
    "hit@10",
    "latency_p50_ms",
    "ndcg@10",
    "mrr@10",
    "hit@1",
    "recall@50",
)
"""The first six of these that a run has head its report."""


def show(name: str, value: float | None) -> str:
    """Write a value as a person reads it: 83.1 %, 0.714, 212 ms; – for none."""
    if value is None:
        return "–"
    unit = MEASURES[name].unit if name in MEASURES else ""
    if unit == "%":
        return f"{100 * value:.1f} %"
    if unit == "ms":
        return f"{value:,.0f} ms"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"
