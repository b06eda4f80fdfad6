from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from web_fakes import QUOTE, TALKS

from rag.types import Document, Section
from rag.web.links import document_url
from rag.web.markup import esc, shorten
from rag.web.pages.document_page import Span, document_page, page_number, section_path, surroundings

VECTORS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "</textarea><iframe src=//evil.example></iframe>",
    "<!-- <style>@import 'http://evil.example/x.css'</style> -->",
]


def test_the_quote_is_marked_exactly_once_with_its_characters():
    start = TALKS.text.index(QUOTE)
    page = document_page(TALKS, Span(start, start + len(QUOTE)), panel=False)
    assert page.count('<mark id="quote">') == page.count("<mark") == 1
    assert f'<mark id="quote">{esc(QUOTE)}</mark> So said' in page


def test_a_quote_over_two_paragraphs_is_marked_in_both_and_anchored_once():
    document = Document("d", "T", "t.txt", "One two.\n\nThree four.")
    page = document_page(document, Span(4, 15), panel=False)
    assert '<p>One <mark id="quote">two.</mark></p><p><mark>Three</mark> four.</p>' in page


TABLE = "Before.\nYear | Staff\n2022 | 1,790 <b>\n2023 | 1,870\nAfter | all."


def test_rows_are_a_table_and_the_quoted_ones_are_marked():
    start = TABLE.index("2022")
    document = Document("d", "T", "t.md", TABLE)
    page = document_page(document, Span(start, TABLE.index("\nAfter")), panel=False)
    assert "<p>Before.</p>" in page
    assert "<tr><th>Year</th><th>Staff</th></tr>" in page
    assert '<tr><td><mark id="quote">2022</mark></td><td><mark>1,790 &lt;b&gt;</mark></td>' in page
    assert page.count("<mark") == 4
    assert "<td>After</td><td>all.</td>" in page
    assert "<table" not in document_page(Document("d", "T", "t", "One | two."), None, panel=False)


def test_rows_of_another_width_within_a_table_have_no_head_of_their_own():
    text = "Rooms.\nName | Seats\nHall | 40\nEast | wing | old\nWest | wing | new"
    page = document_page(Document("d", "T", "t.md", text), None, panel=False)
    assert page.count("<table") == 2
    assert page.count("<th>") == 2
    assert "<td>East</td><td>wing</td><td>old</td>" in page


def test_a_table_without_names_of_columns_has_no_head():
    document = Document("d", "T", "t.md", "Figures.\n\n12 | 14\n15 | 16")
    page = document_page(document, None, panel=False)
    assert page.count("<td>") == 4
    assert "<th" not in page


def test_headings_are_headings_and_the_title_is_not_repeated():
    page = document_page(TALKS, None, panel=False)
    assert "<h3>What China wants</h3>" in page
    assert page.count("The talks in Washington") == 2  # <title> and <h1>


def test_markdown_signs_of_a_heading_are_not_shown():
    document = Document("d", "T", "t.md", "## Talks\nText.", sections=(Section("Talks", 2, 0),))
    assert "<h3>Talks</h3><p>Text.</p>" in document_page(document, None, panel=False)


def test_pages_are_numbered_where_they_begin():
    page = document_page(TALKS, None, panel=False)
    assert page.index("Page 1") < page.index("Two governments") < page.index("Page 2")
    assert page.index("Page 2") < page.index("What China wants")


def test_the_panel_shows_only_what_surrounds_the_quote():
    start = TALKS.text.index(QUOTE)
    panel = document_page(TALKS, Span(start, start + len(QUOTE)), panel=True, base="/ask/")
    assert "Paragraph 5" in panel
    assert "Paragraph 30" not in panel
    assert "What China wants · page 2 · 2011-05-09" in panel
    whole = esc("/ask/" + document_url(TALKS.doc_id, start, start + len(QUOTE)))
    assert f'<a href="{whole}" target="_blank" rel="noopener">' in panel


def test_surroundings_are_cut_between_words_600_characters_away():
    text = "word " * 400  # 2,000 characters, words begin at multiples of 5
    assert surroundings(text, Span(1002, 1004)) == Span(405, 1604)


def test_a_quote_outside_the_text_is_said_to_be_missing():
    page = document_page(TALKS, Span(10, 10**6), panel=True)
    assert "not in this document any more" in page
    assert "<mark" not in page


class Elements(HTMLParser):
    """Collects the elements and the attributes that a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs


OURS = {
    "html", "head", "meta", "title", "link", "body", "header", "h1", "h2", "p", "a", "main",
    "dl", "div", "dt", "dd", "mark",
}  # fmt: skip


@pytest.mark.parametrize("panel", [True, False])
@pytest.mark.parametrize("quote", [None, Span(2, 6)])
@pytest.mark.parametrize("vector", VECTORS)
def test_whatever_a_document_holds_is_shown_as_text(vector, quote, panel):
    document = Document(
        vector, vector, vector, f"{vector}\n\n{vector}", {"author": vector, "date": vector},
        sections=(Section(vector, 1, 0),),
    )  # fmt: skip
    page = document_page(document, quote, panel=panel)
    found = Elements(page)
    assert found.tags <= OURS
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert all(value.startswith("/") for name, value in found.attributes if name == "href")
    assert f"<p>{esc(vector)}</p>" in page


def test_a_lone_surrogate_does_not_stop_a_page():
    document = Document("\ud800", "\ud800", "s", "a \ud800 b")
    assert "a ? b" in document_page(document, None, panel=False)
    assert document_url("\ud800") == "documents/%3F"


def test_a_document_of_a_megabyte_renders_quickly():
    document = Document("d", "T", "t", "A sentence of some words & signs. " * 31_000)
    began = time.perf_counter()
    page = document_page(document, Span(500_000, 500_100), panel=False)
    assert time.perf_counter() - began < 2
    assert len(page) > 1_000_000


def test_the_address_of_a_document_quotes_every_character():
    assert document_url("a/b?c#d %") == "documents/a%2Fb%3Fc%23d%20%25"
    assert document_url("x", 3, 9) == "documents/x?start=3&end=9#quote"
    assert document_url("x", 3, 9, panel=True) == "documents/x?view=panel&start=3&end=9#quote"


def test_the_section_path_follows_the_levels():
    sections = (
        Section("Report", 1, 0),
        Section("Findings", 2, 10),
        Section("Labour", 3, 20),
        Section("Outlook", 2, 30),
    )
    assert section_path(sections, 25, "Report") == "Findings › Labour"
    assert section_path(sections, 30, "Report") == "Outlook"
    assert section_path(sections, 5, "Report") == ""


def test_page_numbers_start_at_1():
    assert [page_number((0, 100), offset) for offset in (0, 99, 100)] == [1, 1, 2]
    assert page_number((), 5) is None


def test_shortening_cuts_at_a_word():
    assert shorten("one two  three\nfour", 100) == "one two three four"
    assert shorten("one two three four", 12) == "one two…"
