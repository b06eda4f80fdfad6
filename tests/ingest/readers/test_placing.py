"""Where a stretch of text stands among the words of its page, by hand."""

from __future__ import annotations

from rag.ingest.readers.placing import find_letters, share_found


def found(text, stretch, words, occurrence=0):
    start = -1
    for _ in range(occurrence + 1):
        start = text.index(stretch, start + 1)
    end = start + len(stretch)
    letters = find_letters(text, start, end, words)
    return letters, share_found(text, start, end, letters)


def test_words_are_found_letter_by_letter():
    letters, share = found("One two three.", "two", ["One", "two", "three."])
    assert letters == [(1, 0), (1, 1), (1, 2)]
    assert share == 1.0


def test_of_two_equal_stretches_the_right_one_is_found():
    words = "Costs rose here . Costs rose there .".split()  # noqa: SIM905
    first, _ = found("Costs rose here . Costs rose there .", "Costs rose", words)
    second, _ = found("Costs rose here . Costs rose there .", "Costs rose", words, occurrence=1)
    assert {number for number, _ in first} == {0, 1}
    assert {number for number, _ in second} == {4, 5}


def test_a_running_line_that_is_not_in_the_text_stands_in_nobodys_way():
    letters, share = found("It grew.", "It grew.", ["Annual", "Report", "It", "grew.", "17"])
    assert [number for number, _ in letters] == [2, 2, 3, 3, 3, 3, 3]
    assert share == 1.0


def test_a_hyphen_that_was_undone_parts_a_word_on_the_page():
    letters, share = found("the document says", "document", ["the", "docu-", "ment", "says"])
    assert letters == [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3)]
    assert share == 1.0


def test_names_of_columns_have_no_place_and_do_not_count():
    row = "Sales | 2020: $5 | 2019: 41"
    letters, share = found(row, row, ["2020", "2019", "Sales", "$", "5", "41"])
    assert letters == [*((2, place) for place in range(5)), (3, 0), (4, 0), (5, 0), (5, 1)]
    assert share == 1.0


def test_other_words_are_not_found():
    letters, share = found("Profits fell sharply.", "Profits fell sharply.", ["We", "like", "it."])
    assert letters == []
    assert share == 0.0


def test_a_stretch_of_white_space_is_nowhere():
    assert share_found("a  b", 1, 3, []) == 0.0
