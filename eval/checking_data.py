"""Sentences with their passages, right or not, that the checks of citations are measured on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.planted import Cited
from eval.rows import rows_of
from rag.answering.checking.agreement import coverage
from rag.answering.text.claims import content_words
from rag.errors import InputError
from rag.ingest.passages import split
from rag.ingest.readers import read_file
from rag.ingest.sentences import sentence_spans
from rag.settings import PROJECT_ROOT
from rag.types import Document, Passage

RIGHT = Path(__file__).parent / "datasets" / "checking.jsonl"
CONTEXT_PASSAGES = 8
_PASSAGE_CHARS = 1000
_LIST_NUMBERS = re.compile(r"^(?:\d{1,2}[.)]|[-*•])\s+|\s+\d{1,2}[.)]$")
_LEAST_WORDS, _LEAST_COVERAGE = 5, 0.5


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim beside a text, and whether people found that the text supports it."""

    text: str
    passage: Passage
    supported: bool


def half(text: str) -> int:
    """Return 0 for what may be fitted on, 1 for what is reported: by the text's own hash."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[0] % 2


def corpus_sentences(path: Path = RIGHT) -> list[Cited]:
    """Read the right sentences over the sample corpus, each citing the passage of its quote."""
    rows = list(rows_of(path))
    passages: list[Passage] = []
    for source in sorted({row["source"] for row in rows}):
        for document in read_file(PROJECT_ROOT / source, source):
            if isinstance(document, Document):
                passages += split(document, passage_chars=_PASSAGE_CHARS, overlap_chars=0)
    found = []
    for row in rows:
        quote = " ".join(row["quote"].split())
        cited = [p for p in passages if quote in " ".join(p.text.split())]
        if not cited:
            raise InputError(
                f"{path}: {row['id']} quotes what {row['source']} does not say.",
                "Copy the quote from the document.",
            )
        found.append(_in_context(row["text"], cited[0], passages))
    return found


def clapnq_sentences(folder: Path) -> list[Cited]:
    """Read the sentences of people's answers, each citing the paragraph they answered from."""
    return [cited for _, cited in _answers(folder / "clapnq")]


def clapnq_support(folder: Path) -> Iterator[tuple[Cited, list[str]]]:
    """Yield those sentences with the letters of each sentence that people marked as support."""
    marked = {
        row["question"]: ["".join(filter(str.isalnum, one)) for one in row["support_sentences"]]
        for row in rows_of(folder / "clapnq" / "queries.jsonl")
        if row["answerable"]
    }
    for question, cited in _answers(folder / "clapnq"):
        yield cited, marked[question]


def mtrag_sentences(folder: Path) -> list[Cited]:
    """Read the sentences of agents' last answers, each citing its likeliest passage."""
    return [cited for _, cited in _answers(folder / "mtragun")]


def wice_claims(folder: Path) -> list[Claim]:
    """Read claims of Wikipedia beside excerpts of what they cite (WiCE, Kamoi et al. 2023)."""
    return [
        Claim(
            row["claim"],
            passage_of("\n\n".join(row["evidence"]), str(number)),
            row["label"] == "supported",
        )
        for number, row in enumerate(rows_of(folder / "wice" / "oracle_chunks.jsonl"))
    ]


def climate_claims(folder: Path) -> list[Claim]:
    """Read claims about the climate beside single sentences of Wikipedia (CLIMATE-FEVER)."""
    return [
        Claim(
            row["claim"],
            passage_of(one["evidence"], one["evidence_id"], title=one["article"]),
            one["evidence_label"] == "SUPPORTS",
        )
        for row in rows_of(folder / "climate_fever" / "claims.jsonl")
        for one in row["evidences"]
    ]


def passage_of(text: str, passage_id: str, *, title: str = "") -> Passage:
    """Make a passage that is a document of its own."""
    return Passage(passage_id, passage_id, text, 0, len(text), title, passage_id)


def _answers(folder: Path) -> Iterator[tuple[str, Cited]]:
    """Yield questions with each right sentence of their answer."""
    corpus = {
        row["_id"]: passage_of(row["text"].strip(), row["_id"], title=row["title"])
        for row in rows_of(folder / "corpus.jsonl")
        if row["text"].strip()
    }
    for row in rows_of(folder / "queries.jsonl"):
        answerable = row.get("answerability", "ANSWERABLE") == "ANSWERABLE"
        gold = [corpus[key] for key in row["gold"] if key in corpus]
        if not (answerable and gold and row["answers"]):
            continue
        # People wrote these; a sentence that says other things than the passage (a remark, what
        # the writer knew) is no right sentence, and few shared words are what tells it apart.
        for start, end in sentence_spans(answer := " ".join(row["answers"][0].split())):
            words = content_words(text := _LIST_NUMBERS.sub("", answer[start:end]))
            best = max(gold, key=lambda passage: coverage(words, content_words(passage.text)))
            shared = coverage(words, content_words(f"{best.title} {best.text}"))
            if len(words) >= _LEAST_WORDS and shared >= _LEAST_COVERAGE:
                yield row["question"], _in_context(text, best, list(corpus.values()))


def _in_context(text: str, cited: Passage, passages: Sequence[Passage]) -> Cited:
    """Put a cited passage among those that share most words with the sentence."""
    words = content_words(text)
    others = sorted(
        (passage for passage in passages if passage is not cited),
        key=lambda passage: (-coverage(words, content_words(passage.text)), passage.passage_id),
    )
    context = sorted([cited, *others[: CONTEXT_PASSAGES - 1]], key=lambda one: one.passage_id)
    return Cited(text, tuple(context), context.index(cited))
