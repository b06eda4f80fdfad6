"""From a run's records to figures: first per question, then over the run with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eval.dataset import Relevant
from eval.measures import MEASURES
from eval.metrics import abstention as quiet
from eval.metrics.calibration import brier_score, expected_calibration_error
from eval.metrics.citations import Supports, citation_scores, lexical_support
from eval.metrics.intervals import Estimate, mean_estimate, percentile, statistic_estimate
from eval.metrics.ranking import ranking_scores
from eval.metrics.spans import contains_answer, exact_match, token_f1
from eval.run import holds
from eval.run_files import Record

CHARS_PER_TOKEN = 4.0
"""English text, roughly; providers differ, so tokens are an estimate."""

Scores = dict[str, float]
"""What bears on one question, by the name of the measure; others are left out."""


def question_scores(
    records: Sequence[Record], supports: Supports = lexical_support
) -> dict[str, Scores]:
    """Score every record by itself; an error scores as an answer that is wrong."""
    rankings = _rankings(records)
    return {
        record["id"]: {
            **rankings.get(record["id"], {}),
            **({} if record.get("search_only") else _scores_of_answer(record, supports)),
        }
        for record in records
    }


def run_figures(
    records: Sequence[Record], scores: Mapping[str, Scores] | None = None, seed: int = 0
) -> dict[str, Estimate]:
    """Return every figure that the records bear on, by name, in the order of `measures`."""
    scores = question_scores(records) if scores is None else scores
    names = [name for name in MEASURES if any(name in row for row in scores.values())]
    figures = {
        name: mean_estimate([row[name] for row in scores.values() if name in row], seed)
        for name in names
    }
    figures["errors"] = mean_estimate([float(bool(r["error"])) for r in records], seed)
    for name, statistic in run_statistics(records).items():
        figures[name] = statistic_estimate(statistic, len(records), seed)
    return {name: figures[name] for name in MEASURES if _is_known(figures.get(name))}


def is_correct(case: Mapping[str, Any], answer: Mapping[str, Any] | None) -> bool:
    """Say whether an answer is right.

    An unanswerable question wants silence. Any other wants an answer whose text contains a
    reference answer, or that cites at least half of a relevant quote; where the dataset knows only
    relevant documents, that cites one of them.
    """
    if answer is None:
        return False
    if answer["abstained"] or not case["answerable"]:
        return bool(answer["abstained"]) and not case["answerable"]
    if contains_answer(plain_text(answer), case["answers"]):
        return True
    relevant = _relevant(case)
    quoted = [item for item in relevant if item.quote]
    return _cites(answer, quoted or ([] if case["answers"] else relevant))


def confidence_outcomes(records: Sequence[Record]) -> tuple[list[float], list[bool]]:
    """Return each question's confidence, and whether the answer given or withheld is right.

    What was withheld is judged by the answer insisted on, and counts as wrong when there is none.
    """
    confidences, outcomes = [], []
    for record in records:
        answer = record["answer"]
        confidences.append(answer["confidence"] if answer else 0.0)
        said = record["insisted"] if answer and answer["abstained"] else answer
        outcomes.append(record["case"]["answerable"] and is_correct(record["case"], said))
    return confidences, outcomes


def plain_text(answer: Mapping[str, Any]) -> str:
    """Return an answer's sentences without markers."""
    return " ".join(sentence["text"] for sentence in answer["sentences"])


def _rankings(records: Sequence[Record]) -> dict[str, Scores]:
    """Rank units: a hit is worth the wanted items that it holds and no hit above it held.

    Items first found in one passage are one unit of the highest of their grades. A document that
    is wanted as such, and hit again, is dropped from the ranking where it stands again.
    """
    qrels: dict[str, dict[str, int]] = {}
    rankings: dict[str, list[str]] = {}
    for record in records:
        relevant = _relevant(record["case"])
        if not relevant:
            continue
        by_document = not any(item.quote for item in relevant)
        units: dict[str, int] = {}
        ranking, held = [], set[int]()
        for hit in record["found"]:
            fresh = set(hit["holds"]) - held
            held |= fresh
            unit = hit["source"] if by_document else f"{hit['source']}:{hit['start']}"
            ranking.append(unit)
            if fresh:
                units[unit] = max(relevant[index].grade for index in fresh)
        missed = set(range(len(relevant))) - held
        units |= {f"not found {index}": relevant[index].grade for index in missed}
        qrels[record["id"]], rankings[record["id"]] = units, ranking
    return ranking_scores(qrels, rankings)


def _scores_of_answer(record: Record, supports: Supports) -> Scores:
    return {
        **_answer_scores(record["case"], record["answer"], supports),
        "correct": float(is_correct(record["case"], record["answer"])),
        **_judge_scores(record),
    }


def _answer_scores(
    case: Mapping[str, Any], answer: Mapping[str, Any] | None, supports: Supports
) -> Scores:
    scores: Scores = {}
    spoken = answer is not None and not answer["abstained"]
    citations = answer["citations"] if answer and spoken else []
    said = plain_text(answer) if answer and spoken else ""
    silent = answer is not None and answer["abstained"]
    scores["false_abstention" if case["answerable"] else "abstention_recall"] = float(silent)
    if case["answers"] or not case["answerable"]:
        span = (answer["answer_span"] or said) if answer and spoken else ""
        # A failed question must not score as the silence that an unanswerable one wants.
        right = answer is not None
        scores["span_em"] = exact_match(span, case["answers"]) * right
        scores["span_f1"] = token_f1(span, case["answers"]) * right
    if case["answers"]:
        scores["span_em_answerable"] = scores["span_em"]
        scores["span_f1_answerable"] = scores["span_f1"]
        scores["containment"] = float(contains_answer(said, case["answers"]))
        for name, first in (("evidence_hit@1", 1), ("evidence_hit@3", 3), ("evidence_hit", None)):
            quotes = [citation["quote"] for citation in citations[:first]]
            scores[name] = float(any(contains_answer(quote, case["answers"]) for quote in quotes))
    if relevant := _relevant(case):
        read = answer["hits"] if answer else []
        texts = [(hit["source"], hit["text"]) for hit in read]
        scores["read_relevant"] = float(any(holds(*text, relevant) for text in texts))
        scores["cited_relevant"] = float(_cites({"citations": citations}, relevant))
        scores["cited_relevant@1"] = float(_cites({"citations": citations[:1]}, relevant))
    if answer and spoken:
        scores |= _citation_scores(answer, supports)
    return scores


def _citation_scores(answer: Mapping[str, Any], supports: Supports) -> Scores:
    quotes = {citation["marker"]: citation["quote"] for citation in answer["citations"]}
    statements = [
        (sentence["text"], [quotes[marker] for marker in sentence["citations"]])
        for sentence in answer["sentences"]
    ]
    alce = citation_scores(statements, supports)
    context = "\n".join(hit["text"] for hit in answer["hits"])
    faithful = [supports(context, sentence) for sentence, _ in statements]
    scores = {
        "citation_recall": alce.recall,
        "citation_precision": alce.precision,
        "faithfulness": sum(faithful) / len(faithful) if faithful else None,
    }
    return {name: score for name, score in scores.items() if score is not None}


def _judge_scores(record: Record) -> Scores:
    """Score a judge's verdict, and estimate what a chat model was given and gave, in tokens."""
    scores: Scores = {}
    verdict = (record.get("judge") or {}).get("verdict")
    if verdict in ("right", "wrong"):
        scores["judge"] = float(verdict == "right")
    answer = record["answer"]
    if answer and ":" in answer.get("mode", ""):
        read = sum(len(hit["text"]) for hit in answer["hits"])
        scores["tokens"] = (read + len(answer["question"]) + len(answer["text"])) / CHARS_PER_TOKEN
    return scores


def _is_known(estimate: Estimate | None) -> bool:
    return estimate is not None and estimate.value is not None


def _cites(answer: Mapping[str, Any], relevant: Sequence[Relevant]) -> bool:
    return any(holds(c["source"], c["quote"], relevant) for c in answer["citations"])


def _relevant(case: Mapping[str, Any]) -> list[Relevant]:
    return [Relevant(**item) for item in case["relevant"]]


OF_RUNS = {
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "ece",
    "brier",
    "aurc",
    "abstention_precision",
    "abstention_f1",
    "auroc",
    "caught_at_5_percent",
    "errors",
}
"""The figures that no single question has."""

Statistic = Callable[[np.ndarray], float | None]
"""A figure of the questions at the indices given; None where it is undefined."""


def run_statistics(records: Sequence[Record]) -> dict[str, Statistic]:
    """Return what only many questions together have: abstention, calibration, latency."""
    can = np.array([r["case"]["answerable"] for r in records], bool)
    silent = np.array([bool(r["answer"] and r["answer"]["abstained"]) for r in records], bool)
    seconds = np.array([r["seconds"] if not r["error"] else np.nan for r in records], float)
    listed, outcomes = confidence_outcomes(records)
    sure, right = np.array(listed, float), np.array(outcomes, bool)

    def latency(q: float) -> Statistic:
        return lambda i: percentile(1000 * seconds[i][~np.isnan(seconds[i])], q)

    statistics: dict[str, Statistic] = {
        "latency_p50_ms": latency(50),
        "latency_p95_ms": latency(95),
        "latency_p99_ms": latency(99),
    }
    if any(record.get("search_only") for record in records):
        return statistics
    statistics |= {
        "ece": lambda i: expected_calibration_error(sure[i], right[i]),
        "brier": lambda i: brier_score(sure[i], right[i]),
        "aurc": lambda i: quiet.risk_coverage_area(sure[i], right[i]),
    }
    if not can.all():
        statistics |= {
            "abstention_precision": lambda i: quiet.abstention(can[i], silent[i]).precision,
            "abstention_f1": lambda i: quiet.abstention(can[i], silent[i]).f1,
            "auroc": lambda i: quiet.auroc(sure[i], can[i]),
            "caught_at_5_percent": lambda i: quiet.recall_at_false_abstention(sure[i], can[i]),
        }
    return statistics
