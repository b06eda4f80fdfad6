from __future__ import annotations

import pytest

from rag.ingest.readers.boilerplate import without_boilerplate

FURNITURE = [
    "Accessibility links",
    "Skip to content",
    "Breaking News",
    "Latest Stories",
    "Most Popular",
    "Related Articles",
    "You may also like",
    "Leave a Reply",
    "Post a comment",
    "12 Comments",
    "Comments (3)",
    "Sharing is caring!",
    "Share on Facebook",
    "Share this article via email",
    "Tweet this",
    "Click to share on Twitter (Opens in new window)",
    "Large Medium Small",
    "16x9 Image",
    "  • 16x9 Image",
    "Home | News | Sport | Weather",
    "Subscribe to our newsletter",
    "Copyright 2009 The Harbour Times. To see more, visit",
    "© 2015 Harbour Media Ltd. All rights reserved.",
    "All rights reserved.",
    "Terms of Use",
    "Privacy Policy",
    "We use cookies to improve your visit.",
    "Read more »",
    "Advertisement",
    "Back to top",
    "Previous post",
    "Print this page",
]
PROSE = [
    "Breaking news reached the harbour at noon.",
    "She asked him to leave a reply with the clerk.",
    "Sharing is caring, she used to say.",
    "Share prices fell by 2 percent.",
    "The copyright of 1998 expired.",
    "Copyright law changed in 1998.",
    "Small boats are safer than large ones.",
    "Comments by the minister were brief.",
    "He would like to follow us to Norway.",
    "News of the strike travelled fast.",
    "Follow the river to the north.",
    "Read more books.",
    "Home is where the harbour is.",
    "Year | Ships | Tons",
    "1990 | 12 | 3,400",
    "We use cookie cutters for the dough.",
    "Print was invented in Mainz.",
    "Most people read the latest news on Sunday.",
    "The image shows 16 men and 9 women.",
    "Register of ships",
    "Contact with the ship was lost.",
]


@pytest.mark.parametrize("line", FURNITURE)
def test_furniture_goes(line):
    text = f"The ship left.\n\n{line}\n\nIt came back."
    assert without_boilerplate(text) == "The ship left.\n\nIt came back."


@pytest.mark.parametrize("line", PROSE)
def test_what_somebody_wrote_stays(line):
    text = f"Accessibility links\nThe ship left.\n\n{line}\n\nIt came back."
    assert without_boilerplate(text) == f"The ship left.\n\n{line}\n\nIt came back."


def test_a_single_menu_word_is_a_heading_unless_there_is_other_furniture():
    assert without_boilerplate("Comments\n\nThe ship left.") == "Comments\n\nThe ship left."
    assert without_boilerplate("Comments\n\nThe ship left.\n\nLeave a Reply").strip() == (
        "The ship left."
    )


def test_a_menu_glued_to_a_sentence_is_cut_off():
    line = "Harbour Map|Ask the Captain|Ship PageAbout the Author: Jo Dyk serves as mayor here."
    assert without_boilerplate(line) == "About the Author: Jo Dyk serves as mayor here."


def test_a_caption_that_is_repeated_is_kept_once():
    caption = "Cranes stand over the quay at dusk"
    assert without_boilerplate(f"{caption}\n\n{caption}\nText.") == f"{caption}\n\nText."
    # Short lines may well repeat: a poem, a table.
    assert without_boilerplate("0 | 0\n0 | 0") == "0 | 0\n0 | 0"


def test_text_without_furniture_is_not_touched():
    text = "  The ship left.\n\n\n\nIt came back.\n\tSoon.\n"
    assert without_boilerplate(text) == text
