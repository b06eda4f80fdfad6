"""Answers and hits as JSON objects: the same in the command line, the API and evaluation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rag.types import Answer, Citation, Hit


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer; `document.text[start:end] == quote` in each citation."""
    return {
        "question": answer.question.text,
        "query": answer.query,
        "text": answer.text,
        "abstained": answer.abstained,
        "confidence": round(answer.confidence, 4),
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(sentence.markers),
                "support": sentence.support,
                "moved": sentence.moved,
            }
            for sentence in answer.sentences
        ],
        "citations": [_citation_to_dict(citation) for citation in answer.citations],
        "hits": [hit_to_dict(hit) for hit in answer.hits],
        "answer_span": answer.answer_span,
        "mode": answer.mode,
        "note": answer.note,
        "unresolved": list(answer.unresolved),
        "clarification": asdict(answer.clarification) if answer.clarification else None,
        "timings_ms": {name: round(ms, 2) for name, ms in asdict(answer.timings).items()},
    }


def hit_to_dict(hit: Hit) -> dict[str, Any]:
    """Return the JSON object of a hit."""
    passage = hit.passage
    return {
        "doc_id": passage.doc_id,
        "passage_id": passage.passage_id,
        "title": passage.title,
        "source": passage.source,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "score": round(hit.score, 6),
        "rank": hit.rank,
        "text": passage.text,
    }


def _citation_to_dict(citation: Citation) -> dict[str, Any]:
    passage = citation.passage
    return {
        "marker": citation.marker,
        "doc_id": passage.doc_id,
        "passage_id": passage.passage_id,
        "title": passage.title,
        "source": passage.source,
        "page": passage.page,
        "start": citation.quote_start,
        "end": citation.quote_end,
        "quote": citation.quote,
        "passage": passage.text,
    }
