from __future__ import annotations

import pytest

NOTE = """\
---
title: "The harbour: a plan"
author: [Ann Carter, Bo Dahl]
date: 2012-05-01
place: Oslo
empty:
---

# The harbour

The *old* harbour is **deep**, see [the map](https://example.org/map "Map") or
`harbour_map.txt` for its file_name_here.

## Depth ##

- one [fathom](x)
- two
  - and a half

1. first
2. second

| Year | Ships |
|------|-------|
| 1990 | **12** |

> A quoted word.

```
keep  *this* as it is
```

<div>Some <b>bold</b> words<br>and more</div>

![logo](logo.png) ![The quay at dusk](quay.png)
"""
PLAIN = """\
The harbour

The old harbour is deep, see the map or harbour_map.txt for its file_name_here.

Depth

- one fathom
- two
  - and a half

1. first
2. second

Year | Ships
1990 | 12

A quoted word.

keep  *this* as it is

Some bold words
and more

The quay at dusk"""


def test_markdown_becomes_the_words_it_shows(read):
    (document,) = read("plan.md", NOTE)
    assert document.text == PLAIN
    assert document.title == "The harbour: a plan"
    assert document.metadata == {
        "author": "Ann Carter, Bo Dahl",
        "date": "2012-05-01",
        "place": "Oslo",
    }


def test_headings_become_sections_that_begin_where_they_stand(read):
    (document,) = read("plan.md", NOTE)
    found = [(section.title, section.level, section.start) for section in document.sections]
    assert found == [("The harbour", 1, 0), ("Depth", 2, PLAIN.index("Depth"))]


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: [unclosed\n---\n",
        "---\n- a list\n---\n",
        "---\njust words\n---\n",
        "---\ntitle: a\n",
    ],
)
def test_front_matter_that_is_none_stays_text(read, front):
    (document,) = read("note.md", front + "\nThe harbour is deep.")
    assert "The harbour is deep." in document.text
    assert document.metadata == {}
    assert any(word in document.text for word in ("unclosed", "a list", "just words", "title"))


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system ['true']", "!!timestamp none", "2011-99-99", "&a [*a]"],
)
def test_front_matter_constructs_nothing(read, value):
    (document,) = read("note.md", f"---\ntitle: Harbour\nodd: {value}\n---\nWords.")
    assert document.text.endswith("Words.")


def test_deep_front_matter_is_text(read):
    (document,) = read("note.md", "---\na: " + "[" * 5000 + "\n---\nWords.")
    assert document.text.endswith("Words.")


def test_dates_become_iso_where_they_are_exact(read):
    (document,) = read("note.md", "---\ndate: 28 April 2011\n---\nWords.")
    assert document.metadata == {"date": "2011-04-28"}
    (document,) = read("note.md", "---\ndate: 2012-07\n---\nWords.")
    assert document.metadata == {"date": "2012-07"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Harbour\n\nWords.", "Harbour"),
        ("A short line\n\nWords.", "A short line"),
        ("Words that go on and on. " * 20, "untitled"),
    ],
)
def test_titles(read, text, title):
    assert read("untitled.md", text)[0].title == title


def test_setext_headings_and_entities(read):
    (document,) = read("note.md", "Harbour &amp; quay\n===\n\nA&#x202e;B&nbsp;&shy;C\n")
    assert document.sections[0].title == "Harbour & quay"
    assert document.text == "Harbour & quay\n\nAB\u00a0C"


def test_comments_scripts_and_references_show_nothing(read):
    source = "<!-- hidden -->\n\n<script>\nalert(1)\n</script>\n\nSee [it][1].\n\n[1]: http://x.y\n"
    assert read("note.md", source)[0].text == "See it."


def test_markdown_that_shows_nothing_is_empty(refusal):
    assert refusal("note.md", "---\ntitle: Nothing\n---\n") == "empty"
    assert refusal("note.md", "<!-- only a comment -->") == "empty"


def test_front_matter_in_toml(read):
    front = '+++\ntitle = "Guide"\ndate = 2024-05-01\ntags = ["a", "b"]\ndraft = true\n+++\n'
    (document,) = read("hugo.md", front + "The words.")
    assert (document.title, document.text) == ("Guide", "The words.")
    assert document.metadata == {"date": "2024-05-01", "tags": "a, b"}
    assert read("note.md", "+++\nno toml\n+++\nThe words.")[0].text.startswith("+++ no toml")


def test_cells_of_an_html_table_are_kept_apart(read):
    source = "<table><tr><th>Price</th> <td>5</td></tr><tr><td>Cost</td><td>7</td></tr></table>\n"
    assert read("note.md", source)[0].text == "Price | 5\nCost | 7"


def test_a_footnote_of_one_word_is_no_link(read):
    source = "See[^1] and[^Two].\n\n[^1]: Below\n\n[^two]: http://x.y\n"
    assert read("note.md", source)[0].text == (
        "See^1 and^Two.\n\n[^1]: Below\n\n[^two]: http://x.y"
    )
