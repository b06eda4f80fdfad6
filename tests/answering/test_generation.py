"""Answers of scripted chat models: every way in which a reply can go well or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from rag.answering.chat.markers import NO_ANSWER
from rag.answering.generation import MAX_REPLY_CHARS, STOPPED, Generator
from rag.errors import ModelError
from rag.types import Answer, Delta, Hit, Passage, Question, Turn

TEXTS = (
    "Two days of talks were held. The talks began on 13 May 2010 in Washington.",
    "China asked the United States not to raise individual cases. Nobody was surprised.",
)
QUESTION = Question("What did China ask the US to avoid?")


class ScriptedModel(BaseChatModel):
    """Streams what it is given, token by token; an exception among the tokens is raised."""

    tokens: Sequence[Any]
    _prompts: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _sent: list[Any] = PrivateAttr(default_factory=list)
    _closed: bool = PrivateAttr(default=False)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _stream(self, messages, stop=None, run_manager=None, **_) -> Iterator[ChatGenerationChunk]:
        self._prompts.append(messages)
        try:
            for token in self.tokens:
                if isinstance(token, Exception):
                    raise token
                self._sent.append(token)
                chunk = token if isinstance(token, AIMessageChunk) else AIMessageChunk(token)
                yield ChatGenerationChunk(message=chunk)
        finally:
            self._closed = True

    def _generate(self, messages, stop=None, run_manager=None, **_) -> ChatResult:
        text = "".join(token for token in self.tokens if isinstance(token, str))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


def hits() -> list[Hit]:
    return [
        Hit(Passage(f"p{i}", f"d{i}", text, 7, 7 + len(text), "Diary", "a.md"), 1.0 / i, i)
        for i, text in enumerate(TEXTS, start=1)
    ]


def ask(
    *tokens: Any, question: Question = QUESTION, stop_after: int | None = None
) -> tuple[str, Answer, ScriptedModel]:
    model = ScriptedModel(tokens=tokens)
    deltas: list[str] = []
    answers: list[Answer] = []

    def cancelled() -> bool:
        return stop_after is not None and len(model._sent) >= stop_after

    generator = Generator(model, "scripted:one", context_chars=5000)
    for event in generator.stream(question, question.text, hits(), cancelled=cancelled):
        if isinstance(event, Delta):
            assert not answers, "a delta came after the answer"
            deltas.append(event.text)
        else:
            answers.append(event)
    assert len(answers) == 1
    return "".join(deltas), answers[0], model


def test_a_reply_that_cites_well():
    said, answer, model = ask(
        "China asked the US not to raise ",
        "individual cases",
        ". [",
        "2",
        "]",
        " Talks began on 13 May. [1]",
    )
    assert said == answer.text
    assert answer.text == (
        "China asked the US not to raise individual cases. [1] Talks began on 13 May. [2]"
    )
    assert [citation.quote for citation in answer.citations] == [
        "China asked the United States not to raise individual cases.",
        "The talks began on 13 May 2010 in Washington.",
    ]
    assert [citation.marker for citation in answer.citations] == [1, 2]
    assert answer.citations[0].passage == hits()[1].passage
    assert (answer.abstained, answer.confidence, answer.mode) == (False, 1.0, "scripted:one")
    assert (answer.unresolved, answer.note) == ((), "")
    assert answer.hits == tuple(hits())
    assert answer.timings.generate > 0
    assert model._closed


def test_the_model_is_given_passages_question_history_and_the_agreed_form():
    question = Question("And then?", (Turn("Who met?", "Posner met Chen. [1]"),))
    _, _, model = ask("Talks. [1]", question=question)
    system, user = model._prompts[0]
    assert system.type == "system"
    assert NO_ANSWER in str(system.content)
    assert str(user.content).index(TEXTS[0]) < str(user.content).index(TEXTS[1])
    assert "Question: Who met?\nAnswer: Posner met Chen.\n" in str(user.content)
    assert str(user.content).endswith("Question: And then?")


@pytest.mark.parametrize("text", ["{context}", "{question.__class__}", "{", "{{x}}", "{0!r}"])
def test_braces_of_a_question_are_text_and_no_template(text):
    _, _, model = ask("Talks. [1]", question=Question(text))
    assert str(model._prompts[0][1].content).endswith(f"Question: {text}")


def test_a_reply_that_cites_nothing_has_no_confidence():
    _, answer, _ = ask("China is large.", " It is old.")
    assert [sentence.markers for sentence in answer.sentences] == [(), ()]
    assert (answer.citations, answer.confidence, answer.abstained) == ((), 0.0, False)


def test_confidence_is_the_share_of_sentences_with_a_quote_that_shares_their_words():
    _, answer, _ = ask(
        "China asked about individual cases. [2] Bananas ripen quickly. [1] They like tea."
    )
    assert answer.confidence == pytest.approx(1 / 3)


def test_a_marker_that_points_nowhere_is_recorded_and_not_shown():
    said, answer, _ = ask("Talks began", " [9]. ", "They ended. [1]")
    assert said == "Talks began. They ended. [1]"
    assert answer.text == "Talks began. They ended. [1]"
    assert answer.unresolved == ("[9]",)


def test_only_passages_that_fit_the_context_can_be_cited():
    generator = Generator(ScriptedModel(tokens=["A. [1] B. [2]"]), "m", context_chars=150)
    *_, answer = generator.stream(QUESTION, "q", hits(), cancelled=lambda: False)
    assert isinstance(answer, Answer)
    assert answer.unresolved == ("[2]",)
    assert len(answer.hits) == 2


def test_a_reply_that_ends_in_the_middle_of_a_marker():
    said, answer, _ = ask("Talks began. [1] They ended. ", "[2")
    assert said == answer.text == "Talks began. [1] They ended."
    assert answer.unresolved == ("[2",)


def test_a_reply_of_single_characters_says_the_same():
    reply = "China asked the US not to raise cases. [2][9] Talks began in May 【1】."
    assert ask(reply)[1].text == ask(*reply)[1].text


def test_the_agreed_form_abstains_without_any_delta():
    said, answer, model = ask("[[", "no", " answer", "]]", " The passages", " are about tea.")
    assert said == ""
    assert (answer.abstained, answer.sentences, answer.confidence) == (True, (), 0.0)
    assert answer.hits == tuple(hits())
    assert model._sent[-1] == "]]", "the rest of the reply should not be waited for"


def test_without_hits_the_model_is_not_asked():
    model = ScriptedModel(tokens=["Talks. [1]"])
    generator = Generator(model, "m", context_chars=5000)
    (answer,) = generator.stream(QUESTION, "q", [], cancelled=lambda: False)
    assert isinstance(answer, Answer)
    assert answer.abstained
    assert model._prompts == []


@pytest.mark.parametrize(
    "tokens",
    [
        [""],
        ["", ""],
        ["  \n"],
        ["[9]"],
        ["..."],
        ["<think>What is tea?"],
        [AIMessageChunk("", tool_call_chunks=[{"name": "f", "args": "{}", "id": "1", "index": 0}])],
    ],
)
def test_a_reply_without_words_is_an_error(tokens):
    with pytest.raises(ModelError, match="scripted:one returned an empty reply"):
        ask(*tokens)


def test_a_tool_call_beside_words_is_ignored():
    call = AIMessageChunk("", tool_call_chunks=[{"name": "f", "args": "{}", "id": "1", "index": 0}])
    assert ask("Talks began. [1]", call)[1].text == "Talks began. [1]"


def test_content_in_blocks_is_read():
    blocks = [
        AIMessageChunk([{"type": "text", "text": text, "index": 0}])
        for text in ("Talks ", "began. [1]")
    ]
    assert ask(*blocks)[1].text == "Talks began. [1]"


def test_thinking_is_not_part_of_the_answer():
    said, answer, _ = ask("<th", "ink>Maybe [2]?", " No.</thi", "nk>\n\nTalks", " began. [1]")
    assert said == answer.text == "Talks began. [1]"


def test_words_that_only_begin_like_thinking_are_shown():
    assert ask("<th", "e> talks began. [1]")[1].text == "<the> talks began. [1]"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError("secret-key"), "could not be reached"),
        (TimeoutError(), "did not answer in time"),
        (RuntimeError("secret-key in the prompt"), "failed (RuntimeError)"),
    ],
)
@pytest.mark.parametrize("before", [[], ["Talks began. [1] And"]])
def test_whatever_a_provider_raises_is_a_model_error(error, said, before):
    with pytest.raises(ModelError) as caught:
        ask(*before, error)
    assert said in caught.value.message
    assert "scripted:one" in caught.value.message
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_a_stop_keeps_what_was_said_and_closes_the_stream():
    said, answer, model = ask("Talks began. [1]", " They", " ended.", " Long ago.", stop_after=2)
    assert said == "Talks began. [1] They"
    assert answer.text == "Talks began. [1] They"
    assert (answer.note, answer.abstained) == (STOPPED, False)
    assert len(model._sent) == 2
    assert model._closed


def test_a_stop_before_the_first_word_asks_nothing():
    said, answer, model = ask("Talks began. [1]", stop_after=0)
    assert (said, answer.sentences, answer.note) == ("", (), STOPPED)
    assert not answer.abstained
    assert model._prompts == []


def test_a_stop_works_while_the_model_thinks():
    _, answer, model = ask("<think>", *["hm "] * 50, stop_after=5)
    assert (answer.note, len(model._sent)) == (STOPPED, 5)


def test_closing_the_answer_closes_the_request():
    model = ScriptedModel(tokens=["Talks ", "began."])
    events = Generator(model, "m", context_chars=5000).stream(
        QUESTION, "q", hits(), cancelled=lambda: False
    )
    next(events)
    assert not model._closed
    events.close()
    assert model._closed


def test_a_reply_of_ten_thousand_tokens_is_cut_off():
    _, answer, model = ask(*["Talks began on 13 May 2010. [1] "] * 10_000)
    assert "cut off after 16,000 characters" in answer.note
    assert len(model._sent) == MAX_REPLY_CHARS // 32 + 1
    assert len(answer.sentences) == len(model._sent)
    assert len(answer.citations) == 1
    assert model._closed
