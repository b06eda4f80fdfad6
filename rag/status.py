"""What is in a store, and whether it is sound."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from rag.build import open_catalog
from rag.errors import StoreError
from rag.printable import escape, escape_name
from rag.settings import Settings
from rag.store.collections import DEFAULT_COLLECTION, EVERYBODY
from rag.store.indexes import Indexes


def store_status(settings: Settings) -> dict[str, Any]:
    """Describe a store as a JSON object; an index that cannot be read is begun again."""
    with open_catalog(settings) as catalog:
        indexes = Indexes(catalog, settings.data_dir)
        try:
            counts = catalog.counts()
            seq = catalog.seq
            return {
                "data_dir": str(settings.data_dir.resolve()),
                "writable": indexes.writable,
                "documents": counts.documents,
                "passages": counts.passages,
                "collections": [
                    {
                        "name": held.name,
                        "documents": held.documents,
                        "passages": held.passages,
                        "readers": _readers(held.name, settings),
                    }
                    for held in catalog.collection_counts()
                ],
                "embedding_model": catalog.meta("embedding_model") or settings.embedding_model,
                "chat_model": settings.model or None,
                "passage_chars": settings.passage_chars,
                "overlap_chars": settings.overlap_chars,
                "served_by_another_process": indexes.writable and not indexes.owner,
                "indexes": _indexes(indexes, seq),
                "sources": [
                    {
                        "source": d.source,
                        "title": d.title,
                        "doc_id": d.doc_id,
                        "collection": d.collection,
                        "passages": d.passages,
                    }
                    for d in catalog.documents()
                ],
                "problems": [
                    {"source": f.source, "reason": f.reason, "message": f.message, "hint": f.hint}
                    for f in catalog.files().values()
                    if f.reason
                ],
            }
        finally:
            indexes.close()


def print_status(console: Console, status: dict[str, Any], *, problems: bool) -> None:
    """Print the description of a store; with `problems`, the files that could not be read."""
    lines = {
        "Store": status["data_dir"] + ("" if status["writable"] else " (may only be read)"),
        "Documents": f"{status['documents']:,}",
        "Passages": f"{status['passages']:,} (at most {status['passage_chars']} characters)",
        "Embedding model": status["embedding_model"],
        "Answers": status["chat_model"] or "reader (no chat model)",
        "Vector index": status["indexes"]["vectors"],
        "Lexical index": status["indexes"]["lexical"],
        "Problems": f"{len(status['problems'])} file(s) could not be read"
        if status["problems"]
        else "none",
    }
    for name, value in lines.items():
        console.print(f"{name:<16} {escape(str(value))}", highlight=False, soft_wrap=True)
    if [held["name"] for held in status["collections"]] not in ([], [DEFAULT_COLLECTION]):
        for held in status["collections"]:
            readers = escape(", ".join(held["readers"])) or "nobody"
            size = f"{held['documents']:,} documents, {held['passages']:,} passages"
            console.print(f"  {held['name']}: {size}, read by {readers}", highlight=False)
    for document in status["sources"][:20]:
        title = escape_name(f"{document['source']}  {document['title']}")
        console.print(f"  {document['passages']:>5} passages  {title}", highlight=False)
    if len(status["sources"]) > 20:
        console.print(f"  and {len(status['sources']) - 20} more documents")
    if problems:
        for problem in status["problems"]:
            console.print(f"[red]{problem['reason']}[/]  {escape(problem['message'])}")
            console.print(f"  {escape(problem['hint'])}", style="dim")


def _readers(collection: str, settings: Settings) -> list[str]:
    """Name the groups that may read a collection when the store is served."""
    if settings.access == "local":
        return ["everybody"]
    groups = settings.collections.get(collection)
    if (groups is None and collection == DEFAULT_COLLECTION) or (groups and EVERYBODY in groups):
        return ["everybody"]
    return sorted(groups or ())


def _indexes(indexes: Indexes, seq: int) -> dict[str, str]:
    vectors = "served" if indexes.writable else "not used: the vectors are searched one by one"
    if indexes.vectors is not None:
        vectors = _step(indexes.vectors.applied, seq)
    try:
        return {"vectors": vectors, "lexical": _step(indexes.lexical.applied, seq)}
    except StoreError:
        if indexes.writable:
            raise
        return {"vectors": vectors, "lexical": "cannot be read: filled anew for each command"}


def _step(applied: int, seq: int) -> str:
    return "in step" if applied == seq else f"behind: change {applied} of {seq}"
