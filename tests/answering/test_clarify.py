"""Questions back: which readings are offered, and that a chosen one is answered."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from rag.answer_json import answer_to_dict
from rag.answering.question.clarify import MAX_LABEL_CHARS, ask_back
from rag.answering.question.people import people_in
from rag.terminal import print_answer
from rag.types import Answer, Choice, Clarification, Hit, Passage, Question
from rag.web.api.openai_api import unanswered


def hits(*documents: tuple[str, str]) -> list[Hit]:
    """One hit for each (title, text), in order."""
    return [
        Hit(Passage(f"p{n}", f"d{n}", text, 0, len(text), title, f"{n}.md"), 1.0 / n, n)
        for n, (title, text) in enumerate(documents, 1)
    ]


TALKS = hits(("Talks in Beijing", "They began in May."), ("The flood", "It began in June."))
REPORTS = hits(
    ("Annual report 2010", "It concludes that sales grew."),
    ("Travel policy", "Flights are paid."),
    ("Flood report", "Rain fell. The authors conclude that dams failed."),
)
PEOPLE = hits(
    ("A", "Anna Smith, a baker, said that bread is dear. Bob Stone argued against it."),
    ("B", "Later Anna Smith resigned."),
)
SMITHS = hits(
    ("Bakers", "Anna Smith was born in 1950. Smith likes bread."),
    ("Sailors", "Henry Smith was born at sea; later Henry Smith died."),
)


def labels(found: Clarification | None) -> list[str]:
    return [choice.label for choice in found.choices] if found else []


def test_a_pronoun_is_asked_about_with_the_documents_found():
    assert ask_back("When did it begin?", TALKS) == Clarification(
        "What do you mean by “it”?",
        (
            Choice("Talks in Beijing", "When did it begin? (“Talks in Beijing”)"),
            Choice("The flood", "When did it begin? (“The flood”)"),
        ),
    )


def test_a_question_about_nothing():
    found = ask_back("Why?", TALKS)
    assert found is not None
    assert found.question == "What is your question about?"
    assert found.choices[1].question == "Why? (“The flood”)"


def test_whom_is_asked_with_the_people_found():
    found = ask_back("What did he say about that?", PEOPLE)
    assert found is not None
    assert found.question == "Whom do you mean by “he”?"
    assert [choice.question for choice in found.choices] == [
        "What did Anna Smith say about that?",
        "What did Bob Stone say about that?",
    ]
    his = ask_back("What is his job?", PEOPLE)
    assert his is not None
    assert his.choices[1].question == "What is Bob Stone’s job?"


def test_which_report():
    found = ask_back("Who wrote the report?", REPORTS)
    assert found is not None
    assert found.question == "Which report do you mean?"
    assert labels(found) == ["Annual report 2010", "Flood report"]
    assert found.choices[0].question == "Who wrote the report “Annual report 2010”?"


def test_which_of_several_of_a_kind():
    routers = hits(("Falcon router: manual", "To reset it, wait."), ("Eagle router", "Reset it."))
    found = ask_back("How do I reset the router?", routers)
    assert found is not None
    assert found.question == "Which router do you mean?"
    assert found.choices[0].question == "How do I reset the “Falcon router: manual”?"
    assert ask_back("How do I reset the Eagle router?", routers) is None
    assert ask_back("How do I open the router?", routers) is None


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote the policy?",  # there is but one
        "Who wrote the flood report?",
        "What does the report say about dams, rain and floods?",
        "Does the report mention rain?",  # only one does
    ],
)
def test_one_document_alone_can_be_meant(question):
    assert ask_back(question, REPORTS) is None


def test_a_surname_that_two_people_bear():
    found = ask_back("When was Smith born?", SMITHS)
    assert found is not None
    assert found.question == "Which Smith do you mean?"
    assert [choice.question for choice in found.choices] == [
        "When was Anna Smith born?",
        "When was Henry Smith born?",
    ]


@pytest.mark.parametrize(
    "question",
    [
        "When was Anna Smith born?",
        "What is the Smith?",
        "Which bread does Smith the baker like?",
        "What did Smith do in 1950?",
        "When was Stone born?",
        "Does Smith like bread?",  # the documents speak of one who does
    ],
)
def test_a_name_that_is_clear(question):
    assert ask_back(question, SMITHS) is None


def test_one_person_by_two_first_names():
    two = hits(
        ("A", "Mike Smith said so."), ("B", "Michael Smith wrote it."), ("C", "M. Smith agreed.")
    )
    assert ask_back("Who is Smith?", two) is None


def test_a_couple_in_one_document_is_no_riddle():
    couple = hits(("A", "Anna Smith said yes. Henry Smith said no."), ("B", "Henry Smith left."))
    assert ask_back("Who is Smith?", couple) is None


def test_titles_that_differ_by_what_stands_behind():
    found = hits(("Mercury (planet)", "It is small."), ("Mercury (element)", "It is liquid."))
    asked = ask_back("What is Mercury?", found)
    assert labels(asked) == ["Mercury (planet)", "Mercury (element)"]
    assert ask_back("Is Mercury the smallest planet?", found) is None


def test_nothing_is_asked_when_there_is_nothing_to_choose():
    assert ask_back("When did it begin?", TALKS[:1]) is None
    assert ask_back("When did it begin?", []) is None
    same = hits(("Talks", "one"), ("Talks", "two"))
    assert ask_back("When did it begin?", same) is None


def test_after_a_conversation_only_what_nothing_explained_is_asked_about():
    assert ask_back("Who wrote the report?", REPORTS, followed_on=True) is None
    assert ask_back("When was Smith born?", SMITHS, followed_on=True) is None
    assert ask_back("When did it begin?", TALKS, followed_on=True) is not None


def test_weak_signs_count_only_where_the_documents_did_not_answer():
    asked = "In which country is this language officially spoken?"
    assert ask_back(asked, TALKS) is None
    found = ask_back(asked, TALKS, weakly=True)
    assert found is not None
    assert found.question == "What do you mean by “this language”?"


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("When did it begin?", TALKS),
        ("Why?", hits(("It", "a"), ("Why “this”?", "b"), ("x" * 500, "c"))),
        ("What did he say about that?", PEOPLE),
        ("What is his job?", PEOPLE),
        ("Who wrote the report?", REPORTS),
        ("Who is Smith?", SMITHS),
        ("What is Mercury?", hits(("Mercury (planet)", ""), ("Mercury, Nevada", ""))),
        ("Is this animal wild?", TALKS),
    ],
)
def test_no_choice_is_asked_about_again(question, found):
    asked = ask_back(question, found, weakly=True)
    assert asked is not None
    for choice in asked.choices:
        assert len(choice.label) <= MAX_LABEL_CHARS
        assert ask_back(choice.question, found, weakly=True) is None


def test_people_are_those_who_do_something():
    text = (
        "Secretary Hillary Clinton announced it. Ai Weiwei, who was held, said nothing. "
        "The State Department said so. Human Rights are universal. On Monday Joe Bloggs wrote."
    )
    assert people_in([text]) == ["Hillary Clinton", "Ai Weiwei", "Joe Bloggs"]


def test_every_interface_asks():
    found = ask_back("When did it begin?", TALKS)
    answer = Answer(Question("q"), "q", (), (), tuple(TALKS), True, 0.0, clarification=found)
    body = answer_to_dict(answer)["clarification"]
    assert body["question"] == "What do you mean by “it”?"
    assert body["choices"][1] == {
        "label": "The flood",
        "question": "When did it begin? (“The flood”)",
    }
    screen = StringIO()
    print_answer(Console(file=screen, width=200), answer)
    assert screen.getvalue().splitlines() == [
        "What do you mean by “it”?",
        "  · Talks in Beijing",
        "  · The flood",
        "For example:",
        "  footnote ask 'When did it begin? (“Talks in Beijing”)'",
    ]
    assert unanswered(answer) == "What do you mean by “it”?\n- Talks in Beijing\n- The flood"
    with pytest.raises(ValueError, match="says nothing else"):
        replace(answer, abstained=False)
