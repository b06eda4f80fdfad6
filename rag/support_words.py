"""What a checked sentence is called for people: the same words in every interface."""

from __future__ import annotations

from rag.types import Answer, Sentence

DOUBTS = {
    "partial": ("partly supported", "The cited words say only a part of this sentence."),
    "unsupported": ("not supported", "No passage that was found says this."),
}
"""What is shown beside a sentence, and what it means, by its support; nothing where all is well."""

MOVED = ("citation moved", "The model cited another passage, or none; this one says it.")


def remarks(sentence: Sentence) -> list[tuple[str, str]]:
    """Return what is to be said of a sentence beside it, each with its meaning."""
    doubt = DOUBTS.get(sentence.support or "")
    return [remark for remark in (doubt, MOVED if sentence.moved else None) if remark]


def text_with_remarks(answer: Answer) -> str:
    """Return `Answer.text` with what the check found: `It rained. [1] (partly supported)`."""
    parts: list[str] = []
    for sentence in answer.sentences:
        if parts:
            parts.append("\n" if sentence.break_before else " ")
        parts.append(sentence.text)
        parts.extend(f" [{marker}]" for marker in sentence.markers)
        parts.extend(f" ({remark})" for remark, _ in remarks(sentence))
    return "".join(parts)
