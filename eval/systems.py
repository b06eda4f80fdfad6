"""What can be evaluated: Footnote itself, and anything else that answers with an Answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from eval.dataset import fingerprint, source_names
from rag.answering.reading.evidence import Evidence, EvidenceFinder
from rag.assistant import Assistant
from rag.build import Parts, build_assistant, build_evidence_finder, open_ingestor, open_parts
from rag.errors import InputError
from rag.settings import PROJECT_ROOT, Settings
from rag.store.filters import Filter
from rag.types import Answer, Document, Found, Hit, Question

_NOT_CONFIGURATION = {"data_dir", "host", "port", "api_key"}
_ANSWERING_FOLDERS = {"answering", "ingest", "models", "readers", "retrieval", "store"}


class Answerer(Protocol):
    """A system under evaluation. `name` appears in reports."""

    @property
    def name(self) -> str: ...

    def answer(self, question: Question) -> Answer: ...

    def insist(self, question: Question) -> Answer | None:
        """Answer even where `answer` abstains; None when the system cannot tell."""
        ...

    def query(self, question: Question) -> str:
        """Return the standalone string that is searched for."""
        ...

    def search(self, query: str, k: int) -> tuple[Hit, ...]: ...

    def answer_within(self, question: Question, doc_id: str) -> Answer:
        """Answer from one document alone."""
        ...


class Footnote:
    """The assistant, and a second one that never abstains, over the same open store."""

    def __init__(self, assistant: Assistant, insisting: Assistant | None) -> None:
        self._assistant = assistant
        self._insisting = insisting

    @property
    def name(self) -> str:
        return f"Footnote ({self._assistant.mode})"

    def answer(self, question: Question) -> Answer:
        return self._assistant.answer(question)

    def insist(self, question: Question) -> Answer | None:
        return self._insisting.answer(question) if self._insisting else None

    def query(self, question: Question) -> str:
        found = next(iter(self._assistant.stream(question)))
        assert isinstance(found, Found), "the walk begins with what was found"
        return found.query

    def search(self, query: str, k: int) -> tuple[Hit, ...]:
        return self._assistant.search(query, k)

    def answer_within(self, question: Question, doc_id: str) -> Answer:
        return self._assistant.answer(question, [Filter("doc_id", "=", doc_id)])


class RememberedEvidence:
    """Finds evidence once for the same hits in a row: insisting need not read them again."""

    def __init__(self, finder: EvidenceFinder) -> None:
        self._finder = finder
        self._last: tuple[str, tuple[Hit, ...]] | None = None
        self._found: list[Evidence] = []

    def find(self, query: str, hits: Sequence[Hit]) -> list[Evidence]:
        asked = (query, tuple(hits))
        if asked != self._last:
            self._found, self._last = self._finder.find(query, hits), asked
        return self._found


class Within:
    """Asks each question of the one document that it is known to be about."""

    def __init__(self, answerer: Answerer, doc_ids: Mapping[str, str]) -> None:
        self._answerer = answerer
        self._doc_ids = doc_ids

    @property
    def name(self) -> str:
        return self._answerer.name

    def answer(self, question: Question) -> Answer:
        return self._answerer.answer_within(question, self._doc_ids[question.text])

    def insist(self, question: Question) -> Answer | None:
        return None

    def query(self, question: Question) -> str:
        return self._answerer.query(question)

    def search(self, query: str, k: int) -> tuple[Hit, ...]:
        return ()

    def answer_within(self, question: Question, doc_id: str) -> Answer:
        return self._answerer.answer_within(question, doc_id)


@contextmanager
def open_footnote(settings: Settings) -> Iterator[tuple[Footnote, Parts]]:
    """Open the store of the settings for a run.

    With a chat model there is no second opinion: the model is not made to answer.
    """
    with open_parts(settings) as parts:
        finder = RememberedEvidence(build_evidence_finder(settings, parts.embedder))
        stored = (parts.catalog, parts.indexes, parts.embedder, finder)
        assistant, insisting = build_assistant(settings, *stored), None
        if not settings.model:
            insisting = build_assistant(settings.model_copy(update={"abstain_below": 0.0}), *stored)
        yield Footnote(assistant, insisting), parts


def build_store(settings: Settings, paths: Iterable[Path]) -> None:
    """Ingest paths into the store of the settings; what is there already costs nothing.

    Raises:
        InputError: a file was not read, for then the figures would be of something else.
    """
    with open_ingestor(settings) as ingestor:
        report = ingestor.ingest([str(path) for path in paths])
    if report.problems:
        first = report.problems[0]
        raise InputError(
            f"{len(report.problems)} files could not be read; the first: {first.message}",
            first.hint,
        )


def configuration(settings: Settings) -> dict[str, Any]:
    """List the settings that can change a figure, and fingerprints of code and reading model."""
    return settings.model_dump(mode="json", exclude=_NOT_CONFIGURATION) | {
        "code": _fingerprint_of("**/*.py"),
        "reading_model": _fingerprint_of("models/*.json"),
    }


def _fingerprint_of(pattern: str) -> str:
    """Return a fingerprint of the files of the package, but those of its pages and commands."""
    package = PROJECT_ROOT / "rag"
    files = sorted(package.glob(pattern))
    return fingerprint(
        [
            [str(path.relative_to(package)), hashlib.sha256(path.read_bytes()).hexdigest()]
            for path in files
            if path.parent.name in _ANSWERING_FOLDERS
        ]
    )


def describe_store(parts: Parts) -> dict[str, Any]:
    """Return how much a store holds, and a fingerprint of its documents' contents."""
    counts = parts.catalog.counts()
    hashes = sorted(info.content_hash for info in parts.catalog.documents())
    return {
        "documents": counts.documents,
        "passages": counts.passages,
        "fingerprint": fingerprint(hashes),
    }


def stored_documents(parts: Parts, sources: Iterable[str]) -> list[Document]:
    """Return the documents whose source a dataset names, with their texts."""
    wanted = set(sources)
    return [
        document
        for info in parts.catalog.documents()
        if wanted & source_names(info.source)
        and (document := parts.catalog.document(info.doc_id)) is not None
    ]
