"""Whether float16 storage and bfloat16 arithmetic of passage vectors change what is found.

    python -m eval.tools.precision --data DIR [--documents 1000] [--bfloat16]

DIR is in the BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv. It is ingested as a person
would; a document counts as found where the best of its passages stands. Prints nDCG@10 of dense
search with vectors as computed (float32), as stored (float16) and, when asked for, as computed in
bfloat16 (slow where the CPU only emulates it), and of BM25 and of both fused.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.metrics.ranking import ranking_scores
from rag.build import open_catalog_for_writing
from rag.ingest.pipeline import Ingestor
from rag.retrieval.embedding import SentenceTransformerEmbedder
from rag.retrieval.fusion import reciprocal_rank_fusion
from rag.settings import keep_libraries_quiet, load_settings
from rag.store.indexes import Indexes
from rag.store.records import Vectors, embedded_text

WIDTH = 100  # passages in a ranking before it is folded into documents
Rankings = Mapping[str, Sequence[str]]


class KeepingEmbedder(SentenceTransformerEmbedder):
    """Keeps every vector as it was computed."""

    def __init__(self) -> None:
        super().__init__(bfloat16=False)
        self.kept: dict[str, Vectors] = {}

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = super().embed_passages(texts)
        self.kept.update(zip(texts, vectors, strict=True))
        return vectors


def main() -> None:
    """Ingest, rank in every precision, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--documents", type=int, help="judged documents and others, in all")
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    keep_libraries_quiet()
    qrels = _qrels(options.data / "qrels" / "test.tsv")
    queries = {
        row["_id"]: row["text"]
        for row in _rows(options.data / "queries.jsonl")
        if row["_id"] in qrels
    }
    with tempfile.TemporaryDirectory(prefix="footnote-precision-") as work:
        corpus = _write_corpus(options.data, Path(work), qrels, options.documents)
        _measure(corpus, Path(work) / "store", queries, qrels, bfloat16=options.bfloat16)


def _measure(
    corpus: Path,
    store: Path,
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    bfloat16: bool,
) -> None:
    settings = load_settings(data_dir=store)
    embedder = KeepingEmbedder()
    with open_catalog_for_writing(settings) as catalog:
        report = Ingestor(
            catalog,
            embedder,
            passage_chars=settings.passage_chars,
            overlap_chars=settings.overlap_chars,
        ).ingest([str(corpus)])
        print(
            f"{report.documents:,} documents, {report.passages:,} passages, {report.seconds:.0f} s"
        )
    with open_catalog_for_writing(settings) as catalog:
        ids, owners, stored = catalog.all_vectors()
        owner = dict(zip(ids, owners, strict=True))
        texts = [embedded_text(passage) for passage in catalog.passages(ids)]
        matrices = {"float32": np.stack([embedder.kept[text] for text in texts]), "float16": stored}
        if bfloat16:
            found = SentenceTransformerEmbedder(bfloat16=True).embed_passages(texts)
            matrices["bfloat16"] = found.astype(np.float16).astype(np.float32)
        indexes = Indexes(catalog, store)
        try:
            lexical = {
                qid: [p for p, _ in indexes.search_lexical(text, WIDTH)]
                for qid, text in queries.items()
            }
        finally:
            indexes.close()

    def show(name: str, rankings: Rankings) -> None:
        scores = ranking_scores(
            qrels, {q: _documents(r, owner) for q, r in rankings.items()}, (10,)
        )
        mean = float(np.mean([score["ndcg@10"] for score in scores.values()]))
        print(f"{name:28} nDCG@10 {mean:.4f} over {len(scores)} queries", flush=True)

    vectors = {qid: embedder.embed_query(text) for qid, text in queries.items()}
    top = _top(ids, vectors)
    reference = top(matrices["float32"])
    show("BM25", lexical)
    for name, matrix in matrices.items():
        dense = top(matrix)
        show(f"dense, {name}", dense)
        pools = {
            q: [dense[q][: settings.search_k], lexical[q][: settings.search_k]] for q in queries
        }
        show(
            f"hybrid, {name}",
            {q: [p for p, _ in reciprocal_rank_fusion(pool)] for q, pool in pools.items()},
        )
        cosines = (matrix * matrices["float32"]).sum(1) / np.linalg.norm(matrix, axis=1)
        same = np.mean([len(set(dense[q][:10]) & set(reference[q][:10])) / 10 for q in queries])
        print(f"{'':28} cosine {cosines.mean():.6f} mean, {cosines.min():.6f} least; ", end="")
        print(f"{same:.4f} of the ten best passages as in float32")


def _top(
    ids: Sequence[str], vectors: Mapping[str, Vectors]
) -> Callable[[Vectors], dict[str, list[str]]]:
    def top(matrix: Vectors) -> dict[str, list[str]]:
        return {
            qid: [ids[row] for row in np.argsort(-(matrix @ vector), kind="stable")[:WIDTH]]
            for qid, vector in vectors.items()
        }

    return top


def _documents(ranking: Sequence[str], owner: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(owner[passage] for passage in ranking))


def _write_corpus(
    data: Path, work: Path, qrels: Mapping[str, Mapping[str, int]], most: int | None
) -> Path:
    """Write the judged documents first, then others, up to `most`."""
    judged = {doc_id for grades in qrels.values() for doc_id in grades}
    rows = sorted(_rows(data / "corpus.jsonl"), key=lambda row: row["_id"] not in judged)
    path = work / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:most]), encoding="utf-8")
    return path


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            qrels.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return qrels


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


if __name__ == "__main__":
    main()
