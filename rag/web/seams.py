"""The parts of an assistant and a catalogue that the pages use, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from rag.types import Document, Event, Question


class Answering(Protocol):
    """Answers questions; `mode` is "reader" or a chat model's name."""

    @property
    def mode(self) -> str: ...

    def stream(
        self, question: Question, *, cancelled: Callable[[], bool] = ...
    ) -> Iterator[Event]: ...


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
