"""Recall, reciprocal rank and nDCG, computed by trec_eval through ir-measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
from ir_measures import RR, R, Success, nDCG

Grades = Mapping[str, int]
"""How relevant each unit (a document, or a wanted quote) is to one question; 0 is not at all."""


def ranking_scores(
    qrels: Mapping[str, Grades],
    rankings: Mapping[str, Sequence[str]],
    cutoffs: Sequence[int] = (1, 3, 5, 10, 50),
) -> dict[str, dict[str, float]]:
    """Score every question's ranking: recall@k, hit@k, mrr@10 and ndcg@10, each in [0, 1].

    nDCG is Järvelin and Kekäläinen's (2002) with linear gain and log2 discount, as trec_eval has
    it; MRR is the reciprocal rank of the first relevant unit, 0 beyond rank 10. A question without
    a ranking scores 0 throughout; a unit listed twice counts where it stands first. Questions
    without a relevant unit are left out, for no ranking of theirs is right or wrong.
    """
    judged = {qid: grades for qid, grades in qrels.items() if any(g > 0 for g in grades.values())}
    if not judged:
        return {}
    measures = {nDCG @ 10: "ndcg@10", RR @ 10: "mrr@10"}
    for k in cutoffs:
        measures |= {R @ k: f"recall@{k}", Success @ k: f"hit@{k}"}
    scores: dict[str, dict[str, float]] = {
        qid: dict.fromkeys(measures.values(), 0.0) for qid in judged
    }
    judgements = [
        ir_measures.Qrel(qid, unit, grade)
        for qid, grades in judged.items()
        for unit, grade in grades.items()
    ]
    run = [
        ir_measures.ScoredDoc(qid, unit, -float(rank))
        for qid in judged
        for rank, unit in enumerate(dict.fromkeys(rankings.get(qid, ())), start=1)
    ]
    for metric in ir_measures.iter_calc(list(measures), judgements, run):
        scores[metric.query_id][measures[metric.measure]] = float(metric.value)
    return scores
