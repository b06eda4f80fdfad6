"""LangChain's view of retrieval, to compose with other chains."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.retrieval.retriever import HybridRetriever
from rag.types import Hit


class PassageRetriever(BaseRetriever):
    """A LangChain retriever over a Footnote store; `invoke(query, k=3)` changes k for one call."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: HybridRetriever
    k: int = 10

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        ranking = self.retriever.search(query, options.get("k", self.k))
        return [as_langchain_document(hit) for hit in ranking.hits]


def as_langchain_document(hit: Hit) -> Document:
    """Return a hit as LangChain's Document, with its place and score as metadata."""
    passage = hit.passage
    return Document(
        id=passage.passage_id,
        page_content=passage.text,
        metadata={
            "doc_id": passage.doc_id,
            "title": passage.title,
            "source": passage.source,
            "section": passage.section,
            "page": passage.page,
            "date": passage.date,
            "start": passage.start,
            "end": passage.end,
            "score": hit.score,
            "rank": hit.rank,
        },
    )
