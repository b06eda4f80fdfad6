"""Documents, questions, answers and errors are text: vectors through every page, in Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import PATIENCE_MS, Visit, serving
from playwright.sync_api import Browser, Frame, expect
from vectors import EXFILTRATION, XSS
from web_fakes import MemoryCatalog, ScriptedAssistant, abstained, cite

from rag.errors import InputError, ModelError
from rag.settings import Settings
from rag.types import Answer, Citation, Document, Event, Hit, Question, Section, Sentence
from rag.web.links import document_url
from rag.web.server import create_app

pytestmark = pytest.mark.browser

PAYLOADS = XSS + EXFILTRATION
CITED = 40
REFUSALS = 4
"""Of 40 vectors each, as the message and the hint of an error."""

STRANGERS = ", ".join(
    (
        "img, video, audio, iframe:not(#panel-frame), object, embed, marquee, math, dialog",
        "base:not([href='./']), details, picture, template, plaintext, xmp, isindex",
        "[srcdoc], [ping], [onerror], [onload], [onclick], [onfocus]",
        "a[href^='javascript' i], a[href^='//']",
        "a[href^='http://evil' i], a[href^='https://evil' i], [action], [formaction]",
    )
)
"""What no page of ours holds, and a vector that was taken for markup would bring in."""


def document_of(number: int, vector: str) -> Document:
    """Make a document that holds a vector wherever a document can hold text."""
    text = f"{vector}\n\nBefore {vector} after.\n\n{vector}"
    return Document(
        doc_id=f"{number}/{vector}",
        title=f"{number} {vector}",
        source=f"files/{vector}.md",
        text=text,
        metadata={"date": vector, "author": vector, "publisher": vector},
        sections=(Section(vector, 1, 0), Section(vector, 2, len(vector) + 2)),
    )


DOCUMENTS = tuple(document_of(number, vector) for number, vector in enumerate(PAYLOADS))


def hostile(question: Question) -> Answer:
    """Answer with every vector as a sentence, citing documents full of them."""
    citations: list[Citation] = [
        cite(marker, DOCUMENTS[(marker - 1) * len(DOCUMENTS) // CITED], "Before")
        for marker in range(1, CITED + 1)
    ]
    markers = {citation.passage.doc_id: citation.marker for citation in citations}
    sentences = [
        Sentence(vector, (markers[document.doc_id],) if document.doc_id in markers else ())
        for vector, document in zip(PAYLOADS, DOCUMENTS, strict=True)
    ]
    hits = tuple(Hit(citation.passage, 1.0, citation.marker) for citation in citations)
    return Answer(
        question, question.text, tuple(sentences), tuple(citations), hits, False, 0.9,
        answer_span=PAYLOADS[0], note=" ".join(PAYLOADS[:30]),
    )  # fmt: skip


def nearest(question: Question) -> Answer:
    hits = tuple(
        Hit(cite(1, document, "Before").passage, 0.1, rank)
        for rank, document in enumerate(DOCUMENTS[:10], start=1)
    )
    return replace(abstained(question), hits=hits)


@dataclass
class Hostile(ScriptedAssistant):
    """Answers "everything" with all of it; other questions abstain, or fail with a vector."""

    def stream(self, question, filters=(), *, cancelled=lambda: False) -> Iterator[Event]:
        if "unreachable" in question.text:
            raise ModelError(" ".join(XSS[:40]), " ".join(XSS[40:80]))
        if "refused" in question.text:
            part = XSS[40 * int(question.text[-1]) :]
            raise InputError(" ".join(part[:20]), " ".join(part[20:40]))
        self.answers = {question.text: hostile if question.text == "everything" else nearest}
        yield from super().stream(question, filters, cancelled=cancelled)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def url(data_dir: Path) -> Iterator[str]:
    settings = Settings(data_dir=data_dir, questions_per_minute=10_000)
    with serving(create_app(Hostile(), MemoryCatalog(DOCUMENTS), settings)) as url:
        yield url


@pytest.fixture
def visited(chromium: Browser, url: str) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    visited = Visit(context.new_page(), url)
    yield visited
    assert visited.dialogs == []
    assert visited.elsewhere == []
    assert visited.failures == []  # reports of the policy among them
    context.close()


def questions() -> list[str]:
    """Join the vectors into as few questions as their length allows."""
    asked = [""]
    for vector in PAYLOADS:
        if len(asked[-1]) + len(vector) > 1900:
            asked.append("")
        asked[-1] += f" {vector}"
    return [text.strip() for text in asked]


def nothing_is_injected(frame: Frame, scripts: int) -> None:
    frame.page.wait_for_timeout(300)  # what loads or runs late
    found = f"[...document.querySelectorAll({STRANGERS!r})].map((found) => found.outerHTML)"
    assert frame.evaluate(found) == []
    assert frame.evaluate("document.scripts.length") == scripts


def flat(text: str) -> str:
    return "".join(text.split())


def test_there_are_enough_of_them():
    assert len(set(XSS)) >= 150
    assert len(set(EXFILTRATION)) == 40


def test_the_widget_shows_them_as_text(visited, url):
    page = visited.page
    page.goto(f"{url}/embed")
    frame = page.main_frame

    def ask(text: str, wait_for: str) -> None:
        expect(page.locator("#ask")).to_be_visible()
        count = page.locator(wait_for).count()
        page.fill("#box", text)
        page.press("#box", "Enter")
        expect(page.locator(wait_for)).to_have_count(count + 1)

    ask("everything", ".text")
    shown = flat(page.locator(".text").inner_text())
    assert all(flat(vector) in shown for vector in PAYLOADS if vector.isascii())
    assert page.locator(".note").count() == CITED
    for index in (0, CITED // 2, CITED - 1):
        page.locator(".marker").nth(index).click()
        expect(page.locator("mark")).to_have_text("Before")
        page.keyboard.press("Escape")
    for text in questions():
        ask(text, ".abstained")
    for number in range(REFUSALS):
        ask(f"refused {number}", ".problem")
    assert flat(XSS[-1]) in flat(page.locator(".problem").last.inner_text())
    ask("unreachable", ".problem")
    page.wait_for_timeout(300)
    assert frame.evaluate(f"document.querySelectorAll({STRANGERS!r}).length") == 0
    assert frame.evaluate("document.forms.length") == 1
    assert frame.evaluate("document.scripts.length") == 2  # its words, and itself


def test_the_widgets_address_cannot_bring_any(visited, url):
    page = visited.page
    for vector in PAYLOADS[::12]:
        for name in ("title", "lang", "dir", "theme", "accent"):
            page.goto(f"{url}/embed?" + f"{name}=" + page.evaluate("encodeURIComponent", vector)
                      if page.url.startswith(url) else f"{url}/embed")  # fmt: skip
    assert page.evaluate("document.scripts.length") == 2  # its words, and itself
    assert page.evaluate("document.querySelectorAll('img, iframe, svg').length") == 0


def test_the_chat_page_shows_them_as_text(visited):
    page = visited.open()
    scripts = page.evaluate("document.scripts.length")
    visited.ask("everything")
    expect(page.locator(".note")).to_have_count(CITED)
    shown = flat(page.locator(".answer").first.inner_text())
    assert all(flat(vector) in shown for vector in PAYLOADS if vector.isascii())
    page.locator("a.marker").first.click()
    expect(page.frame_locator("#panel-frame").locator("#quote")).to_have_text("Before")
    page.keyboard.press("Escape")
    for number, text in enumerate(questions(), start=1):
        visited.ask(text)
        expect(page.locator(".abstained")).to_have_count(number)
    visited.ask("unreachable")
    # Answers before it hold the same words: only the alert says that it is over.
    expect(page.locator("#conversation .notice")).to_contain_text("<script>alert(1)</script>")
    for number in range(REFUSALS):
        page.wait_for_timeout(500)  # until the event before has ended for the page, too
        visited.ask(f"refused {number}")
        shown = page.locator("#notice .hint")
        expect(shown).to_contain_text(XSS[40 * number + 39 if number < 3 else -1])
        page.fill("#question textarea", "")
    nothing_is_injected(page.main_frame, scripts)


def test_the_pages_of_documents_show_them_as_text(visited, url):
    page = visited.page
    for document in DOCUMENTS[::6]:
        start = document.text.index("Before")
        page.goto(f"{url}/" + document_url(document.doc_id, start, start + 6))
        expect(page.locator("#quote")).to_have_text("Before")
        assert page.evaluate(f"document.querySelectorAll({STRANGERS!r}).length") == 0
        assert page.evaluate("document.scripts.length") == 0


def test_the_page_of_runs_shows_their_names_as_text(visited, url, data_dir):
    """A run's folder, its dataset and its system are named by whoever has made the run."""
    for number, vector in enumerate(PAYLOADS):
        name = f"{number} {vector}".replace("/", "|").replace("\0", "")
        run = data_dir / "runs" / name.encode()[:200].decode(errors="ignore")
        run.mkdir(parents=True)
        (run / "report.html").write_text("<!doctype html>")
        about = {"system": vector, "dataset": {"name": vector}, "started": vector}
        (run / "report.json").write_text(json.dumps({"run": about}))
    visited.page.goto(f"{url}/runs")
    expect(visited.page.locator(".runs li")).to_have_count(100)
    nothing_is_injected(visited.page.main_frame, 0)
    shutil.rmtree(data_dir / "runs")


def test_errors_of_addresses_show_them_as_text(visited, url):
    page = visited.page
    page.goto(url + "/healthz")
    for vector in PAYLOADS[::10]:
        quoted = page.evaluate("encodeURIComponent", vector)
        for path in (
            f"/documents/x{quoted}",
            f"/api/v1/documents/x{quoted}",
            f"/runs/{quoted}/report",
        ):
            response = page.request.get(url + path)
            assert response.status == 404
            kind = response.headers["content-type"]
            assert vector not in response.text() or "html" not in kind
