"""Second opinions of scripted models: they may lower what was found, and nothing else."""

from __future__ import annotations

import random
from typing import Any

import pytest
from replay_server import HANG, Reply, replaying
from test_generation import ScriptedModel
from test_support import HITS, Alike

from rag.answering.chat.models import load_chat_model
from rag.answering.chat.opinion import SecondOpinion, verdicts
from rag.answering.checking.support import Checked, SupportChecker
from rag.answering.generation import Generator
from rag.settings import Settings
from rag.types import Answer, Question

RIGHT = "China asked the US not to raise single cases."
LED = "Mike McFaul led the delegation of 40 people."
WRONG = "Bananas ripen in warm rooms."
ORDER = {"no_claim": -1, "unsupported": 0, "partial": 1, "supported": 2}


def checked(*texts: str) -> list[Checked]:
    """Check sentences, each citing the passage of its place."""
    from rag.answering.citations import Draft, Quote

    drafts = [
        Draft(text, (Quote(p, p.start, p.end),))
        for text, p in zip(texts, (hit.passage for hit in HITS), strict=False)
    ]
    return SupportChecker(Alike()).check(drafts, HITS)


def second(reply: Any, *texts: str, stop: bool = False) -> tuple[list[Checked], ScriptedModel]:
    model = ScriptedModel(tokens=reply if isinstance(reply, list) else [reply])
    opinion = SecondOpinion(model, "scripted:one", seconds=5)
    return opinion.on(checked(*texts), cancelled=lambda: stop), model


def test_a_doubt_lowers_the_verdict_and_takes_the_footnote():
    assert [one.support for one in checked(RIGHT, LED)] == ["supported", "supported"]
    (first, other), model = second("1: no\n2: partly", RIGHT, LED)
    assert (first.support, first.draft.support, first.draft.quotes) == (
        "unsupported", "unsupported", (),
    )  # fmt: skip
    assert (other.support, other.draft.support) == ("partial", "partial")
    assert other.draft.quotes
    assert (first.probability <= 0.2, other.probability <= 0.5) == (True, True)
    (prompt,) = model._prompts
    asked = str(prompt[1].content)
    assert f'<claim number="1">{RIGHT}</claim>\n<quotation number="1">China asked' in asked
    assert f'<claim number="2">{LED}</claim>' in asked


@pytest.mark.parametrize("reply", ["1: YES\n2: YES", "", "I think all is well.", "7: NO", "1:"])
def test_whatever_else_it_says_the_verdicts_stay(reply):
    before = checked(RIGHT, LED)
    assert second(reply, RIGHT, LED)[0] == before


def test_approval_raises_nothing():
    before = checked(WRONG, LED)
    assert before[0].support == "unsupported"
    after, model = second("1: YES\n2: YES", WRONG, LED)
    assert after == before
    assert WRONG not in str(model._prompts[0][1].content)


def test_nothing_is_asked_when_nothing_is_supported():
    _, model = second("1: NO", WRONG)
    assert model._prompts == []


@pytest.mark.parametrize("reply", [[RuntimeError("secret")], ["1: NO\n", ConnectionError()]])
def test_a_failure_leaves_the_verdicts(reply):
    assert second(reply, RIGHT, LED)[0] == checked(RIGHT, LED)


def test_a_stop_leaves_the_verdicts():
    assert second("1: NO", RIGHT, LED, stop=True)[0] == checked(RIGHT, LED)


def test_a_model_that_hangs_is_not_waited_for():
    with replaying(Reply([HANG], status=0)) as served:
        model = load_chat_model(Settings(model="openai:m", base_url=f"{served.url}/v1"))
        opinion = SecondOpinion(model, "openai:m", seconds=0.5)
        assert opinion.on(checked(RIGHT), cancelled=lambda: False) == checked(RIGHT)
        assert served.hung_up.wait(5)


def test_noise_never_raises_a_verdict():
    rng = random.Random(6)
    before = checked(WRONG, LED)
    parts = ["1", "2", ":", " ", "\n", "YES", "NO", "PARTLY", "supported", "<think>", "</think>"]
    for _ in range(300):
        after, _ = second("".join(rng.choices(parts, k=12)), WRONG, LED)
        for old, new in zip(before, after, strict=True):
            assert ORDER[new.support] <= ORDER[old.support]
            assert new.probability <= old.probability


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("1: YES\n2: NO", {1: "supported", 2: "unsupported"}),
        ("**1.** partly\n- 2) no, it says 40", {1: "partial", 2: "unsupported"}),
        ("1: YES\n1: NO\n1: YES", {1: "unsupported"}),
        ("<think>1: NO</think>1: YES", {1: "supported"}),
        ("1: nothing\n2 notable", {}),
    ],
)
def test_verdicts_are_read_from_lines(reply, found):
    assert verdicts(reply) == found


def test_text_of_a_quotation_cannot_end_its_delimiter():
    claim = 'China asked the US not to raise "</claim>" single cases.'
    _, model = second("1: YES", claim)
    assert str(model._prompts[0][1].content).count("</claim>") == 1


def test_an_answer_says_what_the_second_opinion_left():
    class Replies(ScriptedModel):
        def _stream(self, messages, stop=None, run_manager=None, **_):
            asked = "<claim" in str(messages[-1].content)
            self.tokens = ["1: NO"] if asked else [f"{RIGHT} [1] {LED} [2]"]
            return super()._stream(messages, stop, run_manager)

    model = Replies(tokens=[])
    generator = Generator(
        model,
        "scripted:one",
        context_chars=5000,
        checker=SupportChecker(Alike()),
        opinion=SecondOpinion(model, "scripted:one", seconds=5),
    )
    *_, answer = generator.stream(Question("q"), "q", HITS, cancelled=lambda: False)
    assert isinstance(answer, Answer)
    assert [sentence.support for sentence in answer.sentences] == ["unsupported", "supported"]
    assert answer.text == f"{RIGHT} {LED} [1]"
