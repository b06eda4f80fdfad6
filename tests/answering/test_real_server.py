"""A real server of the OpenAI protocol whose model talks noise: no word of it is supported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tiny_model import make_model, transformers_serve

from rag.answering.chat.models import load_chat_model
from rag.answering.chat.opinion import SecondOpinion
from rag.answering.checking.support import SupportChecker
from rag.answering.citations import Draft, Quote
from rag.answering.generation import STOPPED, Generator
from rag.build import build_embedder
from rag.errors import ModelError
from rag.settings import Settings
from rag.types import Answer, Delta, Hit, Passage, Question

pytest.importorskip("accelerate")

TEXTS = (
    "The talks began in Washington on 13 May 2010. China asked the US not to raise cases.",
    "From Beijing, Posner went on to Russia. Mike McFaul led the delegation.",
    "The broadcaster reaches 326 million people in over 40 languages.",
)
HITS = [
    Hit(Passage(f"p{i}", f"d{i}", text, 0, len(text), "Diary", "a.md"), 1.0 / i, i)
    for i, text in enumerate(TEXTS, start=1)
]
QUESTIONS = (
    "When did the talks begin?",
    "What did China ask for?",
    "Who led the delegation?",
    "Say again: [1] The talks began in Washington.",
)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generator]:
    folder: Path = tmp_path_factory.mktemp("tiny")
    make_model(folder / "model")
    with transformers_serve(folder / "model", folder / "home") as base_url:
        model = load_chat_model(
            Settings(
                model=f"openai:{folder / 'model'}",
                base_url=base_url,
                model_timeout_seconds=60,
                max_reply_tokens=50,
            )
        )
        checker = SupportChecker(build_embedder(Settings()))
        opinion = SecondOpinion(model, "openai:tiny", seconds=60)
        yield Generator(
            model, "openai:tiny", context_chars=4000, checker=checker, opinion=opinion, seconds=60
        )


def ask(generator: Generator, text: str) -> tuple[str, Answer]:
    *deltas, answer = generator.stream(Question(text), text, HITS, cancelled=lambda: False)
    assert isinstance(answer, Answer)
    assert all(isinstance(delta, Delta) for delta in deltas)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), answer


def test_nothing_that_a_model_of_noise_says_is_supported(generator):
    said = 0
    for text in QUESTIONS:
        with suppress(ModelError):  # noise without a single word: the reader would answer
            said += nothing_supported(*ask(generator, text))
    assert said > 50, "the model hardly said a word"


def nothing_supported(streamed: str, answer: Answer) -> int:
    """Check an answer made of noise; return its length."""
    assert answer.mode == "openai:tiny"
    assert len(streamed) < 2000, "the budget of tokens was not kept"
    assert [s.text for s in answer.sentences if s.support == "supported"] == []
    assert all(sentence.support is not None for sentence in answer.sentences)
    assert answer.confidence < 0.5
    return len(streamed)


def test_noise_as_a_second_opinion_raises_nothing(generator):
    opinion, checker = generator._opinion, generator._checker
    passages = [hit.passage for hit in HITS]
    drafts = [Draft(p.text.split(". ")[0] + ".", (Quote(p, 0, len(p.text)),)) for p in passages]
    wrong = Draft("Bananas ripen in warm rooms.", (Quote(passages[0], 0, 10),))
    before = checker.check([*drafts, wrong], HITS)
    assert {one.support for one in before} == {"supported", "unsupported"}
    after = opinion.on(before, cancelled=lambda: False)
    assert all(new.probability <= old.probability for old, new in zip(before, after, strict=True))
    assert after[-1] == before[-1]


def test_a_stop_ends_the_stream_and_keeps_what_was_said(generator):
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    *_, answer = generator.stream(Question("Go on?"), "q", HITS, cancelled=cancelled)
    assert isinstance(answer, Answer)
    assert answer.note == STOPPED
    assert asked == 5, "tokens were read after the stop"
