from __future__ import annotations

import pytest

from rag.ingest.readers.clues import (
    date_and_author,
    flat_metadata,
    guess_title,
    iso_date,
    with_file_name,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("May 26, 2010", "2010-05-26"),
        ("28 April 2011", "2011-04-28"),
        ("Apr 26, 2011", "2011-04-26"),
        ("the 3rd of May", ""),
        ("3rd of May 2012", "2012-05-03"),
        ("Sept. 5, 2012", "2012-09-05"),
        ("Updated: 2011-05-09 13:27", "2011-05-09"),
        ("Published on Monday, 4 June 2012 at 9:15 a.m.", "2012-06-04"),
        ("2011-05-09T13:27:00Z", "2011-05-09"),
        ("2011-05-09T13:27:00+02:00", "2011-05-09"),
        ("25/09/2011", "2011-09-25"),
        ("09.25.2011", "2011-09-25"),
        ("05/09/2011", ""),  # May or September
        ("05/05/2011", "2011-05-05"),
        ("February 30, 2011", ""),
        ("2011-13-01", ""),
        ("2012-07", ""),
        ("May 26, 2010 was a warm day", ""),
        ("In May 26, 2010", ""),
        ("", ""),
    ],
)
def test_dates_that_stand_alone_and_could_be_no_other(text, expected):
    assert iso_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The harbour\n\n28 April 2011\n\nBy Ann B. Carter\n\nWords.",
            ("2011-04-28", "Ann B. Carter"),
        ),
        ("The harbour\nBY JOHN DOE\nWords.", ("", "JOHN DOE")),
        ("About the Author: Jo van Dyk serves as mayor.\nWords.", ("", "Jo van Dyk")),
        ("By the river we sat down.\nWords.", ("", "")),
        ("By Friday\nWords.", ("", "")),
        # The same date twice is one date; two dates are none.
        ("Title\nMay 1, 2010\nWords.\nMay 1, 2010", ("2010-05-01", "")),
        ("Title\nMay 1, 2010\nMay 2, 2010\nWords.", ("", "")),
        ("Title\n" + "Words.\n" * 30 + "2 May 2010", ("2010-05-02", "")),
        ("Title\n" + "Words.\n" * 15 + "2 May 2010\n" + "Words.\n" * 15, ("", "")),
    ],
)
def test_a_date_line_and_a_byline(text, expected):
    found = date_and_author(text)
    assert (found.get("date", ""), found.get("author", "")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The harbour opens\n\nWords.", "The harbour opens"),
        ("World news\n\nThe harbour opens at last\n\nWords.", "The harbour opens at last"),
        ("Minutes\n\nThe council met on Monday.", "Minutes"),
        ("Notes\n28 April 2011 in Oslo\nWords.", "28 April 2011 in Oslo"),
        ("Notes\n28 April 2011\nWords.", "Notes"),
        ("# Markdown heading #\n\nWords.", "Markdown heading"),
        ("x" * 151, ""),
        ("The list has apples,\nand pears.", ""),
        ("", ""),
    ],
)
def test_titles(text, expected):
    assert guess_title(text) == expected


def test_metadata_becomes_strings():
    found = flat_metadata(
        {
            "Title": " The  harbour ",
            "author": ["Ann Carter", "Bo Dahl"],
            "date": "28 April 2011",
            "year": 2011,
            "draft": True,
            "nothing": None,
            "tilde": "~",
            "nested": {"a": "b"},
            "tags": ["sea", {"deep": 1}, ["x"]],
        }
    )
    assert found == {
        "title": "The harbour",
        "author": "Ann Carter, Bo Dahl",
        "date": "2011-04-28",
        "year": "2011",
        "tags": "sea",
    }


def test_a_date_that_is_not_exact_stays_as_it_is_written():
    assert flat_metadata({"date": "2012-07"}) == {"date": "2012-07"}


@pytest.mark.parametrize(
    ("heading", "stem", "title"),
    [
        ("UNITED STATES", "HARBOUR_2022_10K", "UNITED STATES (HARBOUR 2022 10K)"),
        ("", "HARBOUR_2022_10K", "HARBOUR 2022 10K"),
        ("The harbour in 2022", "harbour", "The harbour in 2022"),
        ("The harbour", "scan-0012", "The harbour"),
        ("The harbour", "1706.03762v5", "The harbour"),
        ("The harbour", "000_96cf6a0c63dc95b3", "The harbour"),
        ("The harbour", "Final Document (2)", "The harbour"),
        ("Hafen", "Jahresbericht", "Hafen (Jahresbericht)"),
    ],
)
def test_the_name_of_a_file_tells_whose_it_is(heading, stem, title):
    assert with_file_name(heading, stem) == title
