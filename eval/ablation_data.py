"""Collections to ablate retrieval on: documents, questions, and vectors that are computed once."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eval.metrics.ranking import Grades
from eval.rows import rows_of
from rag.ingest.passages import split
from rag.retrieval.embedding import Embedder
from rag.store.lexical import STOP_WORDS
from rag.store.records import Vectors
from rag.types import Document, Passage

_BATCH_TEXTS = 64
_MOST_QUESTIONS = 500
_SEED = 4


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents, questions by id, and the documents that answer them.

    `tuning` are the questions that settings may be chosen on; figures are of the others.
    `answers` are strings of which one stands in a passage that answers, where they are known.
    """

    name: str
    documents: tuple[Document, ...]
    questions: Mapping[str, str]
    relevant: Mapping[str, Grades]
    tuning: frozenset[str]
    answers: Mapping[str, tuple[str, ...]]

    def passages(self, passage_chars: int, overlap_chars: int) -> list[Passage]:
        """Split every document as the product does."""
        return [
            passage
            for document in self.documents
            for passage in split(document, passage_chars=passage_chars, overlap_chars=overlap_chars)
        ]


class VectorCache:
    """Embeds each text once and keeps its vector in a folder of .npz files."""

    def __init__(self, folder: Path, embed: Callable[[], Embedder]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._embed = embed
        self._vectors: dict[str, Vectors] = {}
        for path in folder.glob("*.npz"):
            with np.load(path) as stored:
                self._vectors.update(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return `(len(texts), d)` float32, unit rows, in the order given."""
        keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._vectors}
        # Texts of like length share a batch, so that little padding is computed.
        wanted = sorted(missing.items(), key=lambda item: len(item[1]))
        for first in range(0, len(wanted), _BATCH_TEXTS):
            self._add(dict(wanted[first : first + _BATCH_TEXTS]))
        return np.stack([self._vectors[key] for key in keys]).astype(np.float32)

    def _add(self, texts: Mapping[str, str]) -> None:
        vectors = self._embed().embed_passages(list(texts.values())).astype(np.float16)
        self._vectors.update(zip(texts, vectors, strict=True))
        # Written under another name first: what was cut off is not taken for vectors.
        temporary = self._folder / f"{next(iter(texts))}.tmp"
        with temporary.open("wb") as file:
            np.savez(file, keys=np.array(list(texts)), vectors=vectors)
        temporary.rename(temporary.with_suffix(".npz"))


def load(folder: Path, name: str) -> Collection:
    """Read a collection by its name; `name:600` keeps 600 documents and the questions on them.

    Raises:
        KeyError: the name is not one of `COLLECTIONS`.
    """
    name, _, most = name.partition(":")
    whole = COLLECTIONS[name](folder / name)
    return _part(whole, int(most)) if most else whole


def _part(whole: Collection, most: int) -> Collection:
    """Keep the first documents that a question is about, then others."""
    wanted = {doc_id for grades in whole.relevant.values() for doc_id in grades}
    documents = sorted(whole.documents, key=lambda document: document.doc_id not in wanted)[:most]
    kept = {document.doc_id for document in documents}
    relevant = {
        qid: {doc_id: grade for doc_id, grade in grades.items() if doc_id in kept}
        for qid, grades in whole.relevant.items()
        if kept & grades.keys()
    }
    return replace(
        whole,
        name=f"{whole.name} (part)",
        documents=tuple(documents),
        questions={qid: text for qid, text in whole.questions.items() if qid in relevant},
        relevant=relevant,
        tuning=whole.tuning & relevant.keys(),
    )


def misspelt(questions: Sequence[str]) -> list[str]:
    """Put one random slip into a telling word of each question: drop, double, change or swap."""
    rng = random.Random(_SEED)
    return [_with_slip(question, rng) for question in questions]


def _with_slip(question: str, rng: random.Random) -> str:
    words = [w for w in re.findall(r"[A-Za-z]{5,}", question) if w.lower() not in STOP_WORDS]
    if not words:
        return question
    word = rng.choice(words)
    at = rng.randrange(1, len(word))
    letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
    )
    return question.replace(word, rng.choice(slips), 1)


def load_language(folder: Path, language: str) -> Collection:
    """Read one language of XQuAD (Artetxe et al. 2020): the same paragraphs in each."""
    asked = list(rows_of(folder / "xquad" / f"queries.{language}.jsonl"))
    return Collection(
        language,
        tuple(
            _document(row["_id"], "", row["text"])
            for row in rows_of(folder / "xquad" / f"corpus.{language}.jsonl")
        ),
        {row["_id"]: row["question"] for row in asked},
        {row["_id"]: dict.fromkeys(row["gold"], 1) for row in asked},
        frozenset(),
        {row["_id"]: tuple(row["answers"]) for row in asked},
    )


def _beir(folder: Path) -> Collection:
    """Questions with training judgements are for tuning; without any, half of all are."""
    relevant: dict[str, dict[str, int]] = {}
    split_of: dict[str, str] = {}
    for path in sorted((folder / "qrels").glob("*.tsv")):
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
                split_of[row["query-id"]] = path.stem
    texts = {row["_id"]: row["text"] for row in rows_of(folder / "queries.jsonl")}
    tuning = {qid for qid in relevant if split_of[qid] == "train"} or None
    return _collection(folder, {qid: texts[qid] for qid in relevant}, relevant, {}, tuning)


def _questions(folder: Path) -> Collection:
    asked = [row for row in rows_of(folder / "queries.jsonl") if row.get("answerable", True)]
    if len(asked) > _MOST_QUESTIONS:
        asked = random.Random(_SEED).sample(asked, _MOST_QUESTIONS)
    gold = {row["_id"]: row.get("gold") or row["docs_with_answer_string"] for row in asked}
    return _collection(
        folder,
        {row["_id"]: row["question"] for row in asked},
        {qid: dict.fromkeys(ids, 1) for qid, ids in gold.items()},
        # Answers that people wrote freely, beside the sentences that support them, are no strings
        # to look for.
        {row["_id"]: tuple(row["answers"]) for row in asked if "support_sentences" not in row},
    )


def _anthropic(folder: Path) -> Collection:
    chunks = json.loads((folder / "anthropic_docs.json").read_text(encoding="utf-8"))
    asked = json.loads((folder / "docs_evaluation_dataset.json").read_text(encoding="utf-8"))
    questions = {row["id"]: row["question"] for row in asked}
    return Collection(
        folder.name,
        tuple(_document(c["chunk_link"], c["chunk_heading"], c["text"]) for c in chunks),
        questions,
        {row["id"]: dict.fromkeys(row["correct_chunks"], 1) for row in asked},
        _half(questions),
        {},
    )


def _collection(
    folder: Path,
    questions: Mapping[str, str],
    relevant: Mapping[str, Grades],
    answers: Mapping[str, tuple[str, ...]],
    tuning: set[str] | None = None,
) -> Collection:
    path = folder / "corpus.jsonl"
    return Collection(
        folder.name,
        tuple(
            _document(row["_id"], row["title"], row["text"])
            for row in rows_of(path if path.exists() else folder / "corpus.jsonl.gz")
        ),
        questions,
        relevant,
        _half(questions) if tuning is None else frozenset(tuning),
        answers,
    )


def _document(name: str, title: str, text: str) -> Document:
    return Document(doc_id=name, title=title, source=name, text=text)


def _half(questions: Mapping[str, str]) -> frozenset[str]:
    return frozenset(random.Random(_SEED).sample(sorted(questions), len(questions) // 2))


COLLECTIONS: Mapping[str, Callable[[Path], Collection]] = {
    "anthropic_docs": _anthropic,
    "squad2": _questions,
    "clapnq": _questions,
    "newsqa": _questions,
    "scifact_beir": _beir,
    "agentset_msmarco": _beir,
    "agentset_dbpedia": _beir,
    "realtimeqa": _questions,
}
