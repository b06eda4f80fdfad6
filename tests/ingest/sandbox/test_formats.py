"""Every format can be read inside the sandbox: its limits and guards leave room for its library."""

from __future__ import annotations

import io
import shutil

import docx
import openpyxl
import pptx
import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen import canvas

from rag.ingest.sandbox import Limits, Sandbox
from tests.ingest.readers.test_archive import archive
from tests.ingest.readers.test_epub import epub

WORDS = "The apples grew well that year."


def _saved(thing):
    buffer = io.BytesIO()
    thing.save(buffer)
    return buffer.getvalue()


def _docx():
    document = docx.Document()
    document.add_paragraph(WORDS)
    return _saved(document)


def _pptx():
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = WORDS
    return _saved(deck)


def _xlsx():
    book = openpyxl.Workbook()
    book.active.append([WORDS, 1])
    return _saved(book)


def _pdf():
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    page.drawString(72, 700, WORDS)
    page.save()
    return buffer.getvalue()


def _png():
    image = Image.new("L", (900, 120), 255)
    ImageDraw.Draw(image).text((30, 30), WORDS, fill=0, font=ImageFont.load_default(40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


FILES = {
    "a.docx": _docx,
    "a.pptx": _pptx,
    "a.xlsx": _xlsx,
    "a.pdf": _pdf,
    "a.epub": epub,
    "a.csv": lambda: f"Said;Number\n{WORDS};1\n".encode(),
    "a.html": lambda: f"<html><body><article><p>{WORDS}</p></article></body></html>".encode(),
    "a.md": lambda: f"# Title\n\n{WORDS}".encode(),
    "a.eml": lambda: f"From: ann@example.org\nSubject: Harvest\n\n{WORDS}\n".encode(),
    "a.zip": lambda: archive(("inner.docx", _docx())),
}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(tesseract=shutil.which("tesseract"))) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", FILES)
def test_a_format_is_read_in_the_sandbox(sandbox, tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name]())
    (document,) = sandbox.read(tmp_path / name, name)
    assert WORDS in document.text


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_tesseract_is_the_one_program_that_is_started(sandbox, tmp_path):
    (tmp_path / "a.png").write_bytes(_png())
    (document,) = sandbox.read(tmp_path / "a.png", "a.png")
    assert document.text == WORDS
