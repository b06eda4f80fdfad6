"""Questions with what is known about their answers, whatever file they come from."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rag.errors import InputError
from rag.types import Question, Turn


@dataclass(frozen=True, slots=True)
class Relevant:
    """Where the answer stands: a document and, when known, its very words.

    `source` names a document as `same_source` compares it. `grade` is at least 1; more is better.
    """

    source: str
    quote: str = ""
    grade: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """A question and what a right answer is.

    `answers` are equivalent reference answers; an unanswerable question has none, and neither has
    one of a set made for retrieval alone.
    """

    case_id: str
    question: str
    history: tuple[Turn, ...] = ()
    answerable: bool = True
    answers: tuple[str, ...] = ()
    relevant: tuple[Relevant, ...] = ()
    tags: tuple[str, ...] = ()

    def to_question(self) -> Question:
        return Question(self.question, self.history)

    def to_dict(self) -> dict[str, Any]:
        """Write the case as a line of the project's own format."""
        return {
            "id": self.case_id,
            "question": self.question,
            "history": [[turn.question, turn.answer] for turn in self.history],
            "answerable": self.answerable,
            "answers": list(self.answers),
            "relevant": [asdict(item) for item in self.relevant],
            "tags": list(self.tags),
        }


@dataclass(frozen=True, slots=True)
class Dataset:
    """Cases and the documents they are asked of.

    The documents are files to ingest (`corpus`), records to write as one (`records`, each
    `{_id, title, text}`), or neither: then the person says which. `notes` are what a reader of a
    report should know of the file that they come from.
    """

    name: str
    cases: tuple[Case, ...]
    corpus: tuple[Path, ...] = ()
    records: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with any case or their order."""
        return fingerprint([case.to_dict() for case in self.cases])

    def select(
        self, *, tags: Sequence[str] = (), limit: int | None = None, sample: int | None = None
    ) -> Dataset:
        """Keep cases that carry every tag, then the first `limit`, or that many drawn by a seed.

        Cases keep their order.

        Raises:
            InputError: nothing is left.
        """
        kept = [case for case in self.cases if set(tags) <= set(case.tags)]
        if limit is not None and limit < len(kept):
            drawn = range(limit)
            if sample is not None:
                drawn = sorted(random.Random(sample).sample(range(len(kept)), limit))  # type: ignore[assignment]
            kept = [kept[i] for i in drawn]
        if not kept:
            known = Counter(tag for case in self.cases for tag in case.tags)
            raise InputError(
                f"{self.name}: no question is left of {len(self.cases)} (tags: {list(tags)}, "
                f"limit: {limit}).",
                "Tags of this dataset: " + (", ".join(sorted(known)) or "none") + ".",
            )
        return replace(self, cases=tuple(kept))

    def without(self, tag: str) -> Dataset:
        """Leave out cases that carry the tag."""
        return replace(self, cases=tuple(case for case in self.cases if tag not in case.tags))

    def corpus_files(self, folder: Path) -> list[Path]:
        """Return files that ingest reads, writing or unpacking into the folder what is needed."""
        if self.records:
            path = folder / "corpus.jsonl"
            lines = (json.dumps(record, ensure_ascii=False) for record in self.records)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            return [path]
        return [_unpacked(path, folder) for path in self.corpus]


def fingerprint(value: Any) -> str:
    """Return twelve hexadecimal digits that depend on a JSON value alone."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def same_source(found: str, wanted: str) -> bool:
    """Say whether a document's source is the one a dataset names.

    A dataset may name the whole source, the end of its path, or the `_id` of a `.jsonl` record.
    """
    return found == wanted or found.endswith(f"/{wanted}") or record_of(found) == wanted


def source_names(source: str) -> set[str]:
    """Return every name under which a dataset may mean a document: see `same_source`."""
    parts = source.split("/")
    names = {"/".join(parts[index:]) for index in range(len(parts))}
    record = record_of(source)
    return names if record is None else names | {record}


def record_of(source: str) -> str | None:
    """Return the `_id` that a source such as `corpus.jsonl#4983` names, None of a plain file."""
    _, is_record, record = source.partition(".jsonl#")
    return record if is_record else None


def _unpacked(path: Path, folder: Path) -> Path:
    if path.suffix != ".gz":
        return path
    target = folder / path.stem
    with gzip.open(path, "rb") as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return target
