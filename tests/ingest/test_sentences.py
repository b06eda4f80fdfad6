"""Sentence boundaries. In the cases "⏎" stands where one sentence ends and the next begins."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingest.sentences import MAX_SENTENCE_CHARS, sentence_spans

PROSE = [
    "The U.S. delegation left on Friday.⏎It will return in May.",
    "He moved to the U.S.⏎The family followed a year later.",
    "She works for the U.S. Department of State.⏎Her brother does not.",
    "The envoy spoke of U.S.-China ties.⏎He was brief.",
    "The U.S. and China met.⏎China's U.S. envoy was there.",
    "It was the first visit by a U.S. President since 1990.⏎It went well.",
    "The U.N. voted on the plan.⏎The E.U. abstained.",
    "Ms. Harlow spoke first.⏎Mr. Quist answered her at length.",
    "Was it Mrs. Dale?⏎Yes, it was.",
    "Sen. Ada Brook, D-N.Y., voted against the bill.⏎Rep. Lowe, R-Tex., did not vote.",
    "Gov. Ruth Pell signed it on Jan. 5, 2012.⏎It took effect in Sept. 2012.",
    "Lt. Col. Brandt and Gen. Ortiz met on Aug. 12.⏎They agreed.",
    "The law was passed on Feb. 3.⏎It was repealed in March.",
    "Prices rose by 2.5 percent.⏎Wages rose by 1.25 percent.",
    "The rate fell to .5 percent.⏎That is low.",
    "See No. 5 on the list.⏎It costs $3.50.",
    "The list ended with No. 7.⏎Then the music stopped.",
    "It was in vol. 3 of the set.⏎The set is rare.",
    "The rule is simple (see p. 14).⏎Nobody follows it.",
    "It weighs approx. 5 kg.⏎The old one weighed 7.5 kg.",
    "The train leaves at 8 a.m. every day.⏎It is rarely late.",
    "The meeting ended at 6 p.m.⏎Nobody stayed for dinner.",
    "J. K. Rowling wrote the books.⏎George R. R. Martin wrote others.",
    "The author, C.S. Lewis, was Irish.⏎He lived in Oxford.",
    "So did I.⏎We both laughed.",
    "The patient got vitamin C.⏎She recovered.",
    "They met in Washington, D.C., on Monday.⏎The talks lasted two days.",
    "They met in Washington, D.C.⏎The talks lasted two days.",
    "Apples, pears, etc. are sold here.⏎Nuts are not.",
    "Visit www.example.org for details.⏎The page is short.",
    "The file is called report.final.pdf and is large.⏎Open it with care.",
    "What did they want?⏎Nobody knew!⏎They left.",
    "Well... that was odd.⏎We went home.",
    "He paused… then he spoke.⏎It was short.",
    "The court ruled in Smith v. Jones last year.⏎An appeal is pending.",
    "Prof. Lin et al. published the study.⏎It was well received.",
    "It happened in the 1990s.⏎In 2001 it happened again.",
    "St. Paul lies on the river.⏎Mt. Hood does not.",
    "He lives at 5 Elm St.⏎The house is red.",
    "The firm, Acme Inc., lost money.⏎Its rival, Bolt Ltd., did not.",
    "He joined Acme Inc.⏎The move surprised many.",
    "He met John Doe Jr.⏎They had lunch.",
    "Section 3.2 explains it, i.e. the first part.⏎Section 4 does not.",
    "Many tools, e.g. Python, are free.⏎Some are not.",
    "The bill (H.R. 1234) passed.⏎The Senate must vote next.",
    "He earned a Ph.D. in 1999.⏎He taught until 2015.",
    "The company (founded in 1990) grew fast.⏎It now has 300 workers.",
    "1. Wash the rice.⏎Rinse it twice.",
    "There are rules: 1. Be kind.⏎2. Be brief.",
    "(3) The third clause is long.⏎It is also dull.",
]
QUOTATIONS = [
    '"We will not leave," she said.⏎"Not today."',
    '"Is anyone there?" he asked.⏎Nobody answered.',
    '"Stop!" cried the guard.⏎The boy ran on.',
    '"Will you go?"⏎"Yes."',
    'He called it "a complete waste of time."⏎His colleagues disagreed.',
    "“We are ready,” said Dr. Amin.⏎“The others are not.”",
    'The minister asked that the press "stay away from the site."⏎Few did.',
    '"I think so," Ms. Pryce said.⏎"But ask Mr. Dole first."',
    'She wrote: "The answer is no."⏎He wrote back at once.',
    "'It is late,' he said.⏎'Let us go.'",
    '"The talks were frank," the spokesman, Mr. Hong, told reporters.⏎"They will go on."',
    'He asked, "Why now?" and left the room.⏎She stayed.',
    'Adm. Lee said, "We sail at dawn."⏎The fleet left at 5:30 a.m.',
    '"We regret this," read the statement.⏎It was unsigned.',
    '[The minister] declined to comment.⏎"He is busy," an aide said.',
    'It cost 5 million dollars.⏎"Too much," said Ms. Ito.',
    'He quoted the law: "No person shall be tried twice."⏎Then he sat down.',
    # A short quotation stays whole, with the words that say whose it is.
    '"The report is wrong. It ignores the facts," he said.⏎Others agreed.',
]


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize("case", PROSE + QUOTATIONS)
def test_sentences_end_where_a_reader_ends_them(case):
    assert sentences(case.replace("⏎", " ")) == case.split("⏎")


def test_a_long_quotation_is_cut_at_its_sentences():
    inner = [
        f"Point number {word} of the long speech was that taxes are due."
        for word in ("one", "two", "three", "four", "five", "six")
    ]
    text = f'"{" ".join(inner)}" Then the speaker sat down.'
    expected = [f'"{inner[0]}', *inner[1:-1], f'{inner[-1]}"', "Then the speaker sat down."]
    assert sentences(text) == expected


def test_a_stray_quotation_mark_does_not_hold_sentences_together():
    inner = [
        f"Reporter {name} stood on the quay and watched the ships come in all day."
        for name in ("Ashby", "Brown", "Cole", "Drake", "Evans")
    ]
    text = f'Watch the clip " now. {" ".join(inner)} He said it was " fine. It rained.'
    assert inner == sentences(text)[1:6]
    assert sentences(text)[-1] == "It rained."


def test_headings_and_list_items_are_sentences_of_their_own():
    text = "The plan\nIt has two parts:\n- buy the land\n- build the house\n\nNobody objected"
    assert sentences(text) == [
        "The plan",
        "It has two parts:",
        "- buy the land",
        "- build the house",
        "Nobody objected",
    ]


def test_wrapped_lines_do_not_end_a_sentence():
    wrapped = (
        "The committee met on a cold morning in March and talked for hours\n"
        "about the harbour, the school, and the money that neither of them\n"
        "had. Nobody was content."
    )
    assert sentences(wrapped) == [
        wrapped[: wrapped.index("had.") + 4],
        "Nobody was content.",
    ]


def test_a_blank_line_ends_a_sentence_even_without_a_full_stop():
    assert sentences("An unfinished thought\n \nand another") == [
        "An unfinished thought",
        "and another",
    ]


def test_lines_longer_than_a_wrapped_page_are_paragraphs():
    line = "word " * 60
    assert sentences(f"{line}\n{line}") == [line.strip(), line.strip()]


def test_rows_of_figures_stay_apart():
    rows = "Revenue of the northern region in thousands 1,200 1,340\n" * 2
    assert len(sentences(rows)) == 2


def test_scripts_without_spaces_are_cut_at_their_own_full_stop():
    assert sentences("他说。我们走了。") == ["他说。", "我们走了。"]


def test_nothing_comes_of_nothing():
    assert sentence_spans("") == []
    assert sentence_spans(" \n\t\n ") == []


def test_an_endless_sentence_is_cut_at_white_space():
    spans = sentence_spans("word " * 2000)
    assert spans == [(start, start + 1999) for start in range(0, 10_000, 2000)]
    assert sentence_spans("x" * 4500) == [(0, 2000), (2000, 4000), (4000, 4500)]


@given(st.text(alphabet="ab .!?\n\t\"'“”()AB12—", max_size=300))
@settings(max_examples=300, deadline=None)
def test_spans_are_ordered_trimmed_and_cover_all_that_is_no_space(text):
    spans = sentence_spans(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)
    assert all(end - start <= MAX_SENTENCE_CHARS for start, end in spans)
    outside = list(text)
    for start, end in spans:
        outside[start:end] = " " * (end - start)
    assert not "".join(outside).strip()


@pytest.mark.parametrize(
    "unit",
    [
        "word ",
        "“a ",
        "“A b. ",
        "a.b.",
        "Mr. ",
        '"',
        "(",
        "It's so. ",
        "word\n",
        "?!",
        "No. 5 ",
        "\n ",
    ],
)
def test_time_grows_no_faster_than_the_text(unit):
    """sentencex alone takes 6 s over 60,000 quotation marks that never close."""
    began = time.process_time()
    sentence_spans(unit * (200_000 // len(unit)))
    assert time.process_time() - began < 2.0


def test_a_paragraph_of_very_many_lines_takes_time_by_their_number():
    """Processor time, not the clock: ten times the lines took ninety times as long once."""
    line = "words that fill the line and go on below with no end in sight for any of them"

    def seconds(lines: int) -> float:
        text = "\n".join([line] * lines)
        began = time.process_time()
        spans = sentence_spans(text)
        assert spans[-1][1] == len(text)
        return time.process_time() - began

    seconds(1_000)
    assert seconds(80_000) < 35 * seconds(8_000)
