from __future__ import annotations

import io
import zipfile

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
OPF = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>The Orchard</dc:title><dc:creator>Ann Smith</dc:creator>
<dc:creator>Bob Jones</dc:creator><dc:date>2020-05-01T00:00:00Z</dc:date>
<dc:language>en-GB</dc:language></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="two" href="text/two%202.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="pic" href="a.png" media-type="image/png"/></manifest>
<spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/><itemref idref="one"/>
</spine></package>"""


def chapter(heading, text):
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head>'
        f"<title>x</title></head><body><h1>{heading}</h1><p>{text}</p></body></html>"
    )


def epub(**changes):
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": OPF,
        "OPS/nav.xhtml": chapter("Contents", "Chapter list"),
        "OPS/text/one.xhtml": chapter("One", "The apples grew well that year."),
        "OPS/text/two 2.xhtml": chapter("Two", "The pears did not."),
    } | changes
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            if text is not None:
                archive.writestr(name, text)
    return buffer.getvalue()


def test_chapters_come_in_reading_order_each_once(read):
    (document,) = read("orchard.epub", epub())
    assert document.title == "The Orchard"
    assert document.metadata == {
        "author": "Ann Smith, Bob Jones",
        "date": "2020-05-01",
        "language": "en",
    }
    assert document.text == ("One\n\nThe apples grew well that year.\n\nTwo\n\nThe pears did not.")
    assert [(s.title, document.text[s.start :][:3]) for s in document.sections] == [
        ("One", "One"),
        ("Two", "Two"),
    ]


def test_a_locked_book_is_encrypted(refusal):
    lock = (
        '<encryption><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>'
        "</encryption>"
    )
    assert refusal("locked.epub", epub(**{"META-INF/encryption.xml": lock})) == "encrypted"


def test_scrambled_fonts_do_not_lock_a_book(read):
    fonts = '<encryption><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/></encryption>'
    assert read("fonts.epub", epub(**{"META-INF/encryption.xml": fonts}))


def test_entities_of_the_package_are_not_expanded(read):
    bomb = '<!DOCTYPE p [<!ENTITY a "boom"><!ENTITY b "&a;&a;&a;">]>' + OPF.replace(
        "<dc:title>The Orchard", "<dc:title>The Orchard<!-- --></dc:title><dc:title>&b;"
    )
    assert "boom" not in repr(read("bomb.epub", epub(**{"OPS/book.opf": bomb})))


def test_damage_is_refused(refusal):
    assert refusal("none.epub", epub(**{"OPS/book.opf": None})) == "unreadable"
    assert refusal("xml.epub", epub(**{"OPS/book.opf": "<package"})) == "unreadable"
    assert refusal("cut.epub", epub()[:200]) == "truncated"


def test_a_chapter_that_is_missing_or_damaged_costs_only_itself(read, refusal):
    book, problem = read("orchard.epub", epub(**{"OPS/text/one.xhtml": None}))
    assert book.text == "Two\n\nThe pears did not."
    assert problem.message.startswith("files/orchard.epub!/OPS/text/one.xhtml: ")
    binary = bytes(range(256)) * 8
    lost = {"OPS/text/one.xhtml": binary, "OPS/text/two 2.xhtml": None}
    assert refusal("orchard.epub", epub(**lost)) == "binary"


def test_a_table_of_contents_with_scripts_is_one_too(read):
    package = OPF.replace('properties="nav"', 'properties="scripted nav"')
    assert "Chapter list" not in read("orchard.epub", epub(**{"OPS/book.opf": package}))[0].text


def test_empty_elements_of_xhtml_hold_nothing_back(read):
    page = chapter("One", 'The <a id="p1"/>apples<i/> grew.').replace(
        "<title>x</title>", "<title/>"
    )
    page = page.replace("</head>", '<script src="x.js"/></head>')
    assert read("a.epub", epub(**{"OPS/text/one.xhtml": page}))[0].text.startswith(
        "One\n\nThe apples grew.\n\nTwo"
    )
