"""The reading model: mechanics on a tiny random network, sense on the packaged weights."""

from __future__ import annotations

import hashlib
import json
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from rag.answering.reading.input import WINDOW_TOKENS, bunches, windows
from rag.answering.reading.model import (
    PACKAGED,
    ReadingModel,
    Span,
    apart,
    best_spans,
    sigmoid,
)
from rag.answering.reading.network import Logits, ReadingNetwork, pack_int8, unpack
from rag.bert import load_tokenizer
from rag.errors import ModelError

TINY = {
    "vocab_size": 30522, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "max_position_embeddings": 512, "type_vocab_size": 2,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer()


def tiny_encoder():
    from transformers import BertConfig, BertModel

    torch.manual_seed(7)
    return BertModel(BertConfig(**TINY), add_pooling_layer=False).eval()


def tiny_weights() -> dict[str, torch.Tensor]:
    weights = {f"encoder.{name}": w for name, w in tiny_encoder().state_dict().items()}
    for name, rows in (("span", 2), ("pool", 8), ("answerable", 1)):
        weights[f"{name}.weight"] = torch.randn(rows, 8)
        weights[f"{name}.bias"] = torch.randn(rows)
    return {name: w for name, w in weights.items() if w.is_floating_point()}


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    data = save({name: w.contiguous() for name, w in tiny_weights().items()})
    (folder / "reader.safetensors").write_bytes(data)
    about = {
        "format": 1,
        "weights": "reader.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
        "heads": 2,
        "calibration": {"answerable": [1.0, 0.5, -0.25], "relevance": [2.0, 0.0]},
    }
    (folder / "reader.json").write_text(json.dumps(about))
    return folder


@pytest.fixture(scope="module")
def tiny(tiny_folder) -> ReadingModel:
    return ReadingModel.load(tiny_folder, dtype=torch.float32)


def test_the_written_out_network_computes_what_the_library_computes(tokenizer):
    weights = tiny_weights()
    network = ReadingNetwork(weights, heads=2, dtype=torch.float32)
    passages = [("", "Ann Lee moved to York in 1931."), ("York", "It rains.")]
    rows = [rows[0] for rows in windows(tokenizer, "When did Ann move?", passages)]
    width = max(len(row.ids) for row in rows)
    ids, types, mask = torch.zeros((3, 2, width), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        types[i, row.passage_first : len(row.ids)] = 1
        mask[i, : len(row.ids)] = 1
    with torch.inference_mode():
        hidden = tiny_encoder()(
            input_ids=ids, token_type_ids=types, attention_mask=mask
        ).last_hidden_state
        spans = hidden @ weights["span.weight"].T + weights["span.bias"]
        pooled = torch.tanh(hidden[:, 0] @ weights["pool.weight"].T + weights["pool.bias"])
        answerable = pooled @ weights["answerable.weight"].T + weights["answerable.bias"]
    for i, (row, found) in enumerate(zip(rows, network.read(rows), strict=True)):
        own = spans[i, row.text_first : row.text_first + len(row.offsets)]
        np.testing.assert_allclose(found.start, own[:, 0], atol=1e-4)
        np.testing.assert_allclose(found.end, own[:, 1], atol=1e-4)
        assert found.null == pytest.approx(float(spans[i, 0].sum()), abs=1e-4)
        assert found.answerable == pytest.approx(float(answerable[i, 0]), abs=1e-4)


def test_a_window_is_question_title_passage(tokenizer):
    (rows,) = windows(tokenizer, "who?", [("York", "It rains.")])
    assert tokenizer.decode(rows[0].ids, skip_special_tokens=False) == (
        "[CLS] who? [SEP] york. it rains. [SEP]"
    )
    assert (rows[0].passage_first, rows[0].text_first) == (4, 6)
    assert rows[0].offsets == [(0, 2), (3, 8), (8, 9)]


def test_long_passages_are_covered_by_overlapping_windows(tokenizer):
    text = " ".join(f"word{i}" for i in range(500))
    (rows,) = windows(tokenizer, "which word?", [("A title", text)])
    assert len(rows) > 2
    assert all(len(row.ids) <= WINDOW_TOKENS for row in rows)
    assert rows[0].offsets[0][0] == 0
    assert rows[-1].offsets[-1][1] == len(text)
    for one, following in pairwise(rows):
        assert one.offsets[-96:] == following.offsets[:96]


def test_questions_are_cut_to_64_tokens(tokenizer):
    (rows,) = windows(tokenizer, "why " * 5000, [("", "It rains.")])
    assert rows[0].passage_first == 64 + 2


def test_batches_hold_rows_of_like_length(tokenizer):
    texts = ["a b c", "a", "a b", "a b c d e f g h"]
    rows = [rows[0] for rows in windows(tokenizer, "q", [("", text) for text in texts])]
    assert [len(row.ids) for row in rows] == [7, 5, 6, 12]
    assert bunches(rows, max_tokens=14) == [[1, 2], [0], [3]]


def test_the_best_span_is_the_best_pair_and_never_backwards():
    start = np.log(np.array([0.1, 0.6, 0.3], dtype=np.float32))
    end = np.log(np.array([0.5, 0.1, 0.4], dtype=np.float32))
    gap, spans = best_spans(Logits(start, end, null=-1.0, answerable=0.0))
    # 0.6 * 0.4 from the second to the third; (1, 0) with 0.6 * 0.5 would run backwards.
    assert spans[0] == (1, 2, pytest.approx(0.24))
    assert spans[1] == (2, 2, pytest.approx(0.12))
    assert gap == pytest.approx(np.log(0.24) + 1.0)


def test_spans_mostly_inside_a_better_one_are_left_out():
    better, inside, other = Span(0, 10, 0.5), Span(2, 8, 0.4), Span(12, 20, 0.1)
    assert apart([other, inside, better]) == (better, other)
    assert len(apart([Span(i, i + 1, 0.1) for i in range(9)])) == 5


def test_sigmoid_does_not_overflow():
    assert (sigmoid(0.0), sigmoid(-5000.0), sigmoid(5000.0)) == (0.5, 0.0, 1.0)


def test_int8_keeps_every_weight_within_half_a_step():
    weight = torch.randn(5, 64)
    packed = pack_int8({"w.weight": weight, "w.bias": torch.ones(3)})
    assert packed["w.weight"].dtype == torch.int8
    restored = unpack(packed)
    step = weight.abs().amax(dim=1, keepdim=True) / 127
    assert bool(((restored["w.weight"] - weight).abs() <= 0.501 * step).all())
    assert restored["w.bias"].tolist() == [1.0, 1.0, 1.0]
    assert set(restored) == {"w.weight", "w.bias"}


def test_reading_keeps_the_order_and_points_into_the_text(tiny):
    passages = [("", "One long sentence about apples, pears and plums."), ("T", "Short."), ("", "")]
    readings = tiny.read("what fruit?", passages)
    assert len(readings) == 3
    for (_, text), reading in zip(passages[:2], readings, strict=False):
        assert 0.0 < reading.answerable < 1.0
        assert 1 <= len(reading.spans) <= 5
        assert [s.score for s in reading.spans] == sorted(
            (s.score for s in reading.spans), reverse=True
        )
        for span in reading.spans:
            assert 0 <= span.start < span.end <= len(text)
            assert 0.0 <= span.score <= 1.0
            assert text[span.start : span.end].strip()
    assert readings[2].answerable == 0.0
    assert readings[2].spans == ()
    assert readings[2].relevance < min(r.relevance for r in readings[:2])


def test_a_passage_reads_the_same_alone_and_among_others(tiny):
    passages = [("", "It rains in York."), ("T", "Apples are red. " * 30), ("", "No.")]
    together = tiny.read("where does it rain?", passages)
    for passage, reading in zip(passages, together, strict=True):
        (alone,) = tiny.read("where does it rain?", [passage])
        assert alone.relevance == pytest.approx(reading.relevance, abs=1e-4)
        assert alone.answerable == pytest.approx(reading.answerable, abs=1e-4)
        assert [(s.start, s.end) for s in alone.spans] == [(s.start, s.end) for s in reading.spans]


def test_nothing_to_read(tiny):
    assert tiny.read("who?", []) == []
    assert tiny.read("", [("", "It rains.")])[0].answerable == 0.0


def test_long_passages_are_read_to_their_end(tiny):
    text = "word " * 2000
    (reading,) = tiny.read("which?", [("", text)])
    assert all(span.end <= len(text) for span in reading.spans)


def test_threads_read_the_same(tiny):
    passages = [("", "It rains in York."), ("T", "Apples are red. " * 9)]
    expected = tiny.read("where?", passages)
    found: list[list] = []
    threads = [
        threading.Thread(target=lambda: found.append(tiny.read("where?", passages)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for readings in found:
        for one, other in zip(readings, expected, strict=True):
            assert one.relevance == pytest.approx(other.relevance, abs=1e-4)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "reader.json").unlink(), "cannot be read"),
        (lambda f: (f / "reader.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "reader.json").write_text('{"format": 9}'), "format 1"),
        (lambda f: (f / "reader.json").write_text('{"format": 1}'), "lacks"),
        (lambda f: (f / "reader.safetensors").unlink(), "cannot be read"),
        (lambda f: (f / "reader.safetensors").write_bytes(b"cut"), "damaged"),
    ],
)
def test_a_spoiled_model_is_refused_with_a_hint(tiny_folder, tmp_path, spoil, says):
    for path in tiny_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spoil(tmp_path)
    with pytest.raises(ModelError, match=says) as caught:
        ReadingModel.load(tmp_path)
    assert "training" in caught.value.hint


def test_weights_without_the_networks_names_are_refused(tiny_folder, tmp_path):
    data = save({"other": torch.zeros(2)})
    (tmp_path / "reader.safetensors").write_bytes(data)
    about = json.loads((tiny_folder / "reader.json").read_text())
    about["sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / "reader.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match="not a reading model"):
        ReadingModel.load(tmp_path)


# The packaged weights ---------------------------------------------------------------------------

CURIE = "Marie Curie was born in Warsaw in 1867. She moved to Paris in 1891 to study physics."
TOWER = "The Eiffel Tower was designed by Gustave Eiffel's company and opened in 1889."


@pytest.fixture(scope="module")
def packaged() -> ReadingModel:
    if not (PACKAGED / "reader.json").exists():
        pytest.skip("the weights are not here yet")
    return ReadingModel.load()


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Where was Marie Curie born?", "Warsaw"),
        ("When did Marie Curie move to Paris?", "1891"),
        ("what did marie curie study in paris", "physics"),
    ],
)
def test_plain_questions_find_their_words(packaged, question, answer):
    (reading,) = packaged.read(question, [("Marie Curie", CURIE)])
    best = reading.spans[0]
    assert answer in CURIE[best.start : best.end]
    assert len(CURIE[best.start : best.end]) <= 40
    assert reading.answerable > 0.5


@pytest.mark.model
def test_the_passage_that_answers_is_more_relevant(packaged):
    about_curie, about_tower = packaged.read(
        "Where was Marie Curie born?", [("", CURIE), ("", TOWER)]
    )
    assert about_curie.relevance > about_tower.relevance
    assert about_curie.answerable > 0.5 > about_tower.answerable
