"""Numbering: each quote once, in the order of first use."""

from __future__ import annotations

from rag.answering.citations import Draft, Quote, number, quoted_text
from rag.types import Passage

#                0         10        20        30        40
#                01234567890123456789012345678901234567890123456789
DOCUMENT_TEXT = "Skipped. The first one. The second one. The third."
PASSAGE = Passage("p", "doc", DOCUMENT_TEXT[9:], 9, 50, "A title", "a.txt")
OTHER = Passage("q", "other", "Elsewhere it says more.", 0, 23, "Another", "b.txt")

FIRST = Quote(PASSAGE, 9, 23)
SECOND = Quote(PASSAGE, 24, 39)
THIRD = Quote(PASSAGE, 40, 50)
ELSEWHERE = Quote(OTHER, 0, 23)


def numbered(*drafts: Draft) -> tuple[list[tuple[int, ...]], list[tuple[int, str]]]:
    sentences, citations = number(drafts)
    return [s.markers for s in sentences], [(c.marker, c.quote) for c in citations]


def test_quote_text_is_that_of_the_document() -> None:
    assert SECOND.text == "The second one." == DOCUMENT_TEXT[24:39]


def test_markers_follow_the_first_use() -> None:
    markers, citations = numbered(
        Draft("Third.", (THIRD,)), Draft("Else.", (ELSEWHERE,)), Draft("First.", (FIRST,))
    )
    assert markers == [(1,), (2,), (3,)]
    assert citations == [
        (1, "The third."),
        (2, "Elsewhere it says more."),
        (3, "The first one."),
    ]


def test_a_repeated_quote_keeps_its_number() -> None:
    markers, citations = numbered(
        Draft("A.", (FIRST,)), Draft("B.", (ELSEWHERE,)), Draft("C.", (FIRST,))
    )
    assert markers == [(1,), (2,), (1,)]
    assert len(citations) == 2


def test_neighbouring_quotes_become_one() -> None:
    markers, citations = numbered(Draft("B.", (SECOND,)), Draft("A.", (FIRST,)))
    assert markers == [(1,), (1,)]
    assert citations == [(1, "The first one. The second one.")]


def test_a_quote_that_joins_two_others_takes_the_place_of_the_first() -> None:
    markers, citations = numbered(
        Draft("C.", (THIRD,)),
        Draft("E.", (ELSEWHERE,)),
        Draft("A.", (FIRST,)),
        Draft("B.", (SECOND,)),
    )
    assert markers == [(1,), (2,), (1,), (1,)]
    assert citations == [
        (1, "The first one. The second one. The third."),
        (2, "Elsewhere it says more."),
    ]


def test_overlapping_quotes_become_one() -> None:
    _, citations = numbered(Draft("A.", (Quote(PASSAGE, 9, 39),)), Draft("B.", (SECOND,)))
    assert citations == [(1, "The first one. The second one.")]


def test_quotes_with_words_between_them_stay_apart() -> None:
    _, citations = numbered(Draft("A.", (FIRST,)), Draft("C.", (THIRD,)))
    assert citations == [(1, "The first one."), (2, "The third.")]


def test_same_offsets_in_another_document_are_another_quote() -> None:
    twin = Passage("r", "twin", DOCUMENT_TEXT[9:], 9, 50, "Twin", "c.txt")
    _, citations = numbered(Draft("A.", (FIRST, Quote(twin, 9, 23))))
    assert citations == [(1, "The first one."), (2, "The first one.")]


def test_markers_of_a_sentence_ascend() -> None:
    markers, _ = numbered(Draft("A.", (FIRST,)), Draft("B.", (ELSEWHERE, FIRST)))
    assert markers == [(1,), (1, 2)]


def test_sentences_keep_text_and_line_breaks() -> None:
    (first, second), _ = number([Draft("A.", (FIRST,)), Draft("B.", (SECOND,), break_before=True)])
    assert (first.text, first.break_before) == ("A.", False)
    assert (second.text, second.break_before) == ("B.", True)


def test_nothing_gives_nothing() -> None:
    assert number([]) == ((), ())


def test_quoted_text_keeps_every_word_on_one_line() -> None:
    assert quoted_text("One\n  two\tthree. ") == "One two three."
