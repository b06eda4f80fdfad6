"""From a query to hits: dense and lexical search, fused."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rag.retrieval.embedding import Embedder
from rag.retrieval.fusion import score_fusion
from rag.retrieval.years import BONUS, named_years, prefer_years, years
from rag.store.catalog import Catalog
from rag.store.filters import Condition, Within
from rag.store.indexes import Indexes
from rag.types import Hit

_MATCHED_KEPT = 16  # combinations of collections


@dataclass(frozen=True, slots=True)
class Ranking:
    """Hits in rank order, and the milliseconds that embedding and searching took."""

    hits: tuple[Hit, ...]
    embed_ms: float
    search_ms: float


class HybridRetriever:
    """Dense and BM25 search, merged by their scores.

    Each index proposes `search_k` passages; `dense_share` in [0, 1] is what similarity counts for,
    `year_bonus` what a year of the query adds; docs/ablations.md has what both are worth.
    A passage that an index still holds but the catalogue does not is left out, so a removed
    document cannot appear.
    """

    def __init__(
        self,
        catalog: Catalog,
        indexes: Indexes,
        embedder: Embedder,
        *,
        search_k: int,
        dense_share: float,
        year_bonus: float = BONUS,
    ) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._embedder = embedder
        self._search_k = search_k
        self._dense_share = dense_share
        self._year_bonus = year_bonus
        self._matched: OrderedDict[tuple[object, ...], frozenset[str]] = OrderedDict()
        self._matched_lock = threading.Lock()
        # BM25 searches while the query is being embedded.
        self._beside = ThreadPoolExecutor(thread_name_prefix="lexical")

    def search(self, query: str, k: int, filters: Sequence[Condition] = ()) -> Ranking:
        """Return the k best passages among the documents that pass the filters."""
        started = time.perf_counter()
        doc_ids = self._matching(tuple(filters)) if filters else None
        width = max(self._search_k, k)
        lexical = self._beside.submit(self._indexes.search_lexical, query, width, doc_ids)
        vector = self._embedder.embed_query(query)
        embedded = time.perf_counter()
        fused = score_fusion(
            self._indexes.search_dense(vector, width, doc_ids),
            lexical.result(),
            dense_share=self._dense_share,
        )
        if wanted := years(query):
            candidates = self._catalog.passages([one for one, _ in fused])
            named = {p.passage_id: named_years(p) for p in candidates}
            fused = prefer_years(wanted, fused, named, bonus=self._year_bonus)
        scores = dict(fused)
        ids = [passage_id for passage_id, _ in fused]
        passages = self._catalog.passages(ids[:k])
        if len(passages) < min(k, len(ids)):  # some are gone: look further down
            passages = self._catalog.passages(ids)[:k]
        hits = tuple(
            Hit(passage, scores[passage.passage_id], rank)
            for rank, passage in enumerate(passages, start=1)
        )
        return Ranking(
            hits=hits,
            embed_ms=(embedded - started) * 1000,
            search_ms=(time.perf_counter() - embedded) * 1000,
        )

    def _matching(self, filters: tuple[Condition, ...]) -> frozenset[str]:
        """Return the documents that pass the filters; those of collections are kept in mind.

        What is kept is of one state of the catalogue, and void with its next change.
        """
        if not all(isinstance(condition, Within) for condition in filters):
            return self._catalog.matching(filters)
        key = (self._catalog.head, filters)
        with self._matched_lock:
            if key in self._matched:
                return self._matched[key]
        found = self._catalog.matching(filters)
        with self._matched_lock:
            self._matched[key] = found
            if len(self._matched) > _MATCHED_KEPT:
                self._matched.popitem(last=False)
        return found
