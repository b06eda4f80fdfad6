"""Pages of columns, drawn in the orders in which programs write them; the text must not mind."""

from __future__ import annotations

import io
from itertools import zip_longest

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen import canvas

from rag.ingest.readers.original import Original
from rag.ingest.readers.pdf import PdfReader

SIZE, PITCH = 9, 12
LEFT = """The first column tells of the harvest. It was a good year for apples, though the pears
suffered from the late frost and from the birds that came down from the hills. Nobody had seen
so many of them since the old mill was closed, and the farmers spoke of little else all summer."""
MIDDLE = """The middle column tells of the market. Prices rose in spring and fell again when the
carts came in from the villages along the river. A few traders left before noon, because there
was nothing to be had at a price that they could have explained to those who sent them there."""
RIGHT = """The last column tells of the winter. Snow lay on the roads until the end of March, and
the school was closed for two weeks. Those who had wood shared it with those who had none, which
is how the teacher and her pupils came to read the whole library of the miller that year."""
TEXTS = tuple(" ".join(text.split()) for text in (LEFT, MIDDLE, RIGHT))
PLACES = {2: (54, 318), 3: (54, 225, 396)}


def wrapped(text, width):
    lines, line = [], ""
    for word in text.split():
        if line and stringWidth(f"{line} {word}", "Helvetica", SIZE) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def columns(number):
    width = {2: 235, 3: 155}[number]
    texts = TEXTS[:: 2 if number == 2 else 1]
    return [wrapped(text, width) for text in texts], texts


def row_by_row(page, top, cells, places):
    """Write what stands at one height together, as some programs do."""
    height = top
    for height, row in zip(range(top, 0, -PITCH), zip_longest(*cells, fillvalue=""), strict=False):
        for place, line in zip(places, row, strict=True):
            page.drawString(place, height, line)
    return height - PITCH


def one_by_one(page, top, cells, places):
    """Write one column after the other, as most programs do."""
    for place, lines in zip(places, cells, strict=True):
        for number, line in enumerate(lines):
            page.drawString(place, top - PITCH * number, line)
    return top - PITCH * max(map(len, cells))


@pytest.fixture
def read(tmp_path):
    def read(*draws):
        buffer = io.BytesIO()
        page = canvas.Canvas(buffer, pagesize=(612, 792))
        for draw in draws:
            page.setFont("Helvetica", SIZE)
            draw(page)
            page.showPage()
        page.save()
        (tmp_path / "a.pdf").write_bytes(buffer.getvalue())
        (document,) = PdfReader().read(Original.file(tmp_path / "a.pdf", "a.pdf"))
        return " ".join(document.text.split())

    return read


def in_order(text, *pieces):
    places = [text.find(" ".join(piece.split())) for piece in pieces]
    return -1 not in places and places == sorted(places)


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("write", [row_by_row, one_by_one])
def test_columns_are_read_one_after_the_other(read, number, write):
    cells, texts = columns(number)
    assert in_order(read(lambda page: write(page, 700, cells, PLACES[number])), *texts)


@pytest.mark.parametrize("write", [row_by_row, one_by_one])
def test_a_heading_over_both_columns_parts_what_is_above_from_what_is_below(read, write):
    cells, (left, right) = columns(2)
    other = [[line.replace("column", "part") for line in lines] for lines in cells]
    heading = "A heading that runs over the whole width of the page, and over the gutter as well"

    def draw(page):
        below = write(page, 700, cells, PLACES[2])
        page.drawString(54, below - 12, heading)
        write(page, below - 36, other, PLACES[2])

    below = (left.replace("column", "part"), right.replace("column", "part"))
    assert in_order(read(draw), left, right, heading, *below)


@pytest.mark.parametrize("write", [row_by_row, one_by_one])
def test_a_note_at_the_foot_comes_last(read, write):
    cells, texts = columns(2)
    note = (
        "1 The figures are those of the village, which kept its own books until the war was over."
    )

    def draw(page):
        below = write(page, 700, cells, PLACES[2])
        page.setFont("Helvetica", 7)
        page.drawString(54, below - 30, note)

    assert in_order(read(draw), *texts, note)


def test_the_rest_of_a_longer_column_belongs_to_it(read):
    cells, (left, right) = columns(2)
    longer = left + " It ended with a feast, for which the miller gave the flour and the wine."
    cells[0] = wrapped(longer, 235)
    assert len(cells[0]) > len(cells[1])
    assert in_order(read(lambda page: row_by_row(page, 700, cells, PLACES[2])), longer, right)


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_table_inside_a_column_stays_in_it(read, repeats):
    cells, (left, right) = columns(2)
    rows = ["Apples 1,200 1,100", "Pears 300 420", "Plums 75 80"]
    table = [*cells[0], "", *rows]
    beside = cells[1] * repeats  # ends above the table, or goes on beside it
    text = read(lambda page: row_by_row(page, 700, [table, beside], PLACES[2]))
    assert in_order(text, left, *rows, right)


def test_rows_of_a_table_are_not_taken_for_columns(read):
    labels = ["Sales of apples", "Sales of pears", "Wages of pickers", "Rent of the mill"]
    notes = ["grew again", "fell a little", "as in the year before", "new since March"]

    def draw(page):
        page.drawString(54, 700, "What follows is a table, and each of its rows says one thing.")
        row_by_row(page, 680, [labels, notes], (54, 318))

    text = read(draw)
    assert all(f"{label} | {note}" in text for label, note in zip(labels, notes, strict=True))


def test_a_table_of_words_is_read_cell_by_cell_and_row_by_row(read):
    cells = [wrapped(text, 235) for text in (TEXTS[0], TEXTS[2])]
    others = [
        wrapped("Some risks are small, as that of a dry spring, and are borne by everybody who "
                "has a garden and can carry water from the river.", 235),
        wrapped("Others are large, as that of a fire at the mill, and are insured in the town at "
                "a price which the council looks at again every autumn.", 235),
    ]  # fmt: skip
    more = [
        wrapped("A third kind is not known before it comes, and nobody has ever written down "
                "what was done about it when it came.", 235),
        wrapped("There is a fund for it, which was opened by the grandmother of the miller and "
                "has been touched only twice since then.", 235),
    ]  # fmt: skip

    def draw(page):
        top = 700
        for row in (cells, others, more):
            height = max(map(len, row))
            padded = [lines + [""] * (height - len(lines)) for lines in row]
            top = row_by_row(page, top, padded, PLACES[2]) - 8

    flat = [" ".join(lines) for row in (cells, others, more) for lines in row]
    assert in_order(read(draw), *flat)
