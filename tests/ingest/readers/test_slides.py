from __future__ import annotations

import io

import pptx
import pytest
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Inches


def saved(deck):
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def deck():
    deck = pptx.Presentation()
    deck.core_properties.author = "Ann Smith"
    deck.core_properties.title = ""
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Harvest of 2024"
    slide.placeholders[1].text = "Apples did well\nPears did not"
    slide.notes_slide.notes_text_frame.text = "Mention the frost in April."
    deck.slides.add_slide(deck.slide_layouts[6])
    last = deck.slides.add_slide(deck.slide_layouts[5])
    last.shapes.title.text = "Figures"
    table = last.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for number, words in enumerate(("Fruit", "Tonnes", "Apple", "12")):
        table.cell(number // 2, number % 2).text = words
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Apples", (10, 12.5))
    last.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(4), Inches(2), data
    )
    return deck


def test_a_slide_is_a_page_and_a_section(read, deck):
    (document,) = read("deck.pptx", saved(deck))
    assert document.title == "Harvest of 2024"
    assert document.metadata["author"] == "Ann Smith"
    assert [section.title for section in document.sections] == [
        "Slide 1: Harvest of 2024",
        "Slide 2",
        "Slide 3: Figures",
    ]
    assert [document.text[start:][:7] for start in document.page_starts] == [
        "Slide 1",
        "Slide 2",
        "Slide 3",
    ]


def test_items_notes_tables_and_charts_are_text(read, deck):
    text = read("deck.pptx", saved(deck))[0].text
    assert "- Apples did well\n- Pears did not" in text
    assert "Notes: Mention the frost in April." in text
    assert "Fruit | Tonnes\nApple | 12" in text
    assert "Apples: 2023 10; 2024 12.5" in text


def test_shapes_are_read_from_the_top_down(read):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for words, top in (("below", 4), ("above", 1)):
        box = slide.shapes.add_textbox(Inches(1), Inches(top), Inches(3), Inches(1))
        box.text_frame.text = f"The text {words}."
    text = read("deck.pptx", saved(deck))[0].text
    assert text.index("above") < text.index("below")


def test_slides_without_words_are_empty(refusal):
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    assert refusal("blank.pptx", saved(deck)) == "empty"


def test_damage_is_refused(refusal, deck):
    data = saved(deck)
    assert refusal("cut.pptx", data[: len(data) // 2]) == "truncated"
    assert refusal("other.pptx", b"PNG or something else") == "unreadable"


def test_figures_of_charts_are_exact_whatever_the_chart(read):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    place = (0, 0, Inches(4), Inches(2))
    bars = CategoryChartData()
    year = bars.add_category("2024")
    year.add_sub_category("Q1")
    year.add_sub_category("Q2")
    bars.add_series("Sales", (1234567.891, None))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, bars)
    points = XyChartData()
    series = points.add_series("Depth")
    series.add_data_point(1, 2.5)
    series.add_data_point(3, 4)
    slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *place, points)
    text = read("deck.pptx", saved(deck))[0].text
    assert "Sales: 2024: Q1 1234567.891\n" in text
    assert text.endswith("Depth: 1 2.5; 3 4")


def test_numbers_and_feet_of_slides_are_left_out(read):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = "Harvest"
    for kind, words in (("sldNum", "17"), ("ftr", "Confidential"), ("dt", "1 May")):
        box = slide.shapes.add_textbox(0, 0, Inches(1), Inches(1))
        box.text_frame.text = words
        properties = box._element.nvSpPr.nvPr
        properties.append(properties.makeelement(qn("p:ph"), {"type": kind, "idx": "12"}))
    assert read("deck.pptx", saved(deck))[0].text == "Slide 1: Harvest"


def test_the_words_of_a_diagram_are_read_in_order(read):
    names = 'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    names += 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    names += f'xmlns:r="{qn("r:x")[1:-2]}"'
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    words = "".join(
        f"<d:pt><d:t><a:p><a:r><a:t>{step}</a:t></a:r></a:p></d:t></d:pt>"
        for step in ("Plan", "Do")
    )
    data = Part(
        PackURI("/ppt/diagrams/data1.xml"),
        "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml",
        slide.part.package,
        f"<d:dataModel {names}><d:ptLst>{words}</d:ptLst></d:dataModel>".encode(),
    )
    key = slide.part.relate_to(data, f"{qn('r:x')[1:-2]}/diagramData")
    frame = slide.shapes.add_table(1, 1, 0, 0, Inches(1), Inches(1))._element
    graphic = frame.find(f".//{qn('a:graphicData')}")
    graphic.clear(keep_tail=True)
    graphic.set("uri", "http://schemas.openxmlformats.org/drawingml/2006/diagram")
    graphic.append(parse_xml(f'<d:relIds {names} r:dm="{key}"/>'))
    assert read("deck.pptx", saved(deck))[0].text == "Slide 1\n\n- Plan\n- Do"
