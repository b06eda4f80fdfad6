"""A page of an original, drawn, and the boxes of what was read from it.

PDFium's own search for text in a rectangle says what stands in a box.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil

import pypdfium2
import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen import canvas

from rag.errors import DocumentError
from rag.ingest.readers import document_id, read_file
from rag.ingest.readers.views import PageRequest, view
from rag.ingest.sandbox import Sandbox
from tests.ingest.readers.test_archive import archive

HEIGHT = A4[1]
QUOTE = "Profits rose by a third."


def pdf(draw, **options):
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=A4, **options)
    draw(page)
    page.save()
    return buffer.getvalue()


def plain(page):
    page.setFont("Helvetica", 12)
    page.drawString(72, 700, "The year was good. Profits rose by a third.")
    page.drawString(72, 680, "Costs fell. Profits rose by a third. Nobody")
    page.drawString(72, 660, "knew why the com-")
    page.drawString(72, 640, "pany had done so well.")
    page.showPage()
    page.drawString(72, 700, "The second page.")


@pytest.fixture
def look(tmp_path):
    """Read a file, then look a quote of its text up: the view, and what PDFium has in its boxes."""

    def look(data, quote, occurrence=0, name="a.pdf", inner=None, look_up=view):
        path = tmp_path / name
        path.write_bytes(data)
        documents = list(read_file(path, name))
        document = next(d for d in documents if d.source.endswith(inner or name))
        start = -1
        for _ in range(occurrence + 1):
            start = document.text.index(quote, start + 1)
        starts = [*document.page_starts, len(document.text)]
        page = max(n for n, at in enumerate(document.page_starts, start=1) if at <= start)
        low, high = starts[page - 1 : page + 1]
        request = PageRequest(
            str(path), name, document.doc_id, hashlib.sha256(data).hexdigest(), page,
            document.text[low:high], start - low, start - low + len(quote),
        )  # fmt: skip
        return look_up(request)

    return look


def words_in(data, seen):
    text_page = pypdfium2.PdfDocument(data)[seen.page - 1].get_textpage()
    found = [
        text_page.get_text_bounded(box.left, HEIGHT - box.bottom, box.right, HEIGHT - box.top)
        for box in seen.boxes
    ]
    return [" ".join(text.replace("\ufffe", "").split()) for text in found]


def test_the_box_of_a_quote_lies_where_it_was_written(look):
    data = pdf(plain)
    seen = look(data, "The year was good.")
    (box,) = seen.boxes
    assert (seen.page, seen.width, seen.height) == (1, pytest.approx(A4[0]), pytest.approx(HEIGHT))
    assert box.left == pytest.approx(72, abs=1)
    width = stringWidth("The year was good.", "Helvetica", 12)
    assert box.right == pytest.approx(72 + width, abs=2)
    assert box.bottom == pytest.approx(HEIGHT - 700, abs=4)  # a descender below the base line
    assert box.top == pytest.approx(HEIGHT - 700 - 9, abs=1)  # the height of a capital
    assert words_in(data, seen) == ["The year was good."]


def test_of_two_equal_quotes_the_one_that_was_meant_is_marked(look):
    data = pdf(plain)
    first, second = look(data, QUOTE), look(data, QUOTE, occurrence=1)
    assert words_in(data, first) == words_in(data, second) == [QUOTE]
    assert second.boxes[0].top - first.boxes[0].top == pytest.approx(20)


def test_a_quote_over_lines_has_a_box_on_each_also_where_a_word_is_parted(look):
    data = pdf(plain)
    quote = "Nobody knew why the company had done so well."
    found = words_in(data, look(data, quote))
    assert len(found) == 3
    assert found[0] == "Nobody"
    assert re.sub(r"[-\s]", "", "".join(found)) == quote.replace(" ", "")


def test_the_page_is_drawn_in_its_size_and_what_was_written_is_black_in_its_box(look):
    seen = look(pdf(plain), "The year was good.")
    picture = Image.open(io.BytesIO(seen.picture))
    assert picture.format == "PNG"
    assert picture.width == pytest.approx(1240, abs=1)
    assert picture.height / picture.width == pytest.approx(HEIGHT / A4[0], rel=0.01)
    scale = picture.width / seen.width
    (box,) = seen.boxes
    inside = picture.convert("L").crop(
        tuple(edge * scale for edge in (box.left, box.top, box.right, box.bottom))
    )
    assert min(inside.tobytes()) < 60
    beside = picture.convert("L").crop((0, 0, box.left * scale / 2, picture.height))
    assert min(beside.tobytes()) == 255


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_on_a_turned_page_the_box_is_turned_too(look, turn):
    def turned(page):
        page.setPageRotation(turn)
        page.drawString(72, 400, "The year was good.")

    seen = look(pdf(turned), "The year was good.")
    (box,) = seen.boxes
    across, down = box.right - box.left, box.bottom - box.top
    assert (across > down) == (turn == 180)
    assert 0 <= box.left < box.right <= seen.width
    assert 0 <= box.top < box.bottom <= seen.height
    scale = Image.open(io.BytesIO(seen.picture)).width / seen.width
    edges = (box.left, box.top, box.right, box.bottom)
    inside = Image.open(io.BytesIO(seen.picture)).convert("L")
    assert min(inside.crop(tuple(edge * scale for edge in edges)).tobytes()) < 60


def test_a_row_with_the_names_of_its_columns_is_found_without_the_names(look):
    def table(page):
        page.drawString(72, 720, "The table that follows shows what was sold.")
        page.drawRightString(300, 700, "2020")
        page.drawRightString(380, 700, "2019")
        for number, label in enumerate(("Apples", "Pears", "Plums")):
            page.drawString(72, 680 - 20 * number, label)
            page.drawRightString(300, 680 - 20 * number, f"{number + 3}1")
            page.drawRightString(380, 680 - 20 * number, f"{number + 6}2")

    data = pdf(table)
    seen = look(data, "Pears | 2020: 41 | 2019: 72")
    assert " ".join(words_in(data, seen)) == "Pears 41 72"


def test_a_pdf_in_an_archive_in_an_archive_is_found(look):
    data = pdf(plain)
    outer = archive(("notes.txt", b"Other words."), ("in.zip", archive(("b.pdf", data))))
    seen = look(outer, QUOTE, name="a.zip", inner="b.pdf")
    assert words_in(data, seen) == [QUOTE]


def test_words_nobody_sees_are_not_looked_for(look):
    def hiding(page):
        page.setFillColorRGB(1, 1, 1)
        page.drawString(72, 740, QUOTE)
        page.setFillColorRGB(0, 0, 0)
        plain(page)

    data = pdf(hiding)
    assert look(data, QUOTE).boxes[0].top == pytest.approx(look(pdf(plain), QUOTE).boxes[0].top)


def test_the_sandbox_gives_the_same_page(look):
    with Sandbox() as sandbox:
        seen = look(pdf(plain), QUOTE, look_up=sandbox.view)
    assert seen == look(pdf(plain), QUOTE)


def refused(request):
    with pytest.raises(DocumentError) as caught:
        view(request)
    assert caught.value.message.startswith("a.pdf")
    assert caught.value.hint
    return caught.value.reason


def test_what_is_not_there_any_more_is_refused_with_a_reason(tmp_path):
    path, data = tmp_path / "a.pdf", pdf(plain)
    path.write_bytes(data)
    sound = (str(path), "a.pdf", document_id(path), hashlib.sha256(data).hexdigest())
    assert view(PageRequest(*sound, page=2)).page == 2
    assert refused(PageRequest(*sound, page=3)) == "no-page"
    assert refused(PageRequest(*sound, 1, "Other words altogether.", 0, 23)) == "unplaced"
    path.write_bytes(data + b" ")
    assert refused(PageRequest(*sound, page=1)) == "changed"
    path.unlink()
    assert refused(PageRequest(*sound, page=1)) == "missing"


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_a_scan_is_recognised_again(look):
    drawn = pypdfium2.PdfDocument(pdf(plain))[0].render(scale=2).to_pil()
    scan = io.BytesIO()
    drawn.save(scan, "PDF", resolution=144)
    seen = look(scan.getvalue(), QUOTE)
    (box,) = seen.boxes
    (wanted,) = look(pdf(plain), QUOTE).boxes
    assert (box.left, box.top) == (
        pytest.approx(wanted.left, abs=2),
        pytest.approx(wanted.top, abs=2),
    )
    assert box.right == pytest.approx(wanted.right, abs=2)


def test_a_quote_in_a_column_is_marked_in_its_column_only(look):
    left = "apples grew well that year and nobody knew why it had been so good for them".split()  # noqa: SIM905
    right = "prices fell sharply in spring because carts came in from all villages nearby".split()  # noqa: SIM905

    def draw(page):
        for row in range(6):  # the columns are written row by row
            page.drawString(72, 700 - 14 * row, " ".join([*left[row:], *left])[:40])
            page.drawString(340, 700 - 14 * row, " ".join([*right[row:], *right])[:40])

    seen = look(pdf(draw), " ".join(right)[:40], occurrence=0)
    assert [box.left for box in seen.boxes] == [pytest.approx(340, abs=2)]
