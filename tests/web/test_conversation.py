from __future__ import annotations

import re
from dataclasses import replace

import pytest
from web_fakes import OTHER, QUOTE, TALKS, abstained, answered, cite, passage_of

from rag.types import Answer, Choice, Clarification, Hit, Question, Sentence, Turn
from rag.web.chat.conversation import confidence_words, plain_text, render_notice, render_turns
from rag.web.chat.furniture import EXAMPLES, render_mode, render_side, render_welcome
from rag.web.history.turns import ABSTAINED, Notice, Status, TurnView, question_after

ASKED = Question("What did China ask the US to avoid?")


def done(answer: Answer) -> TurnView:
    return TurnView(answer.question.text, Status.DONE, answer=answer)


def test_each_marker_is_a_link_to_its_quote():
    (turn,) = render_turns([done(answered(ASKED))])
    start = TALKS.text.index(QUOTE)
    href = f"documents/talks%2F2011%3Fa%23b.md?start={start}&amp;end={start + len(QUOTE)}#quote"
    assert turn.count(f'href="{href}"') == 2  # the marker and its line in the list
    assert 'aria-label="Footnote 1: The talks in Washington"' in turn
    assert turn.count('<a class="marker"') == 2


def test_a_query_that_is_not_the_question_is_shown_and_the_last_can_be_changed():
    answer = replace(answered(Question("And then?")), query="And then? <b>Oslo</b>")
    turn = TurnView("And then?", Status.DONE, answer=answer)
    first, last = render_turns([turn, turn])
    assert "Searched for: And then? &lt;b&gt;Oslo&lt;/b&gt;" in first
    assert 'data-action="search"' not in first
    assert 'value="And then? &lt;b&gt;Oslo&lt;/b&gt;"' in last
    (plain,) = render_turns([replace(turn, question=answer.query)])
    assert "Searched for" not in plain


def test_the_exact_answer_is_marked_once():
    answer = answered(ASKED)
    twice = replace(answer, sentences=(Sentence(QUOTE, (1,)), Sentence(QUOTE, (2,))))
    (turn,) = render_turns([done(twice)])
    assert turn.count('<strong class="exact">individual cases</strong>') == 1


def test_sentences_that_break_begin_a_paragraph():
    answer = Answer(
        ASKED, ASKED.text,
        (Sentence("One.", (1,)), Sentence("Two.", (1,)), Sentence("Three.", (1,), True)),
        (cite(1, TALKS, QUOTE),), (), False, 0.7,
    )  # fmt: skip
    (turn,) = render_turns([done(answer)])
    assert turn.count('<p dir="auto">') == 2


def test_the_rows_of_a_table_are_shown_as_one():
    said = ("It grew.", "Year | Staff", "2022 | 1,790", "2023 | 1,870", "A | B", "So it goes on.")
    breaks = (False, True, True, True, False, False)
    sentences = tuple(Sentence(t, (1,), b) for t, b in zip(said, breaks, strict=True))
    answer = replace(
        answered(ASKED),
        citations=(cite(1, TALKS, QUOTE),),
        sentences=sentences,
        answer_span="1,870",
    )
    (turn,) = render_turns([done(answer)])
    assert turn.count("<table") == 1
    assert re.findall(r'<th scope="col"><span class="sentence">(\w+)', turn) == ["Year", "Staff"]
    assert turn.count("<tr>") == 3
    assert '<td><span class="sentence"><strong class="exact">1,870</strong>' in turn
    assert turn.count('<a class="marker"') == 6
    assert turn.count('<p dir="auto">') == 2  # a single row is a sentence like others
    assert "A | B" in turn


def test_paper_shows_all_that_is_quoted():
    long = " ".join(
        f"Paragraph {n} of the report speaks of other things at length." for n in range(4)
    )
    quote = long.replace(". ", ".\n\n")
    answer = replace(
        answered(ASKED), citations=(cite(1, TALKS, quote),), sentences=(Sentence("So.", (1,)),)
    )
    (turn,) = render_turns([done(answer)])
    assert f'<span class="note-whole" dir="auto">{quote}</span>' in turn
    (turn,) = render_turns([done(replace(answer, citations=(cite(1, TALKS, QUOTE),)))])
    assert "note-whole" not in turn


def test_abstaining_says_so_and_lists_the_nearest_passages():
    (turn,) = render_turns([done(abstained(Question("How far is the moon?")))])
    assert ABSTAINED in turn
    assert f'href="documents/other?start=0&amp;end={len(OTHER.text)}#quote"' in turn
    assert "confidence" not in turn
    assert "data-copy" not in turn


def test_a_nearest_passage_does_not_repeat_its_heading():
    passage = replace(
        passage_of(OTHER, 0, len(OTHER.text)), section="Diary › Posner", title="Whose diary"
    )
    answer = replace(abstained(ASKED), hits=(Hit(passage, 0.1, 1),))
    (turn,) = render_turns([done(answer)])
    assert "Whose diary · Diary › Posner</span>" in turn
    assert ">kept a diary in Beijing. He walked a great deal.</span>" in turn


def test_abstaining_without_hits_shows_no_empty_list():
    (turn,) = render_turns([done(replace(abstained(ASKED), hits=()))])
    assert "<ul" not in turn


def test_an_unfinished_answer_has_marks_but_no_links():
    turn = TurnView("Q", Status.READING, partial='He said "no". [1] And <b>left</b>. [12]')
    (shown,) = render_turns([turn])
    assert "<a " not in shown
    assert "<sup><span class=marker>12</span></sup>" in shown
    assert "&lt;b&gt;left&lt;/b&gt;" in shown
    assert "<button" not in shown


def test_a_failed_turn_shows_a_notice_and_offers_to_try_again():
    turn = TurnView("Q", Status.FAILED, problem=Notice("No model.", "Start it."))
    (shown,) = render_turns([turn])
    assert 'role="alert"' in shown
    assert "No model." in shown
    assert "Start it." in shown
    assert 'data-action="retry"' in shown


def test_only_the_last_turn_can_be_tried_again():
    first, second = render_turns([done(answered(ASKED)), done(abstained(ASKED))])
    assert 'data-action="retry"' not in first
    assert 'data-action="retry"' in second


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", '"><script>x</script>'])
def test_questions_and_notices_are_text(text):
    answer = replace(answered(Question(text)), note=text, mode=text)
    shown = "".join(render_turns([done(answer)])) + render_notice(Notice(text, text))
    assert "<img" not in shown
    assert "<script" not in shown


def test_history_holds_the_answered_turns():
    answer = answered(ASKED)
    turns = [done(answer), TurnView("Failed", Status.FAILED), TurnView("Stopped", Status.STOPPED)]
    assert question_after(turns, "And then?") == Question(
        "And then?", (Turn(ASKED.text, answer.text),)
    )


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (0.92, "High confidence, 92 %"),
        (0.85, "High confidence, 85 %"),
        (0.7, "Moderate confidence, 70 %"),
        (0.5, "Low confidence, 50 %"),
    ],
)
def test_confidence_is_said_in_words_and_as_a_number(confidence, words):
    assert confidence_words(confidence) == words


def test_the_clipboard_gets_the_answer_with_its_footnotes():
    copied = plain_text(answered(ASKED))
    assert copied.startswith(f"{QUOTE} [1] Both said the meeting had been useful. [2]\n\n")
    assert f"[1] The talks in Washington: “{QUOTE}”" in copied


def test_examples_appear_only_with_the_sample_corpus():
    assert EXAMPLES[0] in render_welcome([TALKS])
    assert EXAMPLES[0] not in render_welcome([replace(TALKS, source="mine/talks.md")])


def test_an_empty_store_says_how_to_fill_it():
    assert "footnote ingest PATH..." in render_welcome([])


def test_the_list_of_documents_is_bounded_and_says_what_it_leaves_out():
    many = [replace(OTHER, doc_id=str(n), title=f"Document {n}") for n in range(1302)]
    side = render_side(many)
    assert side.count("<li>") == 300
    assert "and 1,002 more" in side
    assert "1,302" in side


def test_the_mode_is_named():
    assert "No language model" in render_mode("reader")
    assert "ollama:qwen3 writes the answers" in render_mode("ollama:qwen3")


BACK = Clarification("Which <talks>?", (Choice("A & B", "a?"), Choice("C", "c?")))


def test_a_question_back_offers_its_choices_in_the_last_turn():
    asked = done(replace(abstained(ASKED), clarification=BACK))
    first, last = render_turns([asked, asked])
    assert "The documents do not say" not in first + last
    assert "Which &lt;talks&gt;?" in last
    assert 'data-action="choose" data-index="0" dir="auto">A &amp; B</button>' in last
    assert 'data-action="choose" data-index="1" dir="auto" disabled>C</button>' in first
    assert question_after((asked,), "C").history == (Turn(ASKED.text, "Which <talks>?"),)
