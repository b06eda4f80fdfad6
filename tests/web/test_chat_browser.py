"""The chat page in a real Chromium."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from conftest import make_app, serving
from playwright.sync_api import expect
from web_fakes import EXACT, QUOTE, TALKS, MemoryCatalog, ScriptedAssistant, answered, cite

from rag.types import Document, Hit, Question, Sentence
from rag.web.chat.furniture import EXAMPLES

pytestmark = pytest.mark.browser

FLAGSHIP = "What did China ask the US to avoid?"

VECTORS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "<a href=javascript:alert(1)>click</a>",
    "<iframe src=//evil.example></iframe>",
    "![pixel](http://evil.example/pixel.png) [go](javascript:alert(1))",
    "<style>@import 'http://evil.example/x.css'</style>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} `${alert(2)}`",
    "</article></div><form action=http://evil.example><button>x</button></form>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
]


def test_a_question_is_answered_and_its_footnote_opens_the_quote(visit, site):
    visited = visit()
    page = visited.page
    visited.ask(FLAGSHIP)
    expect(page.locator(".answer")).to_contain_text(QUOTE)
    expect(page.locator(".exact")).to_have_text(EXACT)
    expect(page.locator(".actions")).to_contain_text("High confidence, 92 %")

    page.locator("a.marker").first.click()
    passage = page.frame_locator("#panel-frame")
    expect(passage.locator("#quote")).to_have_text(QUOTE)
    expect(passage.locator("#quote")).to_be_in_viewport()
    expect(passage.locator("h1")).to_have_text(TALKS.title)
    expect(passage.locator(".where")).to_have_text("What China wants · page 2 · 2011-05-09")
    expect(page.locator("a.marker").first).to_have_attribute("aria-current", "true")

    with page.context.expect_page() as opened:
        passage.get_by_role("link", name="Open the whole document").click()
    whole = opened.value
    expect(whole.locator("#quote")).to_have_text(QUOTE)
    expect(whole.locator("#quote")).to_be_in_viewport()
    expect(whole.locator("main")).to_contain_text("Paragraph 39")

    assert visited.elsewhere == []
    assert visited.failures == []
    assert len(visited.requests) > 10


def test_a_marker_also_opens_in_a_tab_of_its_own(visit):
    visited = visit()
    visited.ask(FLAGSHIP)
    with visited.page.context.expect_page() as opened:
        visited.page.locator("a.marker").first.click(modifiers=["Control"])
    expect(opened.value.locator("#quote")).to_have_text(QUOTE)


def test_keys_open_and_close_the_panel(visit):
    visited = visit()
    page = visited.page
    visited.ask(FLAGSHIP)
    marker = page.locator("a.marker").nth(1)
    marker.focus()
    page.keyboard.press("Enter")
    frame = page.frame_locator("#panel-frame")
    expect(frame.locator("#quote")).to_have_text("Both said the meeting had been useful.")
    expect(page.locator("#panel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(marker).to_be_focused()

    marker.click()
    frame.locator("#quote").click()  # the focus is now inside the frame
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def test_an_answer_is_announced_whole_in_a_place_that_stays(visit):
    visited = visit()
    page = visited.page
    assert page.locator("h1").all_inner_texts() == ["Footnote1"]
    visited.ask(FLAGSHIP)
    expect(page.locator("#announced")).to_contain_text(QUOTE)
    expect(page.locator("#announced")).to_contain_text("Both said the meeting had been useful.")
    expect(page.locator("#announced")).to_have_role("status")
    assert page.locator("#conversation [aria-live]").count() == 0
    page.evaluate("document.querySelector('#announced').kept = true")
    visited.ask("How far is the moon?")
    expect(page.locator("#announced")).to_contain_text("The documents do not say.")
    assert page.evaluate("document.querySelector('#announced').kept")


def test_what_a_narrow_screens_document_covers_takes_no_focus(visit):
    visited = visit(width=380)
    page = visited.page
    visited.ask(FLAGSHIP)
    page.locator("a.marker").first.click()
    expect(page.locator("#chat[inert]")).to_have_count(1)
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.locator("#chat[inert]")).to_have_count(0)
    page.set_viewport_size({"width": 380, "height": 800})
    expect(page.locator("#chat[inert]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#chat[inert]")).to_have_count(0)
    expect(page.locator("a.marker").first).to_be_focused()

    page.locator("#side-toggle").click()
    page.locator("#side-top button").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#side-toggle")).to_be_focused()


def test_on_paper_stands_the_answer_with_all_that_it_quotes(visit, site):
    quote = TALKS.text[TALKS.text.index("Paragraph 1 ") : TALKS.text.index("Paragraph 5 ")].strip()
    site.assistant.answers["long?"] = lambda asked: replace(
        answered(asked), sentences=(Sentence("So.", (1,)),), citations=(cite(1, TALKS, quote),)
    )
    visited = visit(color_scheme="dark")
    page = visited.page
    visited.ask("long?")
    expect(page.locator(".note-whole")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".note-whole")).to_contain_text("Paragraph 4")
    for hidden in ("#composer", "#side", ".top", ".note-quote", ".actions"):
        expect(page.locator(hidden).first).to_be_hidden()
    ink = page.locator(".question").evaluate("found => getComputedStyle(found).color")
    assert ink == "rgb(28, 28, 26)"


def test_abstaining_is_said_plainly_with_the_nearest_passages(visit):
    visited = visit()
    visited.ask("How far is the moon?")
    page = visited.page
    expect(page.locator(".abstained")).to_have_text("The documents do not say.")
    expect(page.locator(".nearest")).to_contain_text("Posner kept a diary")
    expect(page.locator("a.marker")).to_have_count(0)
    page.locator(".nearest a").click()
    expect(page.frame_locator("#panel-frame").locator("#quote")).to_contain_text("Posner")


def test_stop_stops_and_keeps_what_was_said(visit, site):
    site.assistant.was_cancelled = False
    visited = visit()
    page = visited.page
    visited.ask("Tell me slowly")
    expect(page.locator(".answer")).to_contain_text("Word3")
    page.locator("#stop").click()
    expect(page.locator(".stopped")).to_be_visible()
    expect(page.locator("#ask")).to_be_visible()
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator(".answer")).to_contain_text("Word3")
    page.wait_for_timeout(300)
    assert site.assistant.was_cancelled


def test_leaving_the_page_stops_its_answer(visit, site):
    site.assistant.was_cancelled = False
    visited = visit()
    visited.ask("Tell me slowly")
    expect(visited.page.locator(".answer")).to_contain_text("Word3")
    visited.page.goto("about:blank")
    for _ in range(100):
        if site.assistant.was_cancelled:
            break
        visited.page.wait_for_timeout(100)
    assert site.assistant.was_cancelled


def test_a_new_conversation_forgets_and_stops(visit, site):
    site.assistant.was_cancelled = False
    visited = visit()
    page = visited.page
    visited.ask(FLAGSHIP)
    expect(page.locator("a.marker")).to_have_count(2)
    visited.ask("Tell me slowly")
    expect(page.locator(".turn").nth(1)).to_contain_text("Word3")
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#ask")).to_be_visible()
    visited.ask("And who said so?")
    expect(page.locator("a.marker")).to_have_count(2)
    assert site.assistant.asked[-1] == Question("And who said so?")
    assert site.assistant.was_cancelled


def test_a_follow_up_carries_the_history(visit, site):
    visited = visit()
    visited.ask(FLAGSHIP)
    expect(visited.page.locator("a.marker")).to_have_count(2)
    visited.ask("Who said so?")
    expect(visited.page.locator("a.marker")).to_have_count(4)
    asked = site.assistant.asked[-1]
    assert asked.text == "Who said so?"
    assert [(turn.question, turn.answer) for turn in asked.history] == [
        (FLAGSHIP, answered(Question(FLAGSHIP)).text)
    ]


def test_what_was_searched_for_is_shown_and_can_be_changed(visit, site):
    visited = visit()
    visited.ask(FLAGSHIP)
    expect(visited.page.locator("a.marker")).to_have_count(2)
    visited.ask("Who said so?")
    searched = visited.page.locator("details.searched")
    expect(searched.locator("summary")).to_have_text("Searched for: Who said so? Washington")
    searched.locator("summary").click()
    searched.get_by_role("textbox").fill("the vice minister")
    searched.get_by_role("button", name="Search for this").click()
    expect(searched.locator("summary")).to_have_text("Searched for: the vice minister")
    asked = site.assistant.asked[-1]
    assert (asked.text, asked.query) == ("Who said so?", "the vice minister")
    assert [turn.question for turn in asked.history] == [FLAGSHIP]
    expect(visited.page.locator(".turn")).to_have_count(2)


def test_trying_again_replaces_the_last_turn(visit, site):
    visited = visit()
    visited.ask(FLAGSHIP)
    before = len(site.assistant.asked)
    visited.page.get_by_role("button", name="Try again").click()
    for _ in range(50):
        if len(site.assistant.asked) > before:
            break
        visited.page.wait_for_timeout(50)
    expect(visited.page.locator("a.marker")).to_have_count(2)
    expect(visited.page.locator(".turn")).to_have_count(1)
    assert site.assistant.asked[-1] == Question(FLAGSHIP)


def test_an_example_is_asked_by_a_click(visit, site):
    visited = visit()
    visited.page.get_by_role("button", name=EXAMPLES[0], exact=True).click()
    expect(visited.page.locator(".question")).to_have_text(EXAMPLES[0])
    expect(visited.page.locator("a.marker")).to_have_count(2)


def test_an_empty_question_gets_a_hint_and_no_turn(visit, site):
    before = len(site.assistant.asked)
    visited = visit()
    visited.ask("   ")
    expect(visited.page.get_by_role("alert")).to_contain_text("Write a question first.")
    expect(visited.page.locator(".turn")).to_have_count(0)
    assert len(site.assistant.asked) == before


def test_a_question_that_is_too_long_comes_back_with_the_reason(visit):
    visited = visit()
    visited.ask("x" * 2001)
    expect(visited.page.get_by_role("alert")).to_contain_text("too many characters")
    expect(visited.page.locator("#question textarea")).to_have_value("x" * 2001)
    expect(visited.page.locator(".turn")).to_have_count(0)
    visited.ask(FLAGSHIP)
    expect(visited.page.locator("a.marker")).to_have_count(2)
    expect(visited.page.get_by_role("alert")).to_have_count(0)


def test_an_error_is_a_notice_and_no_answer(visit):
    visited = visit()
    visited.ask("Is it unreachable?")
    notice = visited.page.get_by_role("alert")
    expect(notice).to_contain_text("The chat model cannot be reached.")
    expect(notice).to_contain_text("Start it, then try again.")
    expect(visited.page.get_by_role("button", name="Try again")).to_be_visible()


def test_an_unexpected_error_shows_only_a_number_that_the_log_has_too(visit, caplog):
    visited = visit()
    visited.ask("Is it broken?")
    notice = visited.page.get_by_role("alert")
    expect(notice).to_contain_text("Something went wrong")
    number = re.search(r"request (\w{8})", notice.inner_text())
    assert number
    assert "secret detail" not in visited.page.content()
    assert f"request {number[1]} failed" in caplog.text
    assert "secret detail" in caplog.text


def test_copying_gives_the_answer_with_its_footnotes(visit, site):
    visited = visit(permissions=["clipboard-read", "clipboard-write"])
    visited.ask(FLAGSHIP)
    visited.page.get_by_role("button", name="Copy").click()
    expect(visited.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = visited.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{QUOTE} [1] ")
    assert f"[1] {TALKS.title}: “{QUOTE}”" in copied


def test_the_list_of_documents_folds_and_opens_documents(visit):
    visited = visit()
    page = visited.page
    page.locator("#side-toggle").click()
    expect(page.locator("#side")).to_be_hidden()
    expect(page.locator("#side-toggle")).to_have_attribute("aria-expanded", "false")
    page.locator("#side-toggle").click()
    page.get_by_role("link", name="A week in Beijing").click()
    frame = page.frame_locator("#panel-frame")
    expect(frame.locator("h1")).to_have_text("A week in Beijing")


def test_a_narrow_screen_shows_one_region_at_a_time(visit):
    visited = visit(width=380)
    page = visited.page
    expect(page.locator("#side")).to_be_hidden()
    visited.ask(FLAGSHIP)
    page.locator("a.marker").first.click()
    expect(page.frame_locator("#panel-frame").locator("#quote")).to_be_in_viewport()
    box = page.locator("#panel").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 380, "height": 800}
    page.get_by_role("button", name="Close the document").click()
    expect(page.locator("#panel")).to_be_hidden()
    page.locator("#side-toggle").click()
    expect(page.locator("#side")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 380
    assert page.evaluate("document.documentElement.scrollHeight") == 800


CONTRAST = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.99) return c;
  } return [255, 255, 255]; };
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !e.checkVisibility()) continue;
    if (["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push([walk.currentNode.textContent.trim().slice(0, 40), ratio]);
  }
  return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(visit, scheme):
    visited = visit(color_scheme=scheme)
    page = visited.page
    assert page.evaluate(CONTRAST) == []
    visited.ask(FLAGSHIP)
    page.locator("a.marker").first.click()
    expect(page.frame_locator("#panel-frame").locator("#quote")).to_be_visible()
    page.get_by_role("button", name="Not helpful").click()
    expect(page.locator(".comment input")).to_be_visible()
    visited.ask("How far is the moon?")
    expect(page.locator(".abstained")).to_be_visible()
    visited.ask("Is it unreachable?")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate(CONTRAST) == []
    assert page.frames[1].evaluate(CONTRAST) == []
    dark = page.evaluate("getComputedStyle(document.querySelector('.gradio-container'))"
                         ".backgroundColor")  # fmt: skip
    assert (dark == "rgb(255, 255, 255)") is (scheme == "light")


def test_text_of_documents_and_people_is_never_markup(visit, poisoned):
    url, assistant = poisoned
    visited = visit(url=url)
    page = visited.page
    frame = page.frame_locator("#panel-frame")
    for number, vector in enumerate(VECTORS, start=1):
        assistant.answers[vector] = hostile_answer
        visited.ask(vector)
        turn = page.locator(f"#turn-{number}")
        expect(turn.locator(".question")).to_have_text(vector)
        expect(turn.locator(".notice")).to_have_text(vector)
        expect(turn.locator(".sentence")).to_contain_text(vector)
        turn.locator("a.marker").click()
        expect(frame.locator("#quote")).to_have_text(vector)
        expect(frame.locator("h1")).to_have_text(vector)
    expect(page.locator("#side")).to_contain_text(VECTORS[0])
    page.wait_for_timeout(200)
    assert visited.dialogs == []
    assert visited.elsewhere == []
    assert visited.failures == []
    injected = ":is(script, img, iframe, style, form, math, svg, [onfocus], [onload], [onerror])"
    assert page.locator(f":is(.turn, #side) {injected}").count() == 0
    assert page.locator(".turn a:not([data-panel])").count() == 0


POISONED = tuple(
    Document(vector, vector, f"corpus/{vector}", f"{vector}\n\nplain", {"date": vector})
    for vector in VECTORS
)


def hostile_answer(question: Question):
    vector = question.text
    document = next(document for document in POISONED if document.title == vector)
    citation = cite(1, document, vector)
    return replace(
        answered(question),
        sentences=(Sentence(vector, (1,)),),
        citations=(citation,),
        hits=(Hit(citation.passage, 1.0, 1),),
        answer_span=vector[2:5],
        note=vector,
        mode=vector,
    )


@pytest.fixture(scope="module")
def poisoned():
    assistant = ScriptedAssistant(mode=VECTORS[1])
    with serving(make_app(assistant, MemoryCatalog(POISONED))) as url:
        yield url, assistant


def test_an_empty_store_explains_how_to_begin(visit):
    with serving(make_app(catalog=MemoryCatalog(()))) as url:
        visited = visit(url=url)
        expect(visited.page.locator(".welcome")).to_contain_text("There are no documents yet")
        expect(visited.page.locator(".welcome code")).to_have_text("footnote ingest PATH...")
        expect(visited.page.locator(".examples")).to_have_count(0)
