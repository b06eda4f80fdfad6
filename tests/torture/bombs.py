"""Files that are small and want to become large: in memory, in time, in depth, in number."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.ingest.readers.test_epub import OPF, epub
from tests.torture.seeds import TEXT, seeds

Bomb = Callable[[Path], None]
BOMBS: dict[str, Bomb] = {}

LAUGHS = "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 11)
) + "]>"  # fmt: skip
QUADRATIC = f"<!DOCTYPE x [<!ENTITY a '{'a' * 100_000}'>]>"
EXTERNAL = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"


def bomb(name: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Register a function that makes a bomb's bytes under its file name."""

    def register(make: Callable[[], bytes]) -> Callable[[], bytes]:
        BOMBS[name] = lambda path: path.write_bytes(make()) and None
        return make

    return register


def packed(*parts: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return buffer.getvalue()


def changed(suffix: str, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Change one part of a sound file."""
    source = zipfile.ZipFile(io.BytesIO(seeds()[suffix]))
    parts = [(info.filename, source.read(info)) for info in source.infolist()]
    assert part in dict(parts)
    return packed(*((name, change(data) if name == part else data) for name, data in parts))


def with_doctype(doctype: str, use: bytes) -> Callable[[bytes], bytes]:
    """Declare entities in an XML part and use one in its text."""

    def change(data: bytes) -> bytes:
        rest = data.partition(b"?>")[2] or data
        body = rest.replace(b"harbour", use).replace(b"Harbour", use).replace(b"Depth", use)
        return b'<?xml version="1.0" encoding="UTF-8"?>' + doctype.encode() + body

    return change


def pdf(objects: list[bytes], root: int = 1) -> bytes:
    """Write a PDF file of numbered objects, with a sound table of where they are."""
    out = io.BytesIO(b"%PDF-1.7\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for place in places:
        out.write(b"%010d 00000 n \n" % place)
    size = len(objects) + 1
    out.write(b"trailer <</Size %d /Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, start))
    return out.getvalue()


def stream(data: bytes, extra: bytes = b"") -> bytes:
    squeezed = zlib.compress(data, 9)
    head = b"<</Filter /FlateDecode /Length %d %s>>" % (len(squeezed), extra)
    return head + b"\nstream\n" + squeezed + b"\nendstream"


CATALOG = b"<</Type /Catalog /Pages 2 0 R>>"
FONT = b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"


def one_page(content: bytes, box: bytes = b"0 0 600 800", *more: bytes) -> bytes:
    page = (
        b"<</Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R "
        b"/Resources <</Font <</F 5 0 R>> /XObject <</X 6 0 R>>>>>>" % box
    )
    pages = b"<</Type /Pages /Kids [3 0 R] /Count 1>>"
    return pdf([CATALOG, pages, page, content, FONT, *more])


# -- zip archives -----------------------------------------------------------------------------


@functools.cache
def zeros(size: int) -> bytes:
    """Give a zip of one part of zeros; a thousand times smaller than it says."""
    return packed(("a.txt", bytes(size)))


for _suffix in (".zip", ".docx", ".xlsx", ".pptx", ".epub"):
    BOMBS[f"zip-ratio{_suffix}"] = lambda path: path.write_bytes(zeros(300_000_000)) and None


@bomb("zip-ratio-lzma.zip")
def _lzma() -> bytes:
    return packed(("a.txt", bytes(300_000_000)), method=zipfile.ZIP_LZMA)


@bomb("zip-many-entries.zip")
def _many() -> bytes:
    return packed(*((f"{n}.txt", b"x") for n in range(100_000)), method=zipfile.ZIP_STORED)


@bomb("zip-nested-10.zip")
def _nested() -> bytes:
    data = b"Deep."
    for depth in range(10):
        data = packed((f"{depth}.zip" if depth else "a.txt", data))
    return data


@bomb("zip-42.zip")
def _forty_two() -> bytes:
    data = packed(("a.txt", bytes(900_000)))
    for _ in range(3):
        data = packed(*((f"{n}.zip", data) for n in range(16)))
    return data


@bomb("zip-of-many-zips.zip")
def _zips() -> bytes:
    inner = packed(*((f"{n}.txt", TEXT.encode()) for n in range(100)))
    return packed(*((f"{n}.zip", inner) for n in range(400)))


@bomb("zip-overlapping.zip")
def _overlapping() -> bytes:
    """Every entry of the directory points to the one part that there is."""
    data = packed(("a.txt", bytes(900_000)))
    start = data.index(b"PK\x01\x02")
    entry = data[start : data.index(b"PK\x05\x06")]
    count = 5000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, start, 0)
    return data[:start] + entry * count + end


@bomb("zip-lying-size.docx")
def _lying() -> bytes:
    data = bytearray(packed(("word/document.xml", bytes(200_000_000))))
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<L", 1000)
    return bytes(data)


@bomb("mail-zip-bomb.eml")
def _mail_bomb() -> bytes:
    import base64

    head = (
        "From: a@example.org\nSubject: x\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="B"\n\n'
        "--B\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n"
        'Content-Disposition: attachment; filename="a.zip"\n\n'
    )
    return head.encode() + base64.encodebytes(zeros(300_000_000)) + b"\n--B--\n"


# -- XML --------------------------------------------------------------------------------------

_PARTS = {
    ".docx": "word/document.xml",
    ".pptx": "ppt/slides/slide1.xml",
    ".xlsx": "xl/worksheets/sheet1.xml",
}
for _suffix, _part in _PARTS.items():
    for _name, _doctype, _use in (
        ("laughs", LAUGHS, b"&a10;"),
        ("quadratic", QUADRATIC, b"&a;" * 20_000),
        ("external", EXTERNAL, b"&a;"),
    ):
        BOMBS[f"xml-{_name}{_suffix}"] = functools.partial(
            lambda path, suffix, part, doctype, use: (
                path.write_bytes(changed(suffix, part, with_doctype(doctype, use))) and None
            ),
            suffix=_suffix,
            part=_part,
            doctype=_doctype,
            use=_use,
        )


@bomb("xml-laughs.epub")
def _epub_laughs() -> bytes:
    return epub(**{"OPS/book.opf": LAUGHS + OPF.replace("The Orchard", "&a10;")})


@bomb("xml-deep.docx")
def _deep_docx() -> bytes:
    nested = b"<w:sdt><w:sdtContent>" * 100_000 + b"</w:sdtContent></w:sdt>" * 100_000
    return changed(
        ".docx", "word/document.xml", lambda data: data.replace(b"<w:body>", b"<w:body>" + nested)
    )


@bomb("xlsx-far-cells.xlsx")
def _far_cells() -> bytes:
    rows = b"".join(
        b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (n, n) for n in range(1, 50_000)
    )
    return changed(
        ".xlsx",
        "xl/worksheets/sheet1.xml",
        lambda data: data.partition(b"<sheetData>")[0] + b"<sheetData>" + rows
        + b"</sheetData></worksheet>",
    )  # fmt: skip


# -- HTML, Markdown, JSON, CSV, text, mail ------------------------------------------------------


@bomb("html-deep.html")
def _deep_html() -> bytes:
    return b"<div>" * 100_000 + TEXT.encode()


@bomb("html-deep-tables.html")
def _deep_tables() -> bytes:
    return b"<table><tr><td>" * 100_000 + TEXT.encode()


@bomb("html-angle-brackets.html")
def _brackets() -> bytes:
    return b"<" * 20_000_000


@bomb("html-attributes.html")
def _attributes() -> bytes:
    return b"<p " + b" ".join(b"a%d=1" % n for n in range(1_000_000)) + b">Words.</p>"


@bomb("markdown-brackets.md")
def _md_brackets() -> bytes:
    return b"[" * 200_000 + b"a" + b"](" * 200_000


@bomb("markdown-quotes.md")
def _md_quotes() -> bytes:
    return b">" * 100_000 + b" a\n" + b"- " * 50_000 + b"b\n" + b"*a_" * 100_000


@bomb("yaml-aliases.md")
def _yaml() -> bytes:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return ("---\n" + "\n".join(lines) + f"\n---\n{TEXT}").encode()


@bomb("json-deep.jsonl")
def _json() -> bytes:
    return b"[" * 1_000_000 + b"\n" + b'{"a":' * 500_000


@bomb("csv-wide.csv")
def _wide() -> bytes:
    return b"a,b\n" + b"," * 30_000_000 + b"\n"


@bomb("text-one-line.txt")
def _one_line() -> bytes:
    return b"a" * 30_000_000


@bomb("text-no-stops.txt")
def _no_stops() -> bytes:
    return b"word (" * 3_000_000


@bomb("text-huge.txt")
def _huge() -> bytes:
    return b"A sentence of words. " * 9_000_000


@bomb("mail-deep.eml")
def _deep_mail() -> bytes:
    parts = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(20_000)
    )
    return b"Subject: deep\n" + parts


@bomb("mail-header.eml")
def _mail_header() -> bytes:
    return b"Subject: " + b"=?utf-8?q?=41?= " * 300_000 + b"\nFrom: " + b"(" * 100_000 + b"\n\nx"


# -- PDF ----------------------------------------------------------------------------------------


@bomb("pdf-page-tree-cycle.pdf")
def _cycle() -> bytes:
    return pdf([CATALOG, b"<</Type /Pages /Kids [2 0 R 2 0 R] /Count 2>>"])


@bomb("pdf-page-count.pdf")
def _count() -> bytes:
    return pdf([CATALOG, b"<</Type /Pages /Kids [3 0 R] /Count 2147483647>>", b"<</Type /Page>>"])


@bomb("pdf-page-tree-deep.pdf")
def _deep_tree() -> bytes:
    kids = [
        b"<</Type /Pages /Kids [%d 0 R] /Count 1 /Parent %d 0 R>>" % (n + 1, n - 1)
        for n in range(2, 100_000)
    ]
    return pdf([CATALOG, *kids, b"<</Type /Page>>"])


@bomb("pdf-many-pages.pdf")
def _many_pages() -> bytes:
    kids = b" ".join(b"3 0 R" for _ in range(100_000))
    page = b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 9 9]>>"
    return pdf([CATALOG, b"<</Type /Pages /Count 100000 /Kids [%s]>>" % kids, page])


@bomb("pdf-stream.pdf")
def _stream() -> bytes:
    return one_page(stream(b" " * 1_000_000_000))


@bomb("pdf-operators.pdf")
def _operators() -> bytes:
    return one_page(stream(b"q " * 20_000_000))


@bomb("pdf-text.pdf")
def _text() -> bytes:
    return one_page(stream(b"BT /F 9 Tf 9 9 Td " + b"(word) Tj " * 3_000_000 + b"ET"))


@bomb("pdf-forms.pdf")
def _forms() -> bytes:
    """Each form draws the next one ten times."""
    forms = [
        stream(
            b"/X Do " * 10,
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources "
            b"<</XObject <</X %d 0 R>>>>" % (number + 1),
        )
        for number in range(6, 20)
    ]
    last = stream(b"0 0 9 9 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    return one_page(stream(b"/X Do"), b"0 0 600 800", *forms, last)


@bomb("pdf-nested-arrays.pdf")
def _arrays() -> bytes:
    return pdf([CATALOG, b"[" * 1_000_000])


@bomb("pdf-huge-page.pdf")
def _huge_page() -> bytes:
    white = stream(b"1 1 1 rg BT /F 9 Tf 9 9 Td (white) Tj ET")
    return one_page(white, b"0 0 2000000000 2000000000")


@bomb("pdf-huge-picture.pdf")
def _huge_picture() -> bytes:
    picture = stream(
        bytes(200_000_000),
        b"/Type /XObject /Subtype /Image /Width 40000 /Height 40000 /BitsPerComponent 1 "
        b"/ColorSpace /DeviceGray",
    )
    return one_page(stream(b"q 600 0 0 800 0 0 cm /X Do Q"), b"0 0 600 800", picture)


# -- pictures -----------------------------------------------------------------------------------


def png(width: int, height: int, rows: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes((width // 8 + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@bomb("picture-huge.png")
def _huge_png() -> bytes:
    return png(60_000, 60_000, 20_000)


@bomb("picture-claims.png")
def _claims() -> bytes:
    return png(2_000_000_000, 2_000_000_000, 0)


@bomb("picture-largest.png")
def _largest() -> bytes:
    return png(9_999, 9_999, 9_999)  # just allowed


@bomb("picture-frames.tif")
def _frames() -> bytes:
    """A TIFF whose list of pictures is a circle."""
    entries = ((256, 4, 8), (257, 4, 8), (258, 3, 1), (259, 3, 1), (262, 3, 1), (273, 4, 8),
               (277, 3, 1), (278, 4, 8), (279, 4, 8))  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries
    )
    return b"II*\0" + struct.pack("<I", 16) + bytes(8) + directory + struct.pack("<I", 16)
