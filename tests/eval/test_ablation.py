"""The instruments of the ablations: they must measure what the product does."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eval.ablation_data import Collection, VectorCache, load, misspelt
from eval.ablation_reading import nearest_sentences, order
from eval.ablation_search import Bench, capped, diverse, shipped_lexical, top, with_neighbours
from eval.ablation_words import rm3
from rag.types import Document, Passage

TEXTS = {
    "d1": "The talks were held in Geneva.",
    "d2": "Geneva is a city. Talks, talks and more talking about the protocol were reported there.",
    "d3": "A protocol was signed.",
}


@pytest.fixture
def collection():
    return Collection(
        "small",
        tuple(Document(name, f"Report {name}", name, text) for name, text in TEXTS.items()),
        {"q1": "Were talks held in Geneva?", "q2": "signed protocols"},
        {"q1": {"d1": 1}, "q2": {"d3": 1}},
        frozenset({"q2"}),
        {"q1": ("geneva",), "q2": ("nowhere",)},
    )


def test_bm25_in_parts_is_the_products_bm25(collection):
    bench = Bench(collection, None)
    for row, found in enumerate(shipped_lexical(bench, bench.questions, 10)):
        assert found
        expected = {number: bench.bm25[row, number] for number, _ in found}
        assert dict(found) == pytest.approx(expected)
        assert (bench.bm25[row] > 0).sum() == len(found)


def test_a_document_stands_where_its_best_passage_does(collection):
    bench = Bench(collection, None)
    figures = bench.measure([np.array([1, 0]), np.array([2])])
    assert figures["q1"].ndcg == pytest.approx(1 / np.log2(3))
    assert (figures["q1"].first, figures["q1"].read) == (0.0, 1.0)
    # The document is right, but the answer stands in none of its passages.
    assert (figures["q2"].ndcg, figures["q2"].read) == (1.0, 0.0)


def test_rm3_finds_what_shares_words_only_with_the_best_passages(collection):
    bench = Bench(collection, None)
    queries = bench.words.queries(["held"], frozenset())
    assert bench.lexical(questions=["held"])[0, 1] == 0
    again = rm3(bench.words.bm25(), bench.words.text, queries, passages=1, words=5, share=0.5)
    assert again[0, 1] > 0


class Counting:
    name, dimension = "counting", 2

    def __init__(self):
        self.texts = []

    def embed_passages(self, texts):
        self.texts += texts
        return np.array([[1.0, len(text)] for text in texts], dtype=np.float32)


def test_a_text_is_embedded_once_and_kept(tmp_path):
    embedder = Counting()
    VectorCache(tmp_path, lambda: embedder).vectors(["bb", "a", "bb"])
    again = VectorCache(tmp_path, lambda: embedder).vectors(["a", "ccc", "bb"])
    assert again.tolist() == [[1, 1], [1, 3], [1, 2]]
    assert sorted(embedder.texts) == ["a", "bb", "ccc"]


def test_each_question_gets_one_slip_and_the_same_each_time():
    questions = ["Which protocol was signed in Geneva?", "Who is it?"]
    slips = misspelt(questions)
    assert slips == misspelt(questions)
    assert slips[1] == questions[1]
    changed = [a for a, b in zip(questions[0].split(), slips[0].split(), strict=True) if a != b]
    assert len(changed) == 1


def test_neighbours_are_those_of_the_same_document():
    passages = [Passage(str(n), doc, "x", 0, 1, "", "") for n, doc in enumerate("aab")]
    added = with_neighbours(np.array([[1.0, 2.0, 4.0]]), passages, 0.5)
    assert added.tolist() == [[2.0, 2.5, 4.0]]


def test_a_document_over_its_cap_waits_at_the_end():
    passages = [Passage(str(n), doc, "x", 0, 1, "", "") for n, doc in enumerate("aab")]
    assert capped([np.array([0, 1, 2])], passages, 1)[0].tolist() == [0, 2, 1]


def test_marginal_relevance_puts_a_repeat_last():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert diverse([np.array([0, 1, 2])], vectors, 0.5)[0].tolist() == [0, 2, 1]


def test_what_shares_nothing_is_not_ranked():
    assert [r.tolist() for r in top(np.array([[0.0, 2.0, 1.0]]), 3)] == [[1, 2]]


def test_a_part_keeps_the_documents_that_are_asked_about(tmp_path):
    folder = tmp_path / "squad2"
    folder.mkdir()
    documents = [{"_id": name, "title": "", "text": "x"} for name in "abc"]
    asked = [
        {"_id": f"q{name}", "question": "x?", "answers": ["x"], "gold": [name], "answerable": True}
        for name in "cb"
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)))
    part = load(tmp_path, "squad2:1")
    assert [document.doc_id for document in part.documents] == ["b"]
    assert list(part.questions) == ["qb"]


class Geneva:
    """Embeds along one axis what names Geneva, and a city along both."""

    name, dimension = "geneva", 2

    def embed_passages(self, texts):
        rows = [["Geneva" in text, "city" in text or "Geneva" not in text] for text in texts]
        vectors = np.array(rows, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_passage_is_as_near_as_its_nearest_sentence(collection, tmp_path):
    bench = Bench(collection, VectorCache(tmp_path, Geneva))
    # "Were talks held in Geneva?" is (1, 0). d2 has a sentence (1, 1) and one (0, 1).
    assert nearest_sentences(bench)[0].tolist() == pytest.approx([1.0, 0.5**0.5, 0.0], abs=1e-3)


def test_hits_are_ordered_by_relevance_and_rank():
    relevance = np.array([0.0, 4.0, 2.0])
    assert order(relevance, 1.0).tolist() == [1, 2, 0]
    assert order(relevance, 0.0).tolist() == [0, 1, 2]
