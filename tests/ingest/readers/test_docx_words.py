"""What a paragraph of Word holds besides plain runs, and the numbers that Word computes."""

from __future__ import annotations

import docx
import pytest
from docx.oxml import parse_xml
from docx.shared import RGBColor

from tests.ingest.readers.test_docx import packed, rezipped

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def element(xml):
    name, _, rest = xml.partition(">")
    closed = name.endswith("/")
    return parse_xml(f"{name.removesuffix('/')} {NAMESPACES}{'/' if closed else ''}>{rest}")


def with_inline(xml, before="The price is ", after=" in total."):
    document = docx.Document()
    paragraph = document.add_paragraph(before)
    paragraph._p.append(element(xml))
    paragraph.add_run(after)
    return document


RUN = "<w:r><w:t>700 euros</w:t></w:r>"


@pytest.mark.parametrize(
    "xml",
    [
        f'<w:ins w:id="1" w:author="A">{RUN}</w:ins>',
        f'<w:moveTo w:id="1" w:author="A">{RUN}</w:moveTo>',
        f'<w:fldSimple w:instr="REF price">{RUN}</w:fldSimple>',
        f'<w:smartTag w:element="price">{RUN}</w:smartTag>',
        f"<w:sdt><w:sdtContent>{RUN}</w:sdtContent></w:sdt>",
        f'<w:hyperlink w:anchor="x">{RUN}</w:hyperlink>',
        f'<w:hyperlink w:anchor="x"><w:ins w:id="1" w:author="A">{RUN}</w:ins></w:hyperlink>',
        "<m:oMath><m:r><m:t>700</m:t></m:r><m:r><m:t> euros</m:t></m:r></m:oMath>",
        "<mc:AlternateContent><mc:Choice Requires='x'><w:r><w:t>700 euros</w:t></w:r></mc:Choice>"
        "<mc:Fallback><w:r><w:t>no</w:t></w:r></mc:Fallback></mc:AlternateContent>",
    ],
)
def test_what_wraps_words_does_not_lose_them(read, xml):
    (found,) = read("a.docx", packed(with_inline(xml)))
    assert found.text == "The price is 700 euros in total."


@pytest.mark.parametrize(
    "xml",
    [
        '<w:del w:id="1" w:author="A"><w:r><w:delText>500 euros</w:delText></w:r></w:del>',
        f'<w:moveFrom w:id="1" w:author="A">{RUN}</w:moveFrom>',
        f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{RUN}</w:sdtContent></w:sdt>",
        "<w:r><w:instrText>REF price</w:instrText></w:r>",
    ],
)
def test_what_is_deleted_or_only_stands_in_is_not_read(read, xml):
    (found,) = read("a.docx", packed(with_inline(xml, "Ask", " us.")))
    assert found.text == "Ask us."


def test_hidden_words_in_an_insertion_are_left_out(read):
    document = with_inline(
        '<w:ins w:id="1" w:author="A"><w:r><w:rPr><w:vanish/></w:rPr><w:t>obey</w:t></w:r></w:ins>',
        "Ask",
        " us.",
    )
    assert read("a.docx", packed(document))[0].text == "Ask us."


def test_blocks_in_content_controls_are_read_but_for_a_table_of_contents(read):
    document = docx.Document()
    body = document.element.body
    contents = "<w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj>"
    for head, words in (("<w:sdtPr>", "A form."), (contents, "Depth ... 7")):
        body.insert(
            len(body) - 1,
            element(
                f"<w:sdt>{head}</w:sdtPr><w:sdtContent><w:p><w:r><w:t>{words}</w:t></w:r></w:p>"
                "</w:sdtContent></w:sdt>"
            ),
        )
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("Depth ... 8", style="toc 1")
    document.add_paragraph("End.")
    assert read("a.docx", packed(document))[0].text == "A form.\n\nEnd."


def test_a_text_box_follows_its_paragraph_once(read):
    box = "<w:txbxContent><w:p><w:r>{}<w:t>Beware.</w:t></w:r></w:p></w:txbxContent>"
    white = box.format("<w:rPr><w:color w:val='FFFFFF'/></w:rPr>")  # boxes have a colour
    document = with_inline(
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>{white}</w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict><v:textbox>{box.format('')}</v:textbox></w:pict>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )
    document.paragraphs[0].add_run("Obey.").font.color.rgb = RGBColor(255, 255, 255)
    document.add_paragraph("End.")
    assert read("a.docx", packed(document))[0].text == ("The price is in total.\n\nBeware.\n\nEnd.")


def with_notes(document):
    """Pack with a footnotes and an endnotes part, each with note 2 (and a separator)."""

    def change(name, part):
        if name == "[Content_Types].xml":
            more = "".join(
                f'<Override PartName="/word/{kind}s.xml" ContentType="{TYPES}.{kind}s+xml"/>'
                for kind in ("footnote", "endnote")
            )
            return part.replace(b"</Types>", more.encode() + b"</Types>")
        if name == "word/_rels/document.xml.rels":
            more = "".join(
                f'<Relationship Id="r{kind}" Type="{RELATIONS}/{kind}s" Target="{kind}s.xml"/>'
                for kind in ("footnote", "endnote")
            )
            return part.replace(b"</Relationships>", more.encode() + b"</Relationships>")
        return part

    return rezipped(
        packed(document),
        change,
        more={
            f"word/{kind}s.xml": f"<w:{kind}s {NAMESPACES}><w:{kind} w:id='0'><w:p/></w:{kind}>"
            f"<w:{kind} w:id='2'><w:p><w:r><w:t>In the {kind}.</w:t></w:r></w:p></w:{kind}>"
            f"</w:{kind}s>"
            for kind in ("footnote", "endnote")
        },
    )


def test_notes_follow_the_paragraph_that_refers_to_them(read):
    document = with_inline("<w:r><w:footnoteReference w:id='2'/></w:r>", "It is", " deep.")
    document.add_table(1, 2).cell(0, 0).paragraphs[0]._p.append(
        element("<w:r><w:t>cell</w:t><w:endnoteReference w:id='2'/></w:r>")
    )
    document.add_paragraph("End.")
    assert read("a.docx", with_notes(document))[0].text == (
        "It is deep.\n\nFootnote 1: In the footnote.\n\ncell |\n\n"
        "Endnote 1: In the endnote.\n\nEnd."
    )


def numbered(levels, overrides=""):
    """Give a document whose list 7 has these levels: (format, text)."""
    document = docx.Document()
    numbering = document.part.numbering_part.element
    written = "".join(
        f"<w:lvl w:ilvl='{at}'><w:start w:val='1'/><w:numFmt w:val='{kind}'/>"
        f"<w:lvlText w:val='{text}'/></w:lvl>"
        for at, (kind, text) in enumerate(levels)
    )
    numbering.insert(0, element(f"<w:abstractNum w:abstractNumId='70'>{written}</w:abstractNum>"))
    for number, more in (("70", ""), ("71", overrides)):
        numbering.append(
            element(f"<w:num w:numId='{number}'><w:abstractNumId w:val='70'/>{more}</w:num>")
        )
    return document


def add(document, text, level, number="70", style=None):
    properties = document.add_paragraph(text, style=style)._p.get_or_add_pPr().get_or_add_numPr()
    properties.get_or_add_numId().val = int(number)
    properties.get_or_add_ilvl().val = level


def test_headings_and_clauses_have_the_numbers_that_word_shows(read):
    document = numbered([("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "(%3)")])
    add(document, "Scope", 0, style="Heading 1")
    add(document, "The seller delivers.", 1)
    add(document, "on time", 2)
    add(document, "in full", 2)
    add(document, "The buyer pays.", 1)
    add(document, "in cash", 2)
    add(document, "Terms", 0, style="Heading 1")
    add(document, "They hold.", 1)
    (found,) = read("a.docx", packed(document))
    assert found.text == (
        "1. Scope\n\n1.1 The seller delivers.\n\n    (a) on time\n    (b) in full\n\n"
        "1.2 The buyer pays.\n\n    (a) in cash\n\n2. Terms\n\n2.1 They hold."
    )
    assert [section.title for section in found.sections] == ["1. Scope", "2. Terms"]


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("upperLetter", "A. B."),
        ("lowerRoman", "i. ii."),
        ("upperRoman", "I. II."),
        ("decimalZero", "01. 02."),
        ("bullet", "- -"),
    ],
)
def test_items_count_as_their_list_does(read, kind, labels):
    document = numbered([(kind, "%1.")])
    first, second = labels.split()
    add(document, "one", 0)
    add(document, "two", 0)
    assert read("a.docx", packed(document))[0].text == f"{first} one\n{second} two"


def test_a_list_that_begins_again_counts_from_its_start(read):
    again = "<w:lvlOverride w:ilvl='0'><w:startOverride w:val='4'/></w:lvlOverride>"
    document = numbered([("decimal", "%1)")], again)
    for text, number in (("a", "70"), ("b", "70"), ("c", "71"), ("d", "71")):
        add(document, text, 0, number)
    assert read("a.docx", packed(document))[0].text == "1) a\n2) b\n4) c\n5) d"


def test_an_outline_level_makes_a_heading_and_number_0_takes_the_number_away(read):
    document = docx.Document()
    style = document.styles.add_style("Clause", 1)
    style.element.get_or_add_pPr().append(element("<w:outlineLvl w:val='1'/>"))
    document.add_paragraph("Depth", style="Clause")
    add(document, "It is deep.", 0, "0", style="List Number")
    (found,) = read("a.docx", packed(document))
    assert [(section.title, section.level) for section in found.sections] == [("Depth", 2)]
    assert found.text == "Depth\n\nIt is deep."


def test_merged_cells_repeat_their_words_in_each_row(read):
    document = docx.Document()
    table = document.add_table(2, 3)
    table.cell(0, 0).merge(table.cell(1, 0)).text = "tall"
    table.cell(0, 1).merge(table.cell(0, 2)).text = "wide"
    table.cell(1, 2).text = "last"
    assert read("a.docx", packed(document))[0].text == "tall | wide\ntall |  | last"


def test_a_table_of_one_cell_a_row_is_a_frame(read):
    document = docx.Document()
    cell = document.add_table(1, 1).cell(0, 0)
    cell.paragraphs[0].text = "Depth"
    cell.paragraphs[0].style = "Heading 1"
    cell.add_paragraph("It is deep.")
    (found,) = read("a.docx", packed(document))
    assert found.text == "Depth\n\nIt is deep."
    assert [section.title for section in found.sections] == ["Depth"]


def test_the_date_of_a_template_is_no_date(read):
    document = docx.Document()
    document.add_paragraph("It is deep.")
    assert "date" not in read("a.docx", packed(document))[0].metadata


def test_a_document_with_macros_is_read_without_them(read, refusal):
    plain = f"{TYPES}.document.main+xml".encode()

    def renamed(to):
        return rezipped(
            packed(with_inline(RUN)),
            lambda name, part: part.replace(plain, to) if name.startswith("[Content") else part,
        )

    macros = renamed(b"application/vnd.ms-word.document.macroEnabled.main+xml")
    assert read("a.docm", macros)[0].text == "The price is 700 euros in total."
    assert refusal("a.docx", renamed(b"application/x-other+xml")) == "unreadable"
