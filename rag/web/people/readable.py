"""Who may read what: the assistant and the documents as one person may use them.

The collections that somebody may read go into the query itself, as a condition like any other.
Whatever comes back is looked up in the catalogue once more before it is handed on, and what should
not have come is not: the two ways have nothing in common but the catalogue's column.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.assistant import MAX_QUESTION_CHARS
from rag.errors import ConfigurationError, InputError, NoDocumentsError, StoreBusyError
from rag.settings import Settings
from rag.store.collections import DEFAULT_COLLECTION, EVERYBODY, checked_collection
from rag.store.filters import Condition, Within
from rag.types import Answer, Delta, Document, Event, Found, Hit, Passage, Question
from rag.web.people.access import Principal
from rag.web.seams import Asking, Documents, ListedDocument

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CollectionRules:
    """Which groups may read each collection.

    "default" is open to whoever is let in unless it has an entry; any other collection without an
    entry is open to nobody. In the mode `local` everything is open: it is one's own machine.
    """

    groups: Mapping[str, frozenset[str]]
    is_local: bool = False

    def may_read(self, collection: str | None, principal: Principal) -> bool:
        """Tell whether somebody may read a collection; nobody may read None."""
        if collection is None or not principal.rights:
            return False
        if self.is_local:
            return True
        if principal.within is not None and collection not in principal.within:
            return False
        groups = self.groups.get(collection)
        if groups is None:
            return collection == DEFAULT_COLLECTION
        return EVERYBODY in groups or not groups.isdisjoint(principal.groups)


def read_collections(settings: Settings) -> CollectionRules:
    """Check the collections of the settings.

    Raises:
        ConfigurationError: a name that can be none of a collection or a group.
    """
    for name, groups in settings.collections.items():
        try:
            checked_collection(name)
        except InputError as error:
            raise ConfigurationError(error.message, error.hint) from error
        if not all(group.strip() == group and group for group in groups):
            raise ConfigurationError(
                f"Collection {name!r}: an empty name, or one with blanks around it, is no group.",
                'Write the groups as the proof of identity names them, or "*" for everybody.',
            )
    return CollectionRules(
        {name: frozenset(groups) for name, groups in settings.collections.items()},
        is_local=settings.access == "local",
    )


@dataclass(frozen=True)
class View:
    """The store as one person may use it."""

    assistant: Asking
    documents: Documents
    sees_all: Callable[[], bool]
    """Whether no collection is kept from them."""
    may_read: Callable[[str], bool]


class Views:
    """Gives everybody their view. The assistant and the catalogue are reached in no other way."""

    def __init__(self, assistant: Asking, catalog: Documents, rules: CollectionRules) -> None:
        self._assistant = assistant
        self._catalog = catalog
        self._rules = rules
        self.mode = assistant.mode

    def of(self, principal: Principal) -> View:
        """Return what somebody may use."""
        if self._rules.is_local:
            return View(self._assistant, self._catalog, lambda: True, lambda _: True)

        def may_read(collection: str | None) -> bool:
            return self._rules.may_read(collection, principal)

        documents = _ReadableDocuments(self._catalog, may_read)
        assistant = _ReadableAssistant(self._assistant, documents, principal.name)
        return View(assistant, documents, documents.are_all, may_read)


class _ReadableDocuments:
    """Those documents of a catalogue that lie in certain collections."""

    def __init__(self, catalog: Documents, may_read: Callable[[str | None], bool]) -> None:
        self._catalog = catalog
        self._may_read = may_read

    def documents(self) -> Sequence[ListedDocument]:
        held = self._catalog.documents()
        if self.are_all():  # asked afterwards: what was in the list and is not to be read shows
            return held
        readable = self.readable(document.doc_id for document in held)
        return [document for document in held if document.doc_id in readable]

    def document(self, doc_id: str) -> Document | None:
        # Looked up first: a forbidden document is as soon answered as one that is not there.
        return self._catalog.document(doc_id) if self.readable([doc_id]) else None

    def passages(self, passage_ids: Sequence[str]) -> Sequence[Passage]:
        found = self._catalog.passages(passage_ids)
        readable = self.readable(passage.doc_id for passage in found)
        return [passage for passage in found if passage.doc_id in readable]

    def collection_names(self) -> frozenset[str]:
        return frozenset(filter(self._may_read, self._catalog.collection_names()))

    def collections_of(self, doc_ids: Iterable[str]) -> Mapping[str, str]:
        held = self._catalog.collections_of(doc_ids)
        return {doc_id: name for doc_id, name in held.items() if self._may_read(name)}

    def readable(self, doc_ids: Iterable[str]) -> frozenset[str]:
        """Return those of the documents that exist and may be read."""
        return frozenset(self.collections_of(doc_ids))

    def are_all(self) -> bool:
        """Whether there are no others."""
        return self.collection_names() == self._catalog.collection_names()


class _ReadableAssistant:
    """An assistant that answers from those documents."""

    def __init__(self, assistant: Asking, documents: _ReadableDocuments, name: str) -> None:
        self._assistant = assistant
        self._documents = documents
        self._name = name

    @property
    def mode(self) -> str:
        return self._assistant.mode

    def stream(
        self,
        question: Question,
        filters: Sequence[Condition] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        within = self._within(filters, question.text)
        for event in self._assistant.stream(question, within, cancelled=cancelled):
            self._check(_passages_of(event))
            yield event

    def search(self, query: str, k: int, filters: Sequence[Condition] = ()) -> Sequence[Hit]:
        hits = self._assistant.search(query, k, self._within(filters, query))
        self._check(hit.passage for hit in hits)
        return hits

    def _within(self, filters: Sequence[Condition], text: str) -> Sequence[Condition]:
        """Add the condition that keeps a search to what may be read, where it keeps out anything.

        Raises:
            NoDocumentsError: there is nothing to read, as if there were no documents at all.
        """
        if self._documents.are_all():
            return filters
        readable = self._documents.collection_names()
        if not readable and text.strip() and len(text) <= MAX_QUESTION_CHARS:
            raise NoDocumentsError(
                "There are no documents to ask yet.", "Add some: footnote ingest FOLDER"
            )
        return (*filters, Within(readable))

    def _check(self, passages: Iterable[Passage]) -> None:
        """See once more that passages may be read, whatever the search was told.

        Raises:
            StoreBusyError: one may not; its document may have been moved or removed meanwhile.
        """
        wanted = {passage.doc_id for passage in passages}
        withheld = wanted - self._documents.readable(wanted) if wanted else wanted
        if withheld:
            logger.error(
                "withheld from %s: passages of %d document(s) that may not be read",
                self._name,
                len(withheld),
            )
            raise StoreBusyError("The documents have changed meanwhile.", "Ask again.")


def _passages_of(event: Event) -> Iterator[Passage]:
    if isinstance(event, Delta):  # written from the passages found, which have been checked
        return
    yield from (hit.passage for hit in event.hits)
    if isinstance(event, Answer):
        yield from (citation.passage for citation in event.citations)
    else:
        assert isinstance(event, Found), "a walk yields Found, Delta and Answer"
