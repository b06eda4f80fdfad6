"""Nearest neighbours over passage vectors: a Chroma collection that follows the catalogue.

Chroma's files can be left unreadable by a kill at the wrong moment, so nothing here is the truth:
a state file, removed before every write and put back after it, tells whether the collection can
be believed; otherwise a fresh one is filled from the catalogue's vectors.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import StoreError
from rag.store.faults import reach
from rag.store.records import Changes, Vectors
from rag.store.soundness import graph_checksums, graphs_are_as_left, is_sound_database
from rag.store.sqlite_errors import translated_errors

_COLLECTION = "passages"
_STATE_FILE = "state.json"
_MOST_RECORDS_PER_CALL = 5000  # Chroma takes 5,461


def recorded_head(folder: Path, store_id: str) -> tuple[int, str] | None:
    """Read the number and token of the last change from the state file, without opening Chroma."""
    try:
        state = json.loads((folder / _STATE_FILE).read_text(encoding="utf-8"))
        return (state["seq"], state["token"]) if state["store_id"] == store_id else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class _View:
    """What may be searched: a collection that holds all changes up to one."""

    head: tuple[int, str]
    collection: Any
    count: int


class VectorIndex:
    """A Chroma collection of unit vectors under cosine distance.

    One process at a time may own the folder: the caller holds the index lock.
    """

    def __init__(self, folder: Path, store_id: str) -> None:
        self._folder = folder
        self._store_id = store_id
        self._client: Any = None
        self._collection: Any = None
        self._state: dict[str, Any] = {}
        self._view: _View | None = None
        with translated_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._open()

    @property
    def head(self) -> tuple[int, str]:
        """The number and token of the last change that this index holds."""
        return int(self._state["seq"]), str(self._state["token"])

    @property
    def applied(self) -> int:
        """The sequence number of the last change that this index holds."""
        return self.head[0]

    def reset(self) -> None:
        """Begin again, empty, in a new folder; the earlier one is deleted."""
        from chromadb.errors import ChromaError

        try:
            with translated_errors(self._folder):
                self._begin_again()
        except ChromaError as error:
            raise self._not_written(error) from error

    def _begin_again(self) -> None:
        generation = int(self._state.get("generation", 0)) + 1
        self.close()
        reach("vectors.reset.closed")
        (self._folder / _STATE_FILE).unlink(missing_ok=True)
        reach("vectors.reset.state")
        for folder in self._folder.glob("gen-*"):
            generation = max(generation, int(folder.name[4:]) + 1)
            shutil.rmtree(folder, ignore_errors=True)
        reach("vectors.reset.deleted")
        self._connect(generation)
        reach("vectors.reset.connected")
        self._write_state(
            {"store_id": self._store_id, "generation": generation, "seq": 0, "token": ""}
        )

    def apply(self, changes: Changes) -> None:
        """Follow one batch of changes.

        A crash in the middle leaves no state file, which makes the next start fill a new one.
        """
        from chromadb.errors import ChromaError

        try:
            with translated_errors(self._folder):
                self._apply(changes)
        except ChromaError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: Exception) -> StoreError:
        return StoreError(
            f"The vector index in {self._folder} could not be written: {error}.",
            "Nothing is lost; it is filled again from the catalogue at the next start. "
            "If this happens again, check the free space.",
        )

    def _apply(self, changes: Changes) -> None:
        reach("vectors.apply.before")
        self._view = None
        state = self._state | {"seq": changes.seq, "token": changes.token}
        (self._folder / _STATE_FILE).unlink(missing_ok=True)
        reach("vectors.apply.state")
        ids = [passage.passage_id for passage in changes.passages]
        for removed in _slices(list(changes.removed), _MOST_RECORDS_PER_CALL):
            self._collection.delete(ids=removed)
        reach("vectors.apply.removed")
        for start in range(0, len(ids), _MOST_RECORDS_PER_CALL):
            part = slice(start, start + _MOST_RECORDS_PER_CALL)
            self._collection.upsert(
                ids=ids[part],
                embeddings=changes.vectors[part],
                metadatas=[{"doc_id": p.doc_id} for p in changes.passages[part]],
            )
        self._collection.modify(metadata={"token": changes.token})
        reach("vectors.apply.added")
        self._write_state(state)

    def search(
        self,
        vector: Vectors,
        k: int,
        doc_ids: Collection[str] | None = None,
        *,
        at: tuple[int, str] | None = None,
    ) -> list[tuple[str, float]]:
        """Return up to k passage ids and their cosine similarities in [-1, 1], best first.

        `at` is the change that the index must hold, no earlier and no later one.

        Raises:
            chromadb.errors.ChromaError: the index is damaged; search the catalogue instead.
            StoreError: it is being written, or holds another change; search the catalogue instead.
        """
        view = self._view  # once: another thread may begin the index again meanwhile
        if view is None or (at is not None and view.head != at):
            raise StoreError(f"The vector index in {self._folder} is being filled.")
        if not view.count or (doc_ids is not None and not doc_ids):
            return []
        where = None if doc_ids is None else {"doc_id": {"$in": sorted(doc_ids)}}
        try:
            found = view.collection.query(
                query_embeddings=[vector],
                n_results=min(k, view.count),  # asking Chroma would cost a sixth of the search
                where=where,
                include=["distances"],
            )
        except AttributeError as error:  # what Chroma's objects do once they are closed
            raise StoreError(f"The vector index in {self._folder} is being filled.") from error
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return [(passage_id, 1.0 - float(distance)) for passage_id, distance in pairs]

    def close(self) -> None:
        """Release Chroma's files."""
        self._view = None
        if self._client is not None:
            self._client.close()
        self._client = self._collection = None

    def _open(self) -> None:
        from chromadb.errors import ChromaError

        try:
            state = json.loads((self._folder / _STATE_FILE).read_text(encoding="utf-8"))
            self._state = state
            generation = self._generation_folder(int(state["generation"]))
            sound = (
                state["store_id"] == self._store_id
                and isinstance(state["seq"], int)
                and is_sound_database(generation / "chroma.sqlite3")
                and graphs_are_as_left(generation, state["graphs"])
            )
            if sound:
                self._connect(int(state["generation"]))
                # Opening loads nothing yet; a query shows whether the files can be read.
                found = (self._collection.metadata or {}).get("token", "")
                sound = self._collection.count() == state["count"] and found == state["token"]
                if sound and state["count"]:
                    probe = self._collection.peek(1)["embeddings"]
                    self._collection.query(query_embeddings=probe, n_results=1)
                self._view = _View(self.head, self._collection, int(state["count"]))
        except (OSError, ValueError, KeyError, TypeError, ChromaError):
            sound = False
            self._state = {}
        reach("vectors.opened")
        if not sound:
            self._view = None
            self.reset()

    def _generation_folder(self, generation: int) -> Path:
        return self._folder / f"gen-{generation}"

    def _connect(self, generation: int) -> None:
        import chromadb
        from chromadb.config import Settings

        self._client = chromadb.PersistentClient(
            str(self._generation_folder(generation)), settings=Settings(anonymized_telemetry=False)
        )
        self._collection = self._client.get_or_create_collection(
            _COLLECTION,
            embedding_function=None,  # never Chroma's own, which would download a model
            configuration={
                "hnsw": {
                    "space": "cosine",
                    "ef_construction": 200,
                    "ef_search": 100,
                    "max_neighbors": 16,
                }
            },
        )

    def _write_state(self, state: dict[str, Any]) -> None:
        folder = self._generation_folder(state["generation"])
        state = state | {"count": self._collection.count(), "graphs": graph_checksums(folder)}
        part = self._folder / (_STATE_FILE + ".part")
        with part.open("w", encoding="utf-8") as file:
            reach("vectors.state.created")
            json.dump(state, file)
            file.flush()
            reach("vectors.state.written")
            os.fsync(file.fileno())
        reach("vectors.state.synced")
        part.replace(self._folder / _STATE_FILE)
        reach("vectors.state.replaced")
        self._state = state
        self._view = _View(self.head, self._collection, state["count"])


def _slices(values: list[str], size: int) -> list[list[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
