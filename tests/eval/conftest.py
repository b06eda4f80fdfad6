"""A small answerer whose every answer can be foretold, and a run of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from eval.dataset import Case, Dataset, Relevant
from rag.types import Answer, Citation, Hit, Passage, Question, Sentence

TEXTS = {
    "talks.md": "The talks began in 1990. They were held in Beijing. Posner led them in 2010.",
    "tea.md": "Tea was served at noon. The cups were blue.",
}


def words(text):
    return set(re.findall(r"\w+", text.lower()))


@dataclass
class WordAnswerer:
    """Answers with the sentence that shares most words with the question.

    Its confidence is the share of the question's words in that sentence; below `abstain_below`
    it abstains. Questions in `broken` raise.
    """

    abstain_below: float = 0.3
    name: str = "words"
    broken: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def search(self, query, k):
        passages = []
        for source, text in TEXTS.items():
            for match in re.finditer(r"[^.]+\.", text):
                start = match.start() + len(match[0]) - len(match[0].lstrip())
                passages.append(
                    Passage(
                        f"{source}:{start}",
                        source,
                        match[0].lstrip(),
                        start,
                        match.end(),
                        source,
                        f"corpus/{source}",
                    )
                )
        wanted = words(query)
        scored = [(len(wanted & words(p.text)) / len(wanted), p) for p in passages]
        scored.sort(key=lambda pair: -pair[0])
        return tuple(
            Hit(passage, score, rank) for rank, (score, passage) in enumerate(scored[:k], start=1)
        )

    def answer(self, question):
        self.asked.append(question.text)
        if question.text in self.broken:
            raise RuntimeError("the model fell over")
        return self._answer(question, self.abstain_below)

    def query(self, question):
        return question.text

    def answer_within(self, question, doc_id):
        raise NotImplementedError

    def insist(self, question):
        return self._answer(question, 0.0)

    def _answer(self, question: Question, threshold: float):
        hits = self.search(question.text, 3)
        best = hits[0]
        silent = best.score < threshold
        passage = best.passage
        return Answer(
            question=question,
            query=question.text,
            sentences=() if silent else (Sentence(passage.text, (1,)),),
            citations=() if silent else (Citation(1, passage, passage.start, passage.end),),
            hits=hits,
            abstained=silent,
            confidence=best.score,
        )


CASES = (
    Case(
        "begin",
        "When began the talks?",
        answers=("1990",),
        relevant=(Relevant("talks.md", "The talks began in 1990."),),
        tags=("fact",),
    ),
    Case(
        "where",
        "In which city were they held?",
        answers=("Beijing",),
        relevant=(Relevant("talks.md", "They were held in Beijing."),),
        tags=("fact",),
    ),
    Case(
        "lead",
        "Name our leader 2010, in short please",
        answers=("Posner",),
        relevant=(Relevant("talks.md", "Posner led them in 2010."),),
        tags=("paraphrase",),
    ),
    Case("moon", "Who walked on Mars?", answerable=False, tags=("none",)),
    Case("cups", "Were the cups of the talks red?", answerable=False, tags=("none",)),
)


@pytest.fixture
def answerer():
    return WordAnswerer()


@pytest.fixture
def make_answerer():
    return WordAnswerer


@pytest.fixture
def dataset():
    return Dataset("five", CASES)


@pytest.fixture
def make_run(tmp_path, dataset):
    """Run an answerer over the five cases into a folder of its own."""
    from eval.run import run_dataset

    def make(answerer, name="run", dataset=dataset):
        store = {"documents": 2, "passages": 5, "fingerprint": "s"}
        configuration = {"abstain_below": answerer.abstain_below}
        return run_dataset(
            answerer, dataset, tmp_path / name, configuration=configuration, store=store
        )

    return make
