"""One sound file of every format, to be damaged."""

from __future__ import annotations

import functools
import io
import json

import docx
import openpyxl
import pptx
from PIL import Image, ImageDraw, ImageFont
from pptx.util import Inches
from reportlab.pdfgen import canvas

from tests.ingest.readers.test_archive import archive
from tests.ingest.readers.test_epub import epub

TEXT = (
    "The harbour is nine metres deep at low tide. Pilots say that ferries may enter it on every "
    "day of the year, storms excepted. Käthe Müller of the council disagrees: “It is eight.”"
)
WORDS = TEXT.split(". ")


@functools.cache
def seeds() -> dict[str, bytes]:
    """Map suffixes to the bytes of a sound file of that format."""
    picture = _picture()
    files = {
        ".txt": (TEXT + "\n\n") * 20,
        ".md": f"---\nauthor: Ann\n---\n# Depth\n\n{TEXT}\n\n- one\n- two\n\n|a|b|\n|-|-|\n|1|2|\n",
        ".html": f"<html><head><title>Depth</title></head><body><nav>Home</nav><h1>Depth</h1>"
        f"<p>{TEXT}</p><table><tr><td>a</td><td>b</td></tr></table></body></html>",
        ".jsonl": "".join(
            json.dumps({"_id": str(n), "title": f"T{n}", "text": TEXT}) + "\n" for n in range(20)
        ),
        ".csv": "Name,Depth,Remark\n" + "".join(f"Harbour {n},{n},{WORDS[0]}\n" for n in range(50)),
        ".tsv": "Name\tDepth\n" + "".join(f"Harbour {n}\t{n}\n" for n in range(50)),
        ".eml": "From: Ann <ann@example.org>\nTo: bob@example.org\nSubject: Depth\n"
        "Date: Tue, 02 Apr 2024 10:00:00 +0200\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="B"\n\n--B\nContent-Type: text/plain\n\n'
        f"{TEXT}\n--B\nContent-Type: text/csv\n"
        'Content-Disposition: attachment; filename="a.csv"\n\na,b\n1,2\n--B--\n',
    }
    return {suffix: text.encode() for suffix, text in files.items()} | {
        ".docx": _docx(),
        ".pptx": _pptx(),
        ".xlsx": _xlsx(),
        ".pdf": _pdf(picture),
        ".epub": epub(),
        ".zip": archive(
            ("a.docx", _docx()), ("b.txt", TEXT), ("in/c.zip", archive(("d.md", TEXT)))
        ),
        ".png": picture,
        ".jpg": _picture("JPEG"),
        ".tif": _picture("TIFF", compression="tiff_lzw"),
    }


def saved(thing: object) -> bytes:
    """Save what has a `save` method that takes a file."""
    buffer = io.BytesIO()
    thing.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def _docx() -> bytes:
    document = docx.Document()
    document.add_heading("Depth", 1)
    for _ in range(5):
        document.add_paragraph(TEXT)
    table = document.add_table(3, 3)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = str(number)
    return saved(document)


def _pptx() -> bytes:
    deck = pptx.Presentation()
    for words in WORDS:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = words
        slide.placeholders[1].text = TEXT
        slide.notes_slide.notes_text_frame.text = TEXT
    slide.shapes.add_table(2, 2, Inches(1), Inches(4), Inches(4), Inches(1)).table.cell(
        0, 0
    ).text = "x"
    return saved(deck)


def _xlsx() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Name", "Depth", "Remark"])
    for number in range(40):
        book.active.append([f"Harbour {number}", number / 3, TEXT])
    book.create_sheet("Second").append(["Only", "one"])
    return saved(book)


def _pdf(picture: bytes) -> bytes:
    buffer = io.BytesIO()
    pdf = canvas.Canvas(buffer, invariant=1)
    pdf.setTitle("Depth")
    for page in range(3):
        pdf.setFont("Helvetica-Bold", 14)
        pdf.drawString(72, 760, f"Chapter {page}")
        pdf.setFont("Helvetica", 10)
        for line, words in enumerate(TEXT.split(", ")):
            pdf.drawString(
                72, 730 - 14 * line, words.encode("latin-1", "replace").decode("latin-1")
            )
        pdf.drawString(300, 600, "2020 2019")
        pdf.drawString(72, 586, "Net sales 5 4")
        pdf.showPage()
    with Image.open(io.BytesIO(picture)) as image:
        pdf.drawInlineImage(image, 72, 500, 200, 30)
    pdf.save()
    return buffer.getvalue()


def _picture(kind: str = "PNG", **options: object) -> bytes:
    image = Image.new("L", (500, 70), 255)
    ImageDraw.Draw(image).text((10, 15), WORDS[0][:30], fill=0, font=ImageFont.load_default(28))
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
