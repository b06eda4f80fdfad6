from __future__ import annotations

import io
import shutil

import pytest
from PIL import Image, ImageDraw, ImageFont

from rag.ingest.readers import ocr

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="Tesseract is not installed"
)


def picture(*lines, kind="PNG", **options):
    image = Image.new("L", (1100, 60 + 60 * len(lines)), 255)
    font = ImageFont.load_default(36)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((40, 30 + 60 * number), line, fill=0, font=font)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@needs_tesseract
def test_words_in_a_picture_are_read(read):
    (document,) = read("scan.png", picture("The harvest of apples", "was good in 2024."))
    assert document.text == "The harvest of apples was good in 2024."
    assert document.title == "scan"
    assert document.metadata["ocr"] == "tesseract"
    assert int(document.metadata["ocr_confidence"]) > 80


@needs_tesseract
def test_a_picture_without_words_has_no_text(refusal):
    assert refusal("blank.png", picture("")) == "no-text"


def test_without_tesseract_the_hint_says_how_to_install_it(refusal, monkeypatch):
    monkeypatch.setattr(ocr.setup, "find", lambda: None)
    assert refusal("scan.png", picture("Words")) == "no-ocr"


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header(refusal):
    data = bytearray(picture("x"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    assert refusal("bomb.png", bytes(data)) in ("too-large", "unreadable")
    buffer = io.BytesIO()
    Image.new("1", (20_000, 6_000)).save(buffer, "PNG")
    assert refusal("large.png", buffer.getvalue()) == "too-large"


def test_what_is_no_picture_is_refused(refusal):
    assert refusal("page.jpg", b"<html>not found</html>") == "unreadable"


def test_paragraphs_are_put_together_from_the_table_of_words():
    rows = [
        [*"lpbparlinw", "conf", "text"],
        [5, 1, 1, 1, 1, 1, 0, 0, 9, 9, "90.0", "The"],
        [5, 1, 1, 1, 2, 1, 0, 0, 9, 9, "70.0", "apple."],
        [5, 1, 1, 1, 2, 2, 0, 0, 9, 9, "12.0", "~|"],
        [5, 1, 2, 1, 1, 1, 0, 0, 9, 9, "80.0", "Next"],
        [1, 2, 0, 0, 0, 0, 0, 0, 9, 9, "-1", ""],
    ]
    first, second = ocr._pages("\n".join("\t".join(map(str, row)) for row in rows))
    assert first.paragraphs == ("The apple.", "Next")
    assert [(line.left, line.right, line.bottom) for line in first.lines] == [
        (0, 9, 9),
        (0, 9, 9),
        (0, 9, 9),
    ]
    assert second.paragraphs == ()
    assert ocr.mean_confidence([first, second]) == 80.0
