"""Pages of a real PDF, from a real store, through the whole application."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import serving
from PIL import Image
from reportlab.pdfgen import canvas
from starlette.testclient import TestClient
from web_fakes import MemoryCatalog, ScriptedAssistant, passage_of

from rag.ingest.readers import read_file
from rag.ingest.sandbox import Limits, Sandbox
from rag.settings import Settings
from rag.store.records import FileRecord
from rag.types import Answer, Citation, Document, Hit, Sentence
from rag.web.pages.page_pictures import PagePictures
from rag.web.problems import Problem
from rag.web.server import create_app
from tests.ingest.readers.test_picture import picture

QUOTE = "Profits rose by a third."


def pdf() -> bytes:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=(600, 800))
    page.drawString(72, 700, "The first page says little about the year.")
    page.showPage()
    page.drawString(72, 700, "The year was good. " + QUOTE)
    page.drawString(72, 600, "Costs fell, which nobody had expected.")
    page.save()
    return buffer.getvalue()


@dataclass(frozen=True)
class Filed(MemoryCatalog):
    """A catalogue that also knows the file of its documents."""

    record: FileRecord | None = None

    def path_of(self, doc_id: str) -> str | None:
        return None if self.record is None else self.record.path

    def file(self, path: str) -> FileRecord | None:
        return self.record


@pytest.fixture
def filed(tmp_path):
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf())
    (document,) = read_file(path, "report.pdf")
    assert isinstance(document, Document)
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    return Filed(
        (document,), FileRecord(str(path), "report.pdf", sha, path.stat().st_size, 1, 1, 1)
    )


@pytest.fixture
def client(filed, tmp_path):
    pictures = PagePictures(filed, Limits(), patience_seconds=60)
    app = create_app(ScriptedAssistant(), filed, Settings(data_dir=tmp_path), pictures=pictures)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client
    pictures.close()


def opened(client, document, view):
    start = document.text.index(QUOTE)
    query = {"start": start, "end": start + len(QUOTE), "view": view}
    answer = client.get(f"/documents/{document.doc_id}", params=query)
    assert answer.status_code == 200
    return answer


def numbers(page, pattern):
    return [float(number) for number in re.search(pattern, page).groups()]


def test_the_panel_shows_the_part_of_the_page_with_the_quote_marked(client, filed):
    (document,) = filed.held
    page = opened(client, document, "panel").text
    assert page.count('<figure class="page-picture">') == page.count("<rect") == 1
    left, top, width, height = numbers(page, r'viewBox="(\S+) (\S+) (\S+) (\S+)"')
    x, y, across, down = numbers(page, r'x="(\S+)" y="(\S+)" rx="1.5" width="(\S+)" height="(\S+)"')
    assert 0 <= left < x < x + across < left + width <= 600
    assert top < y < y + down < top + height < 220  # the page is 800 high, the quote near its top
    assert f'href="../pages/{document.doc_id}?page=2"' in page
    assert "Page 2 of" in page
    assert page.index("<mark") < page.index("<figure")


def test_the_whole_document_shows_the_whole_page_where_it_begins(client, filed):
    (document,) = filed.held
    page = opened(client, document, "whole").text
    assert 'viewBox="0.0 0.0 600.0 800.0"' in page
    assert page.index('id="page-2"') < page.index('id="page-picture"') < page.index("The year was")


def test_the_policy_of_the_page_lets_the_picture_in_and_nothing_else(client, filed):
    (document,) = filed.held
    answer = opened(client, document, "panel")
    assert "img-src 'self'" in answer.headers["content-security-policy"]
    assert " style=" not in answer.text


def test_the_picture_is_a_png_of_this_server(client, filed):
    (document,) = filed.held
    answer = client.get(f"/pages/{document.doc_id}?page=2")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"].startswith("private")
    assert Image.open(io.BytesIO(answer.content)).size == pytest.approx((1240, 1653), abs=1)


@pytest.mark.parametrize("page", ["0", "3", "-1", "x", "99999999"])
def test_a_page_that_there_is_not_is_absent(client, filed, page):
    assert client.get(f"/pages/{filed.held[0].doc_id}", params={"page": page}).status_code == 404


def test_a_document_that_may_not_be_read_has_no_pages(filed, tmp_path):
    pictures = PagePictures(filed, Limits(), patience_seconds=60)
    closed = Settings(
        data_dir=tmp_path,
        access="proxy",
        proxy_networks=("127.0.0.1/32",),
        collections={"default": ("board",)},
        audit="off",
    )
    app = create_app(ScriptedAssistant(), filed, closed, pictures=pictures)

    def get(doc_id, groups):
        headers = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": groups}
        answer = client.get(f"/pages/{doc_id}?page=2", headers=headers)
        return answer.status_code, len(answer.content)

    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        assert get(filed.held[0].doc_id, "staff") == get("no-such-document", "staff") == (404, 0)
        assert get(filed.held[0].doc_id, "board")[0] == 200
    pictures.close()


def test_a_changed_file_is_not_shown_and_the_page_says_why(client, filed):
    (document,) = filed.held
    Path(filed.record.path).write_bytes(pdf() + b" ")
    page = opened(client, document, "panel").text
    assert "The page is not shown: the file has changed since it was read." in page
    assert "<figure" not in page
    assert "<mark" in page  # the text is shown all the same
    assert client.get(f"/pages/{document.doc_id}?page=2").status_code == 404


def test_a_missing_file_is_not_shown_and_the_page_says_why(client, filed):
    Path(filed.record.path).unlink()
    page = opened(client, filed.held[0], "whole").text
    assert "The page is not shown: the file is not where it was read." in page


def test_what_lies_in_the_files_place_is_not_opened(client, filed, tmp_path):
    """A link to another file, a pipe that never ends, a folder, a file without end."""
    (document,) = filed.held
    path, kept = Path(filed.record.path), Path(filed.record.path).read_bytes()
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(pdf().replace(b"600 800", b"601 800"))
    assert secret.stat().st_size == len(kept)  # so that the size alone does not tell
    address = f"/pages/{document.doc_id}?page=2"

    def put(make) -> int:
        path.unlink()
        make()
        status = client.get(address).status_code
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.write_bytes(kept)
        return status

    def long() -> None:
        with path.open("wb") as file:
            file.truncate(2**40)

    odd = (lambda: path.symlink_to(secret), lambda: os.mkfifo(path), path.mkdir, long,
           lambda: path.symlink_to("/dev/zero"), lambda: path.symlink_to(path))  # fmt: skip
    assert [put(make) for make in odd] == [404] * len(odd)
    assert put(lambda: path.write_bytes(kept)) == 200


def test_who_wait_for_pages_leave_threads_to_others(filed, tmp_path):
    """Many who want one page that takes long: some wait, the others are told at once."""
    slow = Limits(wall_seconds=60)
    pictures = PagePictures(filed, slow, patience_seconds=60)
    begun = threading.Event()
    go_on = threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(60)

    pictures._thread.submit(hold)
    assert begun.wait(60)
    found: list[bytes | Problem | None] = []
    (document,) = filed.held

    def want() -> None:
        try:
            found.append(pictures.picture(document, 2))
        except Problem as problem:
            found.append(problem)

    waiting = [threading.Thread(target=want) for _ in range(40)]
    for each in waiting:
        each.start()
    deadline = time.monotonic() + 60
    while len(found) < 28:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert {(each.status, each.headers["Retry-After"]) for each in found} == {(503, "5")}
    go_on.set()
    for each in waiting:
        each.join()
    assert len([each for each in found if isinstance(each, bytes)]) == 12
    assert pictures.picture(document, 2)
    pictures.close()


def test_a_passage_comes_with_its_boxes_when_they_are_asked_for(client, filed):
    (document,) = filed.held
    address = f"/api/v1/passages/{document.doc_id}:0"
    assert "pages" not in client.get(address).json()
    body = client.get(address, params={"pages": "true"}).json()
    assert [page["page"] for page in body["pages"]] == [1, 2]
    assert body["pages_missing"] == ""
    assert [len(page["boxes"]) for page in body["pages"]] == [1, 2]
    left, top, right, bottom = body["pages"][1]["boxes"][0]
    assert left == pytest.approx(72, abs=1)
    assert bottom == pytest.approx(100, abs=4)  # the line stands 700 above the foot of 800
    assert top < bottom
    assert left < right
    start = document.text.index(QUOTE)
    query = {"pages": "true", "start": start, "end": start + len(QUOTE)}
    (page,) = client.get(address, params=query).json()["pages"]
    assert page["boxes"][0][0] > left
    assert page["picture"] == f"pages/{document.doc_id}?page=2"


def test_a_document_without_pages_is_shown_as_before(tmp_path):
    catalog = Filed()
    pictures = PagePictures(catalog, Limits())
    app = create_app(ScriptedAssistant(), catalog, Settings(data_dir=tmp_path), pictures=pictures)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        page = client.get("/documents/other?start=0&end=6&view=panel").text
    assert "<mark" in page
    assert "page-picture" not in page
    assert "page-missing" not in page


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_a_picture_is_shown_with_the_words_of_the_quote_marked(tmp_path):
    path = tmp_path / "scan.png"
    path.write_bytes(picture("The year was good.", QUOTE, "Costs fell."))
    limits = Limits(tesseract=shutil.which("tesseract"))
    with Sandbox(limits) as sandbox:
        (document,) = sandbox.read(path, "scan.png")
    assert document.page_starts == ()
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    filed = Filed((document,), FileRecord(str(path), "scan.png", sha, path.stat().st_size, 1, 1, 1))
    pictures = PagePictures(filed, limits, patience_seconds=60)
    app = create_app(ScriptedAssistant(), filed, Settings(data_dir=tmp_path), pictures=pictures)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        panel = opened(client, document, "panel").text
        whole = opened(client, document, "whole").text
        drawn = client.get(f"/pages/{document.doc_id}?page=1")
        absent = client.get(f"/pages/{document.doc_id}?page=2")
    pictures.close()
    assert panel.count("<rect") == whole.count("<rect") == 1
    assert "The picture as it is in the file" in panel
    assert "Page 1" not in panel + whole
    assert whole.index('id="page-picture"') < whole.index("The year was good.")
    assert Image.open(io.BytesIO(drawn.content)).size == (1100, 240)
    assert (drawn.headers["content-type"], absent.status_code) == ("image/png", 404)


def cited(document, question):
    start = document.text.index(QUOTE)
    passage = passage_of(document, 0, len(document.text))
    passage = replace(passage, page=2)
    return Answer(
        question, question.text, (Sentence(QUOTE, (1,)),),
        (Citation(1, passage, start, start + len(QUOTE)),), (Hit(passage, 1.0, 1),), False, 0.9,
    )  # fmt: skip


@pytest.mark.browser
def test_the_widget_draws_the_page_with_the_quote_marked(filed, tmp_path, chromium):
    (document,) = filed.held
    assistant = ScriptedAssistant(answers={"How was it?": lambda q: cited(document, q)})
    pictures = PagePictures(filed, Limits(), patience_seconds=60)
    app = create_app(assistant, filed, Settings(data_dir=tmp_path), pictures=pictures)
    with serving(app) as url:
        page = chromium.new_page(viewport={"width": 380, "height": 640})
        failures = []
        page.on("console", lambda message: failures.append(message.text))
        page.goto(f"{url}/embed")
        page.fill("#box", "How was it?")
        page.press("#box", "Enter")
        page.click(".marker")
        canvas = page.locator("#panel canvas")
        canvas.wait_for()
        assert canvas.get_attribute("aria-label") == "page 2"
        colours = canvas.evaluate(
            "canvas => { const { data } = canvas.getContext('2d')"
            ".getImageData(0, 0, canvas.width, canvas.height); let n = 0; "
            "for (let i = 0; i < data.length; i += 4) "
            "n += data[i] === 255 && data[i + 1] === 230 && data[i + 2] === 128; return n; }"
        )
        assert colours > 1000  # the marked paper between the letters
        assert failures == []
        page.close()
    pictures.close()
