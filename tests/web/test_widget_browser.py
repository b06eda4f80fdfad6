"""The widget in a real Chromium, in pages of another origin."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import jwt
import pytest
from conftest import CHROMIUM_ARGS, PATIENCE_MS, Visit, serving
from playwright.sync_api import Browser, Frame, Page, expect
from portal import Portal, portal
from web_fakes import QUOTE, TALKS, MemoryCatalog, ScriptedAssistant, answered

from rag.history.opening import open_history
from rag.notes import NOTHING_ASKED, UNCITED, not_english, not_said, reader_instead
from rag.settings import Settings
from rag.types import Sentence
from rag.web.server import STATIC, create_app

pytestmark = pytest.mark.browser

SECRET = "portal and server share this secret"
QUESTION = "What did China ask the US to avoid?"


@dataclass
class World:
    """A portal, and a server that lets it embed."""

    portal: Portal
    url: str
    assistant: ScriptedAssistant
    data_dir: object

    def page(self, path: str, body: str = "", tag: str = "", **headers: str) -> str:
        """Put up a page with the widget; return its address."""
        tag = tag or self.tag()
        html = f'<!doctype html><html lang="en"><head><title>Portal</title>{tag}</head><body>{body}'
        return self.portal.put(path, html, **headers)

    def tag(self, **data: str) -> str:
        """Return the one line of HTML."""
        given = {"embed": "handbook", "open": "true"} | data
        attributes = " ".join(f'data-{name}="{value}"' for name, value in given.items())
        return f'<script src="{self.url}/widget.js" {attributes} defer></script>'


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    assistant, data_dir = ScriptedAssistant(), tmp_path_factory.mktemp("widget")
    with portal() as site:
        settings = Settings(
            data_dir=data_dir,
            embeds={"handbook": (site.origin,), "other": (site.origin,), "nobody": ()},
        )
        with serving(create_app(assistant, MemoryCatalog(), settings)) as url:
            yield World(site, url, assistant, data_dir)


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    contexts = []

    def browse(url: str, width: int = 1000, height: int = 760, **options: object) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        visited = Visit(context.new_page(), url)
        visited.page.goto(url)
        return visited

    yield browse
    for context in contexts:
        context.close()


def inside(page: Page, part: str = "/embed") -> Frame:
    """Return the widget's frame, once it is ready; its shadow root is closed to locators."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        for frame in page.frames:
            if part in frame.url:
                frame.wait_for_selector("#box")
                return frame
        page.wait_for_timeout(50)
    raise AssertionError("the widget did not open")


def ask(frame: Frame, question: str = QUESTION) -> None:
    expect(frame.locator("#ask")).to_be_visible()
    frame.fill("#box", question)
    frame.press("#box", "Enter")


def test_one_line_of_html_answers_with_footnotes(world, browse):
    visited = browse(world.page("/one"))
    frame = inside(visited.page)
    ask(frame)
    expect(frame.locator(".text")).to_contain_text(QUOTE)
    expect(frame.locator("[aria-live]")).to_contain_text(QUOTE)
    frame.locator(".marker").first.click()
    expect(frame.locator("mark")).to_have_text(QUOTE)
    expect(frame.locator("mark")).to_be_in_viewport()
    expect(frame.locator("#panel h2")).to_have_text(TALKS.title)
    expect(frame.locator(".where")).to_have_text("2011-05-09")
    expect(frame.locator(".around b")).to_have_text(["The talks in Washington", "What China wants"])
    around = frame.locator(".around").inner_text()
    assert TALKS.text.startswith(around.removesuffix(" …"))
    link = frame.get_by_role("link", name="Open the whole document").get_attribute("href")
    assert link.startswith(world.url + "/documents/talks%2F2011%3Fa%23b.md?start=")
    frame.get_by_role("dialog").get_by_role("button", name="Close").click()

    frame.get_by_role("button", name="Not helpful").click()
    expect(frame.get_by_role("button", name="Not helpful")).to_have_attribute(
        "aria-pressed", "true"
    )
    frame.locator(".comment input").fill("Too old")
    frame.locator(".comment button").click()
    expect(frame.locator(".thanks")).to_be_visible()
    kept = open_history(Settings(data_dir=world.data_dir)).feedback()
    assert [said.comment for said in kept] == ["", "Too old"]

    ask(frame, "And the second?")
    expect(frame.locator(".text")).to_have_count(2)
    assert world.assistant.asked[-1].history[0].question == QUESTION

    ours = (world.url, world.portal.origin)
    assert [url for url in visited.requests if not url.startswith(ours)] == []
    assert visited.failures == visited.dialogs == []
    assert visited.page.context.cookies() == []
    assert visited.page.evaluate("document.querySelector('[data-footnote]').shadowRoot") is None


def test_the_documents_do_not_say(world, browse):
    frame = inside(browse(world.page("/moon")).page)
    ask(frame, "How far is the moon?")
    expect(frame.locator(".abstained")).to_have_text("The documents do not say.")
    expect(frame.locator(".marker")).to_have_count(0)
    frame.locator(".note").click()
    expect(frame.locator("mark")).to_contain_text("Posner kept a diary")


def test_stop_keeps_what_was_said(world, browse):
    world.assistant.was_cancelled = False
    frame = inside(browse(world.page("/stop")).page)
    ask(frame, "Tell me slowly")
    expect(frame.locator(".partial")).to_contain_text("Word2")
    frame.click("#stop")
    expect(frame.locator(".stopped")).to_have_text("Stopped.")
    expect(frame.locator(".answer")).to_contain_text("Word2")
    expect(frame.locator("#ask")).to_be_visible()
    deadline = time.monotonic() + 10
    while not world.assistant.was_cancelled and time.monotonic() < deadline:
        time.sleep(0.05)
    assert world.assistant.was_cancelled


def test_an_answer_is_copied_with_its_footnotes(world, browse):
    visited = browse(world.page("/copy"), permissions=["clipboard-read", "clipboard-write"])
    frame = inside(visited.page)
    ask(frame)
    frame.get_by_role("button", name="Copy").click()
    expect(frame.get_by_role("button", name="Copied")).to_be_visible()
    visited.page.mouse.click(10, 10)
    copied = visited.page.evaluate("navigator.clipboard.readText()")
    assert f"[1] {TALKS.title}: “{QUOTE}”" in copied


def test_what_goes_wrong_is_said_with_its_number(world, browse):
    frame = inside(browse(world.page("/broken")).page)
    ask(frame, "broken")
    expect(frame.locator(".problem")).to_have_text(
        re.compile(r"Something went wrong\. .*Request [0-9a-f]{16}")
    )


def test_keys_alone_open_use_and_close_it(world, browse):
    page = browse(world.page("/keys", "<a href=#>before</a>", tag=world.tag(open=""))).page
    page.wait_for_function("window.FootnoteWidget")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    frame = inside(page)
    expect(frame.locator("#box")).to_be_focused()
    frame.type("#box", QUESTION)
    page.keyboard.press("Enter")
    expect(frame.locator(".marker")).to_have_count(2)

    focused = "document.activeElement.id || document.activeElement.textContent"
    seen = []
    for _ in range(14):  # round and round, and never out of the widget
        page.keyboard.press("Tab")
        page.wait_for_timeout(30)
        assert page.evaluate("document.activeElement.dataset.footnote") == "handbook"
        seen.append(frame.evaluate(focused))
    assert {"box", "fresh", "close", "Copy"} <= set(seen)
    frame.focus("#fresh")
    page.keyboard.press("Shift+Tab")
    expect(frame.locator("#ask")).to_be_focused()

    frame.locator(".marker").first.focus()
    page.keyboard.press("Enter")
    expect(frame.locator("mark")).to_be_visible()
    page.keyboard.press("Escape")
    expect(frame.locator("#panel")).to_be_hidden()
    expect(frame.locator(".marker").first).to_be_focused()
    page.keyboard.press("Escape")
    page.wait_for_timeout(100)
    assert not frame.locator("#box").is_visible()
    page.keyboard.press("Enter")  # the bubble has the focus again
    expect(frame.locator("#box")).to_be_focused()
    expect(frame.locator(".marker")).to_have_count(2)


STRICT = "default-src 'none'; script-src {0}; frame-src {0}; require-trusted-types-for 'script'"


def test_the_style_and_the_policy_of_the_page_do_not_break_it(world, browse):
    policy = STRICT.format(world.url)
    css = "<style>* {all: unset !important}</style>"
    for path, body, headers in (
        ("/unset", css, {}),
        ("/strict", "", {"Content_Security_Policy": policy}),
    ):
        visited = browse(world.page(path, body, **headers))
        frame = inside(visited.page)
        box = frame.frame_element().bounding_box()
        assert (box["width"], box["height"]) == (418, 638)
        assert (box["x"] + box["width"], box["y"] + box["height"]) == (979, 671)
        ask(frame)
        expect(frame.locator(".text")).to_contain_text(QUOTE)
        assert visited.failures == []


def test_a_page_that_is_not_allowed_is_told_so(world, browse):
    page = browse("about:blank").page
    page.clock.install()
    page.goto(world.page("/nobody", tag=world.tag(embed="nobody")))
    page.wait_for_timeout(500)
    page.clock.run_for(11_000)
    page.wait_for_timeout(100)
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")  # the link to a tab of its own has the focus
    assert opened.value.url.startswith(world.url + "/embed?c=nobody")
    expect(opened.value.locator("#box")).to_be_visible()


def test_two_on_a_page_and_none_in_the_end(world, browse):
    tags = world.tag() + world.tag(embed="other", side="left") + world.tag()
    page = browse(world.page("/two", tag=tags)).page
    first, second = inside(page, "c=handbook"), inside(page, "c=other")
    assert page.evaluate("FootnoteWidget.instances.length") == 2
    ask(second)
    expect(second.locator(".text")).to_contain_text(QUOTE)
    expect(first.locator(".text")).to_have_count(0)
    assert second.frame_element().bounding_box()["x"] == 21
    assert first.frame_element().bounding_box()["x"] == 561

    # A page that swaps its body for another keeps the conversation.
    page.evaluate("document.body.replaceWith(document.createElement('body'))")
    expect(second.locator(".text")).to_contain_text(QUOTE)
    page.evaluate("FootnoteWidget.destroy()")
    assert page.evaluate("document.querySelectorAll('[data-footnote]').length") == 0
    assert page.evaluate("FootnoteWidget.instances.length") == 0
    page.wait_for_timeout(100)
    assert len(page.frames) == 1


@pytest.mark.parametrize(
    ("lang", "placeholder", "abstained"),
    [
        ("de-AT", "Ihre Frage", "Die Dokumente sagen dazu nichts."),
        ("fr", "Votre question", "Les documents ne le disent pas."),
        ("es", "Su pregunta", "Los documentos no lo dicen."),
        ("zh-Hans", "您的问题", "文档中没有说明。"),
        ("xx", "Your question", "The documents do not say."),
    ],
)
def test_it_speaks_five_languages(world, browse, lang, placeholder, abstained):
    page = browse(f"{world.url}/embed?lang={lang}").page
    expect(page.locator("#box")).to_have_attribute("placeholder", placeholder)
    ask(page.main_frame, "the moon?")
    expect(page.locator(".abstained")).to_have_text(abstained)


def test_every_language_has_every_word():
    source = (STATIC / "embed-words.js").read_text(encoding="utf-8")
    languages = re.split(r"\n  \w\w: \{", source)[1:]
    english, *others = (set(re.findall(r"(\w+): \"", text)) for text in languages)
    assert len(others) == 4
    # What the server says in English, it says to all others by its kind.
    said = {"which", "no_documents", "model_unavailable"} | {
        note.kind
        for note in (NOTHING_ASKED, UNCITED, not_said([]), not_english(""), reader_instead(""))
    }
    assert all(found == english | said for found in others)


def test_notes_are_said_in_its_language(world, browse):
    world.assistant.answers["both?"] = lambda asked: replace(
        answered(asked), note=not_said(["how was it?"]), query="both? Oslo"
    )
    world.assistant.answers["slow?"] = lambda asked: replace(answered(asked), note="Mere words.")
    page = browse(f"{world.url}/embed?lang=de").page
    ask(page.main_frame, "both?")
    note = "Dazu sagen die Dokumente nichts: “how was it?”"
    expect(page.locator(".remark")).to_have_text(note)
    expect(page.locator(".searched")).to_have_text("Gesucht nach: both? Oslo")
    expect(page.locator("[aria-live]")).to_contain_text(note)
    ask(page.main_frame, "slow?")
    expect(page.locator(".remark").last).to_have_text("Mere words.")


def test_what_the_check_found_is_said_and_rows_are_a_table(world, browse):
    sentences = (
        Sentence("It rained.", (1,), support="partial", moved=True),
        Sentence("Year | Rain", (2,), break_before=True),
        Sentence("1990 | 12 mm", (2,), break_before=True, support="unsupported"),
    )
    world.assistant.answers["rain?"] = lambda asked: replace(answered(asked), sentences=sentences)
    page = browse(f"{world.url}/embed?lang=es").page
    ask(page.main_frame, "rain?")
    expect(page.locator(".text > p .doubt")).to_have_text(["respaldado en parte", "nota corregida"])
    expect(page.locator("th")).to_have_text(["Year", "Rain2"])
    expect(page.locator("td")).to_have_text(["1990", "12 mm2 sin respaldo"])


def test_the_second_answer_begins_at_the_top_and_the_header_stays(world, browse):
    page = browse(f"{world.url}/embed", width=320, height=480).page
    for number in range(1, 4):
        ask(page.main_frame, f"{QUESTION} {number}")
        expect(page.locator(".text")).to_have_count(number)
    expect(page.locator("article:last-of-type h2")).to_be_in_viewport(ratio=1)
    expect(page.locator("article:last-of-type .text")).to_be_in_viewport(ratio=0.9)
    expect(page.locator("header")).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0


def test_a_frame_that_loads_takes_no_focus_from_its_page(world, browse):
    frame_of_its_own = f'<input autofocus><iframe src="{world.url}/embed?c=handbook"></iframe>'
    page = browse(world.page("/plain-focus", frame_of_its_own, tag="<!-- none -->")).page
    inside(page)
    assert page.evaluate("document.activeElement.tagName") == "INPUT"


def test_a_phone_right_to_left_and_dark(world, browse):
    tag = world.tag(theme="dark", accent="#7a1f5c", dir="rtl", label="مساعد")
    page = browse(world.page("/phone", tag=tag), width=320, height=640).page
    frame = inside(page)
    box = frame.frame_element().bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 320, 640)
    ask(frame)
    expect(frame.locator(".text")).to_be_visible()
    assert frame.evaluate("document.documentElement.scrollWidth") == 320
    assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 26)"
    assert frame.evaluate("getComputedStyle(document.body).direction") == "rtl"
    expect(frame.locator("h1")).to_have_text("مساعد")
    colour = "getComputedStyle(document.querySelector('#ask')).backgroundColor"
    assert frame.evaluate(colour) == "rgb(122, 31, 92)"
    send, field = frame.locator("#ask").bounding_box(), frame.locator("#box").bounding_box()
    assert send["x"] < field["x"]


def test_a_plain_frame_works_too(world, browse):
    body = f'<iframe src="{world.url}/embed?c=handbook" width="400" height="600"></iframe>'
    visited = browse(world.page("/plain", body, tag="<meta>"))
    frame = inside(visited.page)
    ask(frame)
    expect(frame.locator(".text")).to_contain_text(QUOTE)
    expect(frame.locator("#close")).to_be_hidden()
    assert visited.failures == []


def test_a_token_from_the_page_says_who_asks(browse, tmp_path):
    assistant = ScriptedAssistant()
    with portal() as site:
        settings = Settings(
            data_dir=tmp_path, access="token", embed_secret=SECRET, embeds={"hr": (site.origin,)}
        )
        with serving(create_app(assistant, MemoryCatalog(), settings)) as url:
            now = int(time.time())
            said = {"sub": "ann", "aud": "footnote", "iat": now, "exp": now + 60}
            good = jwt.encode(said, SECRET, algorithm="HS256")
            stale = jwt.encode(said | {"iat": now - 90, "exp": now - 60}, SECRET, algorithm="HS256")
            script = (
                f'<script src="{url}/widget.js"></script><script>'
                f'const given = ["{stale}", "{good}"];'
                'FootnoteWidget.init({embed: "hr", open: true, token: async () => given.shift()});'
                "</script>"
            )
            visited = browse(site.put("/token", f"<!doctype html><body>{script}"))
            frame = inside(visited.page)
            ask(frame)
            expect(frame.locator(".text")).to_contain_text(QUOTE)
            frame.locator(".marker").first.click()
            expect(frame.locator("mark")).to_have_text(QUOTE)
            assert not any(good in address for address in visited.requests)
            stranger = browse(f"{url}/embed?c=hr")
            ask(stranger.page.main_frame)
            expect(stranger.page.locator(".problem")).to_have_text(
                "You are not signed in, or no longer."
            )
    assert len(assistant.asked) == 1


STORE = """<!doctype html><script>
let said;
try { localStorage.setItem("x", "1"); said = "kept"; } catch (error) { said = error.name; }
parent.postMessage(said, "*");
</script>"""


def test_it_answers_where_third_party_cookies_are_blocked(world, chromium, tmp_path):
    """A frame of another site may then store nothing, as a frame beside the widget shows."""
    (tmp_path / "Default").mkdir()
    preferences = {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(preferences))
    context = chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS
    )
    try:
        context.set_default_timeout(PATIENCE_MS)
        world.portal.put("/store", STORE)
        other_site = world.portal.origin.replace("localhost", "127.0.0.1")
        hear = "<script>addEventListener('message', (e) => {"
        hear += "if (typeof e.data === 'string') document.title = e.data; });</script>"
        body = f"{hear}<iframe src='{other_site}/store'></iframe>"
        visited = Visit(context.new_page(), world.page("/blocked", body))
        page = visited.page
        page.goto(visited.url)
        frame = inside(page)
        expect(page).to_have_title("SecurityError")
        ask(frame)
        expect(frame.locator(".text")).to_contain_text(QUOTE)
        frame.locator(".marker").first.click()
        expect(frame.locator("mark")).to_have_text(QUOTE)
        assert visited.failures == []
    finally:
        context.close()


def test_only_the_page_around_it_is_heard(world, browse):
    page = browse(world.page("/deaf", "<iframe srcdoc='x' id=other></iframe>")).page
    frame = inside(page)
    expect(frame.locator("#close")).to_be_visible()
    # The page's window is told things by strangers: a frame of its own, and itself.
    page.evaluate("""() => {
        window.postMessage({footnote: "close"}, "*");
        document.querySelector("#other").contentWindow.parent.postMessage({footnote: "close"}, "*");
    }""")
    page.wait_for_timeout(200)
    expect(frame.locator("#box")).to_be_visible()


def test_it_is_small_and_makes_no_markup_of_words():
    widget = (STATIC / "widget.js").read_bytes()
    assert len(gzip.compress(widget, 9)) < 10_000
    for name in ("widget.js", "embed.js", "embed-words.js"):
        source = (STATIC / name).read_text(encoding="utf-8")
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(",
                          "new Function", "localStorage", "sessionStorage", "document.cookie",
                          'setAttribute("style"', '"*"'):  # fmt: skip
            assert forbidden not in source
