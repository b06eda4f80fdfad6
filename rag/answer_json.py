"""Answers and hits as JSON objects, the same everywhere, and answers back from what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rag.notes import note_from_dict, note_to_dict
from rag.types import (
    Answer,
    Choice,
    Citation,
    Clarification,
    Hit,
    Passage,
    Question,
    Sentence,
    Timings,
    Turn,
)


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
                "break_before": sentence.break_before,
            }
            for sentence in answer.sentences
        ],
        "citations": [_citation_to_dict(citation) for citation in answer.citations],
        "hits": [hit_to_dict(hit) for hit in answer.hits],
        "answer_span": answer.answer_span,
        "mode": answer.mode,
        **note_to_dict(answer.note),
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
        "section": passage.section,
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
        "passage_start": passage.start,
        "section": passage.section,
    }


def answer_from_dict(found: Mapping[str, Any], history: tuple[Turn, ...] = ()) -> Answer:
    """Return the answer of a JSON object that `answer_to_dict` made.

    Its passages lack their date, and numbers are as rounded there; its JSON object is the same.

    Raises:
        KeyError, TypeError, ValueError: it is not such an object.
    """
    asked = found.get("clarification")
    return Answer(
        question=Question(found["question"], history),
        query=found["query"],
        sentences=tuple(
            Sentence(
                each["text"],
                tuple(each["citations"]),
                each.get("break_before", False),
                each["support"],
                each["moved"],
            )
            for each in found["sentences"]
        ),
        citations=tuple(
            Citation(
                each["marker"],
                _passage(each, each["passage"], each["passage_start"]),
                each["start"],
                each["end"],
            )
            for each in found["citations"]
        ),
        hits=tuple(
            Hit(_passage(each, each["text"], each["start"]), each["score"], each["rank"])
            for each in found["hits"]
        ),
        abstained=found["abstained"],
        confidence=found["confidence"],
        answer_span=found["answer_span"],
        mode=found["mode"],
        note=note_from_dict(found),
        unresolved=tuple(found["unresolved"]),
        timings=Timings(**found["timings_ms"]),
        clarification=Clarification(
            asked["question"], tuple(Choice(**choice) for choice in asked["choices"])
        )
        if asked
        else None,
    )


def _passage(found: Mapping[str, Any], text: str, start: int) -> Passage:
    return Passage(
        passage_id=found["passage_id"],
        doc_id=found["doc_id"],
        text=text,
        start=start,
        end=start + len(text),
        title=found["title"],
        source=found["source"],
        page=found["page"],
        section=found.get("section", ""),
    )
