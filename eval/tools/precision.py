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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.metrics.ranking import ranking_scores
from eval.rows import rows_of
from rag.build import open_ingestor, open_parts
from rag.retrieval.embedding import SentenceTransformerEmbedder
from rag.retrieval.fusion import score_fusion
from rag.settings import Settings, keep_libraries_quiet, load_settings
from rag.store.records import Vectors, embedded_text

WIDTH = 100  # passages in a ranking before it is folded into documents
Found = list[tuple[str, float]]  # passage ids and scores, best first
Rankings = Mapping[str, Found]  # by query
Qrels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Stored:
    """What was ingested: passages, their documents, their vectors in each precision."""

    ids: Sequence[str]
    owner: Mapping[str, str]
    matrices: Mapping[str, Vectors]
    lexical: Rankings


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
        for row in rows_of(options.data / "queries.jsonl")
        if row["_id"] in qrels
    }
    with tempfile.TemporaryDirectory(prefix="footnote-precision-") as work:
        corpus = _write_corpus(options.data, Path(work), qrels, options.documents)
        settings = load_settings(data_dir=Path(work) / "store")
        embedder = KeepingEmbedder()
        stored = _store(corpus, settings, embedder, queries, bfloat16=options.bfloat16)
    vectors = {qid: embedder.embed_query(text) for qid, text in queries.items()}
    _compare(stored, vectors, qrels, settings)


def _store(
    corpus: Path,
    settings: Settings,
    embedder: KeepingEmbedder,
    queries: Mapping[str, str],
    *,
    bfloat16: bool,
) -> Stored:
    """Ingest, and take out what is to be compared."""
    with open_ingestor(settings, embedder=embedder) as ingestor:
        report = ingestor.ingest([str(corpus)])
    print(f"{report.documents:,} documents, {report.passages:,} passages, {report.seconds:.0f} s")
    with open_parts(settings) as parts:
        ids, owners, kept = parts.catalog.all_vectors()
        texts = [embedded_text(passage) for passage in parts.catalog.passages(ids)]
        lexical = {qid: parts.indexes.search_lexical(text, WIDTH) for qid, text in queries.items()}
    matrices = {"float32": np.stack([embedder.kept[text] for text in texts]), "float16": kept}
    if bfloat16:
        found = SentenceTransformerEmbedder(bfloat16=True).embed_passages(texts)
        matrices["bfloat16"] = found.astype(np.float16).astype(np.float32)
    return Stored(ids, dict(zip(ids, owners, strict=True)), matrices, lexical)


def _compare(
    stored: Stored, vectors: Mapping[str, Vectors], qrels: Qrels, settings: Settings
) -> None:
    """Print what each precision finds, alone and fused with BM25 as the product does."""
    exact = stored.matrices["float32"]
    reference = nearest(stored.ids, exact, vectors)
    _show("BM25", stored.lexical, stored.owner, qrels)
    for name, matrix in stored.matrices.items():
        dense = nearest(stored.ids, matrix, vectors)
        _show(f"dense, {name}", dense, stored.owner, qrels)
        both = {qid: fused(dense[qid], stored.lexical[qid], settings) for qid in vectors}
        _show(f"hybrid, {name}", both, stored.owner, qrels)
        cosines = (matrix * exact).sum(1) / np.linalg.norm(matrix, axis=1)
        same = np.mean([len(_best(dense[qid]) & _best(reference[qid])) / 10 for qid in vectors])
        print(f"{'':28} cosine {cosines.mean():.6f} mean, {cosines.min():.6f} least; ", end="")
        print(f"{same:.4f} of the ten best passages as in float32")


def nearest(
    ids: Sequence[str], matrix: Vectors, vectors: Mapping[str, Vectors]
) -> dict[str, Found]:
    """Rank the passages for each query by cosine, as many as are looked at."""
    found: dict[str, Found] = {}
    for qid, vector in vectors.items():
        scores = matrix @ vector
        best = np.argsort(-scores, kind="stable")[:WIDTH]
        found[qid] = [(ids[row], float(scores[row])) for row in best]
    return found


def fused(dense: Found, lexical: Found, settings: Settings) -> Found:
    """Merge both rankings as the retriever does; years aside, which precision has no part in."""
    width = settings.search_k
    return score_fusion(dense[:width], lexical[:width], dense_share=settings.dense_share)


def _show(name: str, rankings: Rankings, owner: Mapping[str, str], qrels: Qrels) -> None:
    documents = {qid: folded(found, owner) for qid, found in rankings.items()}
    scores = ranking_scores(qrels, documents, (10,))
    mean = float(np.mean([score["ndcg@10"] for score in scores.values()]))
    print(f"{name:28} nDCG@10 {mean:.4f} over {len(scores)} queries", flush=True)


def _best(found: Found) -> set[str]:
    return {passage for passage, _ in found[:10]}


def folded(found: Found, owner: Mapping[str, str]) -> list[str]:
    """Return the documents of a ranking, each where the best of its passages stands."""
    return list(dict.fromkeys(owner[passage] for passage, _ in found))


def _write_corpus(data: Path, work: Path, qrels: Qrels, most: int | None) -> Path:
    """Write the judged documents first, then others, up to `most`."""
    judged = {doc_id for grades in qrels.values() for doc_id in grades}
    rows = sorted(rows_of(data / "corpus.jsonl"), key=lambda row: row["_id"] not in judged)
    path = work / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:most]), encoding="utf-8")
    return path


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            qrels.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return qrels


if __name__ == "__main__":
    main()
