"""The parts of an assistant and a catalogue that the pages use, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from rag.store.filters import Condition
from rag.types import Document, Event, Hit, Passage, Question


class Answering(Protocol):
    """Answers questions; `mode` is "reader" or a chat model's name."""

    @property
    def mode(self) -> str: ...

    def stream(
        self, question: Question, *, cancelled: Callable[[], bool] = ...
    ) -> Iterator[Event]: ...


class Asking(Protocol):
    """Answers and searches within filters, from any thread."""

    @property
    def mode(self) -> str: ...

    def stream(
        self,
        question: Question,
        filters: Sequence[Condition] = ...,
        *,
        cancelled: Callable[[], bool] = ...,
    ) -> Iterator[Event]: ...

    def search(self, query: str, k: int, filters: Sequence[Condition] = ...) -> Sequence[Hit]: ...


class ListedDocument(Protocol):
    """What a list shows of a document."""

    @property
    def doc_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, str]: ...


class Documents(Protocol):
    """Lists documents and returns them whole, from any thread."""

    def documents(self) -> Sequence[ListedDocument]: ...

    def document(self, doc_id: str) -> Document | None: ...

    def passages(self, passage_ids: Sequence[str]) -> Sequence[Passage]: ...

    def collection_names(self) -> frozenset[str]:
        """Name the collections that hold a document."""

    def collections_of(self, doc_ids: Iterable[str]) -> Mapping[str, str]:
        """Map documents to their collections; those that do not exist are left out."""


class Writing(Protocol):
    """Changes which documents there are; one caller at a time gets through, the others wait."""

    def add(self, name: str, content: bytes, collection: str) -> Sequence[str]:
        """Keep a file under a name in a collection, and return the ids of its documents.

        Raises:
            InputError: the name, or the format it says, cannot be used.
            DocumentError: the file cannot be read; what its name held before stays.
        """

    def remove(self, doc_id: str) -> bool:
        """Take a document out; tell whether there was one."""
