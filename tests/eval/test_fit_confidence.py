"""What the confidence is fitted on is what the product reads, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from eval.tools.fit_confidence import ReadOnce, ReadQuestion
from eval.tools.paragraphs import Asked
from rag.answering.reading.evidence import READ_FIRST
from rag.answering.reading.model import Reading, Span
from rag.types import Hit, Passage

TEXT = "The talks of {0} began in May {1}, as everybody knew."


class Model:
    """Answers every passage with its year, this probably; keeps what it read."""

    def __init__(self, answerable):
        self.answerable = answerable
        self.read_texts = []

    def read(self, question, passages):
        self.read_texts += [text for _, text in passages]
        spans = [Span(text.index("May"), text.index("May") + 8, 0.9) for _, text in passages]
        return [Reading(1.0, self.answerable, (span,)) for span in spans]


class OneVector:
    def embed_passages(self, texts):
        return np.ones((len(texts), 1), np.float32)

    def embed_query(self, text):
        return np.ones(1, np.float32)


@pytest.fixture
def asked():
    passages = [
        Passage(f"p{i}", f"d{i}", text, 0, len(text), f"Talks {i}", f"{i}.md")
        for i in range(10)
        for text in [TEXT.format(f"group {i}", 1990 + i)]
    ]
    hits = tuple(Hit(one, 1.0, rank) for rank, one in enumerate(passages, start=1))
    where = TEXT.format("group 1", 1991).index("May")
    return Asked(
        "When did the talks of group 1 begin?", "test", {"p1": ((where, where + 8),)}, hits
    )


def test_the_first_hits_alone_are_read_when_they_answer(asked):
    model = Model(answerable=0.9)
    rows, gold = ReadQuestion(asked, ReadOnce(model), OneVector()).describe()
    assert len(model.read_texts) == READ_FIRST
    assert len(rows) == len(gold) == READ_FIRST
    assert gold.sum() == 1


def test_the_others_are_read_in_doubt_and_nothing_twice(asked):
    model = Model(answerable=0.5)
    question = ReadQuestion(asked, ReadOnce(model), OneVector())
    rows, _ = question.describe()
    assert len(model.read_texts) == len(rows) == 10
    question.describe()
    assert len(model.read_texts) == 10
