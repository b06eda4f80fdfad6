"""Pictures as pages: drawn, and the words of a quote found on them."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from rag.errors import DocumentError
from rag.ingest.readers import document_id, read_file
from rag.ingest.readers.views import PageRequest, view
from tests.ingest.readers.test_archive import archive
from tests.ingest.readers.test_picture import needs_tesseract, picture

LINES = ("The harvest of apples", "was good in 2024, and that", "of pears was poor.")


@pytest.fixture
def look(tmp_path):
    """Look up a quote, and the picture; without a quote, the picture alone."""

    def look(data, quote="", name="scan.png", inner=None, page=1):
        path = tmp_path / name
        path.write_bytes(data)
        text, start, doc_id = "", 0, ""
        if quote:
            documents = list(read_file(path, name))
            document = next(d for d in documents if d.source.endswith(inner or name))
            starts = [*(document.page_starts or (0,)), len(document.text)]
            text = document.text[starts[page - 1] : starts[page]]
            start, doc_id = text.index(quote), document.doc_id
        else:
            doc_id = document_id(path)
        sha = hashlib.sha256(data).hexdigest()
        return view(
            PageRequest(str(path), name, doc_id, sha, page, text, start, start + len(quote))
        )

    return look


def dark(seen, box):
    """Return where there is ink in a box of the picture that was drawn, as a share of it."""
    drawn = Image.open(io.BytesIO(seen.picture)).convert("L")
    scale = drawn.width / seen.width
    edges = [round(edge * scale) for edge in (box.left, box.top, box.right, box.bottom)]
    part = drawn.crop(tuple(edges))
    return sum(part.histogram()[:128]) / (part.width * part.height)


@needs_tesseract
def test_the_words_of_a_quote_are_found_where_they_stand(look):
    seen = look(picture(*LINES), "good in 2024")
    (box,) = seen.boxes
    # The picture is 1,100 pixels wide and shown 612 points wide; its second line begins at 90.
    scale = 612 / 1100
    assert (seen.width, seen.height) == pytest.approx((612, 240 * scale))
    assert 90 * scale - 3 < box.top < box.bottom < 140 * scale
    assert box.left > (40 + 3 * 20) * scale, "“was” is not marked"
    assert box.right < (40 + 20 * 20) * scale, "nor is “and that”"
    assert dark(seen, box) > 0.1


@needs_tesseract
def test_a_quote_over_two_lines_has_a_box_on_each(look):
    first, second = look(picture(*LINES), "apples was good").boxes
    assert first.bottom < second.top
    assert second.left < first.left


@needs_tesseract
def test_a_picture_of_several_has_its_own_words(look):
    data = io.BytesIO()
    pages = [Image.open(io.BytesIO(picture(f"This is page {n}.", LINES[n]))) for n in (0, 1, 2)]
    pages[0].save(data, "TIFF", save_all=True, append_images=pages[1:], dpi=(200, 200))
    seen = look(data.getvalue(), "of pears was poor", name="scan.tiff", page=3)
    assert (seen.page, len(seen.boxes)) == (3, 1)


@needs_tesseract
def test_a_picture_in_an_archive_is_found(look):
    data = archive(("a.txt", "Some text."), ("deep/scan.png", picture(*LINES)))
    assert len(look(data, "harvest", name="all.zip", inner="scan.png").boxes) == 1


@pytest.mark.parametrize(
    ("mode", "kind", "name"),
    [
        ("1", "PNG", "a.png"),
        ("P", "GIF", "a.gif"),
        ("RGB", "JPEG", "a.jpg"),
        ("CMYK", "JPEG", "b.jpg"),
        ("RGBA", "PNG", "b.png"),
        ("LA", "PNG", "c.png"),
        ("I;16", "TIFF", "a.tif"),
        ("RGB", "WEBP", "a.webp"),
        ("RGB", "BMP", "a.bmp"),
    ],
)
def test_every_kind_of_picture_is_drawn(look, mode, kind, name):
    data = io.BytesIO()
    if mode == "I;16":
        Image.new(mode, (3000, 400), 0xFFFF).save(data, kind)
    else:
        Image.new("L", (3000, 400), 255).convert(mode).save(data, kind)
    drawn = Image.open(io.BytesIO(look(data.getvalue(), name=name).picture))
    assert (drawn.format, drawn.size) == ("PNG", (1240, 165))
    assert drawn.convert("L").getpixel((600, 80)) >= 250, "paper stays white"


def test_what_can_be_seen_through_lies_on_white(look):
    data = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(data, "PNG")
    seen = look(data.getvalue())
    assert (seen.width, seen.height) == (50, 50), "a small one is not blown up"
    assert Image.open(io.BytesIO(seen.picture)).convert("RGB").getpixel((25, 25)) == (255,) * 3


@pytest.mark.parametrize("page", [0, 2])
def test_a_picture_that_there_is_not_is_refused(look, page):
    with pytest.raises(DocumentError) as caught:
        look(picture("One"), page=page)
    assert caught.value.reason == "no-page"


def test_a_picture_that_would_fill_the_memory_is_not_drawn(look):
    data = io.BytesIO()
    Image.new("1", (20_000, 6_000)).save(data, "PNG")
    with pytest.raises(DocumentError) as caught:
        look(data.getvalue())
    assert caught.value.reason == "no-page"


@pytest.mark.parametrize("data", [b"no picture", picture("cut")[:300]])
def test_what_is_no_whole_picture_is_refused(look, data):
    with pytest.raises(DocumentError) as caught:
        look(data)
    assert caught.value.reason == "no-page"


def test_formats_whose_reader_runs_programs_are_refused(look):
    with pytest.raises(DocumentError) as caught:
        look(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    assert caught.value.reason == "no-page"
