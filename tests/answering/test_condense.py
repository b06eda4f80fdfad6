"""Follow-ups become queries: by rule in hand-written conversations, or by a chat model."""

from __future__ import annotations

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from rag.answering.chat.rewriting import ModelCondenser
from rag.answering.question.condense import RuleCondenser
from rag.types import Question, Turn


def turns(*texts: str) -> tuple[Turn, ...]:
    """Turns of "question | answer"."""
    pairs = (text.partition(" | ") for text in texts)
    return tuple(Turn(question, answer) for question, _, answer in pairs)


DIALOGUE = turns("What was the U.S.-China Human Rights Dialogue? | Two days of talks. [1]")
WHO = turns("Who led the Chinese side in 2010? | Chen Xu led it, a director general. [1]")
ROUTER = turns(
    "How do I reset the Falcon router? | Hold the button for ten seconds. [1]",
    "And the password? | It is printed below. [2]",
)
HOTELS = turns("What does the travel policy pay for hotels? | Up to 150 euros a night. [1]")
PUMP = turns("Is the Acme X200 pump safe for drinking water? | Yes, it is certified. [1]")
CANCER = turns("What is throat cancer?", "Is it treatable?", "Tell me about lung cancer.")
HONEY = turns(
    "What do bees make? | Bees make honey. Honey keeps for years because honey is dry. [1]"
)

FOLLOW_UPS = [
    (DIALOGUE, "And when did it begin?", "U.S. China Human Rights Dialogue"),
    (DIALOGUE, "How long did they last?", "Human Rights Dialogue"),
    (DIALOGUE, "What were the main results?", "Human Rights Dialogue"),
    (DIALOGUE, "Why?", "Human Rights Dialogue"),
    (WHO, "What did he say about that?", "Chen Xu"),
    (WHO, "And the American side?", "led"),
    (WHO, "What about 2011?", "Chinese side"),
    (ROUTER, "Does it survive a power cut?", "Falcon router"),
    (ROUTER, "How can I change it?", "router"),
    (HOTELS, "and flights?", "travel policy"),
    (HOTELS, "What is the limit per night?", "hotels"),
    (PUMP, "Which certificates does it have?", "Acme X200 pump"),
    (PUMP, "Compare it with the X300.", "Acme X200 pump"),
    (CANCER, "What are its symptoms?", "lung cancer"),
    ((*CANCER, *turns("What are its symptoms?")), "Can it spread?", "cancer"),
    (HONEY, "Why doesn't it spoil?", "honey"),
]

NEW_SUBJECTS = [
    (DIALOGUE, "Who wrote Hamlet?"),
    (DIALOGUE, "How do I bake sourdough bread?"),
    (ROUTER, "What is the capital of Norway?"),
    (HOTELS, "When is the office closed in December?"),
    (PUMP, "Thanks! Who orders spare parts for printers?"),
    ((), "When did it begin?"),
]


def ask(text: str, history: tuple[Turn, ...]) -> str:
    return RuleCondenser().query(Question(text, history))


@pytest.mark.parametrize(("history", "text", "added"), FOLLOW_UPS)
def test_a_follow_up_is_given_what_it_leaves_out(history, text, added):
    query = ask(text, history)
    assert query.startswith(text + " ")
    assert set(added.split()) <= set(query.removeprefix(text).split())


@pytest.mark.parametrize(("history", "text"), NEW_SUBJECTS)
def test_a_new_subject_does_not_drag_the_old_one_along(history, text):
    assert ask(text, history) == text


def test_the_subject_before_the_last_one_is_left_behind():
    assert "throat" not in ask("What are its symptoms?", CANCER)


def test_another_year_replaces_the_one_before():
    assert "2010" not in ask("What about 2011?", WHO)


def test_no_word_is_added_twice():
    words = ask("Does the router keep its password?", ROUTER).lower().split()
    assert words.count("router") == 1


def test_a_conversation_about_one_thing_keeps_it_to_the_end():
    history = DIALOGUE + turns(*[f"What was said in year {i}? | Much. [1]" for i in range(40)])
    assert "Dialogue" in ask("And when did it end?", history)


def test_questions_without_words_are_left_alone():
    assert ask("???", turns("??? | !!!")) == "???"


class Model(GenericFakeChatModel):
    """Replies with its messages in turn; one that is an exception is raised."""

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        reply = next(self.messages)
        if isinstance(reply, Exception):
            raise reply
        self.messages = iter([reply])
        return super()._generate(messages, stop, run_manager, **kwargs)


def ask_model(reply: object, history: tuple[Turn, ...] = DIALOGUE) -> str:
    model = Model(messages=iter([reply]))
    return ModelCondenser(model).query(Question("When did it begin?", history))


@pytest.mark.parametrize(
    "reply",
    [
        "When did the Dialogue begin?",
        '"When did the Dialogue begin?"\n\nI replaced "it".',
        "Standalone question: When did the Dialogue begin?",
        "<think>It is the Dialogue.</think>\n\n**When did the Dialogue begin?**",
    ],
)
def test_a_chat_model_rewrites_a_follow_up(reply):
    assert ask_model(AIMessage(reply)) == "When did the Dialogue begin?"


@pytest.mark.parametrize(
    "reply",
    [
        AIMessage(""),
        AIMessage(" \n "),
        AIMessage("..."),
        AIMessage("<think>It is"),
        AIMessage("word " * 200),
        AIMessage("", tool_calls=[{"name": "search", "args": {}, "id": "1"}]),
        TimeoutError(),
        ConnectionRefusedError(),
        RuntimeError("anything"),
    ],
)
def test_the_rules_step_in_when_the_model_cannot(reply):
    assert ask_model(reply) == ask("When did it begin?", DIALOGUE)


def test_without_history_no_model_is_asked():
    assert ask_model(RuntimeError("not asked"), ()) == "When did it begin?"


@pytest.mark.parametrize("replied", ["", "What do you mean by “it”?"])
def test_a_reply_to_a_question_back_completes_the_open_question(replied):
    open_ = (Turn("When did it begin?", replied),)
    assert ask("the Beijing talks", open_) == "When did it begin? the Beijing talks"
    assert ask("Who is Posner?", open_) == "Who is Posner?"
    assert ask("the Beijing talks", (Turn("Who is Posner?", replied),)) == "the Beijing talks"


def test_a_question_that_the_conversation_made_clear_is_not_completed_again():
    talks = (*DIALOGUE, Turn("When did it begin?", ""))
    assert ask("Jack London", talks) == "Jack London"


CATS = (*DIALOGUE, *turns("Why do cats eat plastic? | Some breeds do: it is called pica. [1]"))


def test_a_follow_up_on_a_new_subject_gets_nothing_of_the_old_one():
    query = ask("Will it harm them?", CATS)
    assert {"cats", "plastic"} <= set(query.split())
    assert not {"U.S", "China", "Human", "Rights", "Dialogue"} & set(query.split())
    assert query == ask("Will it harm them?", CATS[1:])


def test_a_question_that_explains_its_own_pronoun_stands_alone():
    asked = "My dog tilted its head today. What could be wrong with it?"
    assert ask(asked, DIALOGUE) == asked
