from __future__ import annotations

import pytest

PASTE = """\
Skip to main content

Breaking News

Northern ports

Dockers and owners agree on new hours

By Mara Lindqvist (
Updated: 2014-03-09 08:15
Large Medium Small

Cranes stand over the quay at dusk in this photo of 2013 (file photo)
Cranes stand over the quay at dusk in this photo of 2013 (file photo)
The dockers agreed on Sunday to new hours. "It was time," said their leader.

Home | News | Sport

  • 16x9 Image

Sharing is caring!

Leave a Reply
"""


def test_a_web_paste_is_read_without_its_furniture(read):
    (document,) = read("paste.txt", PASTE)
    assert document.text == (
        "Northern ports\n\nDockers and owners agree on new hours\n\n"
        "By Mara Lindqvist (\nUpdated: 2014-03-09 08:15\n\n"
        "Cranes stand over the quay at dusk in this photo of 2013 (file photo)\n"
        'The dockers agreed on Sunday to new hours. "It was time," said their leader.'
    )
    assert document.title == "Dockers and owners agree on new hours"
    assert document.metadata == {"date": "2014-03-09", "author": "Mara Lindqvist"}
    assert document.source == "files/paste.txt"
    assert document.sections == ()


def test_newlines_and_controls_are_settled_before_offsets_are_counted(read):
    (document,) = read("dos.txt", b"\xef\xbb\xbfOne line here.\r\nTwo\x00 lines.\r\n\x0c")
    assert document.text == "One line here.\nTwo lines."


def test_the_files_name_stands_in_for_a_title(read):
    (document,) = read("minutes of may.txt", "A very long first line that goes on. " * 20)
    assert document.title == "minutes of may"


def test_a_file_of_furniture_alone_is_empty(refusal):
    assert refusal("menu.txt", "Accessibility links\n\nHome | News | Sport\n\nLeave a Reply") == (
        "empty"
    )


@pytest.mark.parametrize("name", ["note.txt", "note.TXT", "note.text"])
def test_suffixes(read, name):
    assert read(name, "Some words.")[0].text == "Some words."
