"""How far the embedding of passages is from what the processor can compute.

A token of a BERT costs a known number of multiplications and additions. What the embedder does of
them a second is set against what plain matrix products do, in turns, by processor seconds of one
core, so that other processes on the machine matter little. Padding counts as no work.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable

from eval.bench_text import docstring_texts
from rag.bert import cpu_computes_in_bfloat16, load_tokenizer
from rag.retrieval.embedding import SentenceTransformerEmbedder
from rag.retrieval.packaged import packaged_folder

_TEXTS, _CHARS = 96, 1000
_MOST_TOKENS = 256
_TURNS = 5
_SIDE = 1024  # of the square matrices, which fit into a core's caches no more than the weights do


def print_arithmetic() -> None:
    """Print what a core computes in matrix products, and what part of it the embedding does."""
    import torch

    config = json.loads((packaged_folder() / "config.json").read_text(encoding="utf-8"))
    texts = _texts()
    tokenizer = load_tokenizer()
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lengths = [min(len(one.ids), _MOST_TOKENS) for one in tokenizer.encode_batch(texts)]
    work = sum(
        length * flop_of_token(
            length, config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"]
        )
        for length in lengths
    )  # fmt: skip
    embedder = SentenceTransformerEmbedder(bfloat16=False)
    embedder.embed_passages(texts[:32])
    matrix = torch.rand(_SIDE, _SIDE)

    def multiply() -> None:
        for _ in range(20):
            torch.mm(matrix, matrix)

    products: list[float] = []
    embedding: list[float] = []
    for _ in range(_TURNS):
        products.append(20 * 2 * _SIDE**3 / _processor_seconds(multiply))
        embedding.append(work / _processor_seconds(lambda: embedder.embed_passages(texts)))
    limit, reached = statistics.median(products), statistics.median(embedding)
    tokens = statistics.mean(lengths)
    print(f"{_TEXTS} texts of {_CHARS} characters, {tokens:.0f} tokens on average")
    print(f"float32 matrix products      {limit / 1e9:6.1f} GFLOP per second of a core")
    print(f"embedding, float32           {reached / 1e9:6.1f} GFLOP per second of a core")
    print(f"share of the limit           {reached / limit:6.0%}")
    print(f"text at the limit            {limit * _TEXTS / work:6.1f} texts per second of a core")
    print(f"text as it is                {reached * _TEXTS / work:6.1f} texts per second of a core")
    print(f"bfloat16 instructions        {'yes' if cpu_computes_in_bfloat16() else 'no'}")


def flop_of_token(length: int, layers: int, hidden: int, between: int) -> int:
    """Count the multiplications and additions that one token of a text of `length` tokens costs.

    Matrix products alone: queries, keys, values and output, both halves of the feed-forward part,
    and attention to every token.
    """
    weights = 4 * hidden * hidden + 2 * hidden * between
    attention = 2 * length * hidden
    return 2 * layers * (weights + attention)


def _texts() -> list[str]:
    pieces = (
        text.text[start : start + _CHARS]
        for text in docstring_texts()
        for start in range(0, len(text.text) - _CHARS, _CHARS)
    )
    return list(itertools.islice(pieces, _TEXTS))


def _processor_seconds(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started
