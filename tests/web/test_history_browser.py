"""Earlier conversations in a real Chromium: found again, gone on with, exported and deleted."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from conftest import Site, make_app, serving
from playwright.sync_api import Page, expect
from web_fakes import QUOTE, TALKS, MemoryCatalog, ScriptedAssistant

from rag.history.opening import open_history
from rag.settings import Settings
from rag.web.people.access import Right
from rag.web.people.keys import KeyFile
from rag.web.server import create_app

pytestmark = pytest.mark.browser

FIRST = "What did China ask the US to avoid?"
SECOND = "Who said so?"
VECTORS = (
    "<img src=x onerror=alert(1)>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}}",
    "\"><svg onload=alert(1)>' onfocus=alert(1) autofocus x='",
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Site:
    """A server of this file's own: the others leave conversations behind."""
    assistant, data_dir = ScriptedAssistant(), tmp_path_factory.mktemp("kept")
    with serving(make_app(assistant, data_dir=data_dir)) as url:
        yield Site(url, assistant, data_dir)


@pytest.fixture
def history(kept):
    made = open_history(Settings(data_dir=kept.data_dir))
    made.erase("local", with_audit=False)
    return made


def row(page: Page, title: str):
    return page.locator(".past-item").filter(has=page.get_by_text(title, exact=True))


def ask(visited, question: str) -> None:
    """Ask, and wait until it is in the list."""
    answered = visited.page.locator(".turn .actions").count()
    visited.ask(question)
    expect(visited.page.locator(".turn .actions")).to_have_count(answered + 1)
    expect(visited.page.locator(".past-open[aria-current]")).to_be_visible()


def until(condition) -> None:
    """Wait for what is written behind the answer."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def titles(history) -> list[tuple[str, int]]:
    return [(each.title, each.turns) for each in history.conversations("local").conversations]


def begin(page: Page) -> None:
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".welcome")).to_be_visible()


def more(page: Page, title: str):
    row(page, title).hover()
    page.get_by_role("button", name=f"More: {title}").click()
    return row(page, title).locator(".past-actions")


def test_going_back_shows_the_footnotes_and_goes_on_with_the_conversation(visit, kept, history):
    visited = visit(url=kept.url)
    page = visited.page
    expect(page.locator("#past-head .label")).to_have_count(0)
    ask(visited, FIRST)
    page.get_by_role("button", name="Not helpful").click()
    expect(page.locator("[aria-pressed=true]")).to_have_text("Not helpful")
    begin(page)
    expect(page.locator(".past-open[aria-current]")).to_have_count(0)
    ask(visited, "How far is the moon?")
    expect(page.locator("#past-head .count")).to_have_text("2")

    again = visit(url=kept.url)
    page = again.page
    row(page, FIRST).locator(".past-open").click()
    expect(page.locator(".question")).to_have_text(FIRST)
    expect(page.locator("[aria-pressed=true]")).to_have_text("Not helpful")
    page.locator("a.marker").first.click()
    expect(page.frame_locator("#panel-frame").locator("#quote")).to_have_text(QUOTE)
    expect(page.frame_locator("#panel-frame").locator("h1")).to_have_text(TALKS.title)
    ask(again, SECOND)
    expect(page.locator(".turn")).to_have_count(2)
    [turn] = kept.assistant.asked[-1].history
    assert (turn.question, turn.answer.count("[1]")) == (FIRST, 1)
    expected = [(FIRST, 2), ("How far is the moon?", 1)]
    until(lambda: titles(history) == expected)
    assert again.failures == again.dialogs == again.elsewhere == []


def test_another_try_replaces_what_was_kept(visit, kept, history):
    visited = visit(url=kept.url)
    ask(visited, FIRST)
    [first] = history.conversations("local").conversations
    [before] = history.conversation("local", first.conversation_id).turns
    visited.page.get_by_role("button", name="Try again").click()

    def after() -> list[str]:
        turns = history.conversation("local", first.conversation_id).turns
        return [turn.turn_id for turn in turns]

    until(lambda: after() != [before.turn_id])
    assert len(after()) == 1


def test_one_is_searched_renamed_exported_and_deleted(visit, kept, history):
    visited = visit(url=kept.url, accept_downloads=True)
    page = visited.page
    for question in (FIRST, "Who met?", "How far is the moon?", "Where?"):
        ask(visited, question)
        begin(page)
    box = page.get_by_role("searchbox", name="Search conversations")
    box.fill("MOON")
    expect(page.locator(".past-open")).to_have_count(1)
    box.fill("nothing of the kind")
    expect(page.locator("#past [role=status]")).to_have_text("None holds these words.")
    box.fill("")
    expect(page.locator(".past-open")).to_have_count(4)

    actions = more(page, "Who met?")
    title = actions.get_by_role("textbox", name="Title")
    expect(title).to_be_focused()
    side = page.locator("#side")
    assert side.evaluate("side => side.scrollWidth <= side.clientWidth")
    title.fill("The people")
    title.press("Enter")
    expect(row(page, "The people").locator(".past-open")).to_be_focused()

    with page.expect_download() as download:
        more(page, "The people").get_by_role("link", name="Export").click()
    assert download.value.suggested_filename == "The people.md"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.startswith("# The people\n")
    assert "[^2]: " in text

    row(page, "The people").locator(".past-open").click()
    expect(page.locator(".turn")).to_have_count(1)
    actions = more(page, "The people")
    delete = actions.locator("[data-action=delete]")
    delete.click()
    expect(delete).to_have_text("Delete for good?")
    box.focus()  # a second thought
    expect(delete).to_have_text("Delete")
    delete.click()
    delete.click()
    expect(row(page, "The people")).to_have_count(0)
    expect(page.locator(".welcome")).to_be_visible()  # the open one is gone
    assert history.conversations("local").total == 3

    with page.expect_download() as download:
        page.get_by_role("link", name="Export all").click()
    assert len(json.loads(Path(download.value.path()).read_text())["conversations"]) == 3
    forget = page.get_by_role("button", name="Delete all")
    forget.click()
    assert history.conversations("local").total == 3
    page.get_by_role("button", name="Delete all for good?").click()
    expect(page.locator("#past .past-item")).to_have_count(0)
    assert "local" not in history.people()
    assert visited.failures == visited.dialogs == visited.elsewhere == []


def test_titles_are_text(visit, kept, history):
    visited = visit(url=kept.url)
    page = visited.page
    for vector in VECTORS:
        ask(visited, vector)
        begin(page)
        shown = page.locator(".past-open .title").first
        expect(shown).to_have_text(vector)
    more(page, VECTORS[0]).get_by_role("textbox").fill(VECTORS[2])
    page.get_by_role("button", name="Rename").first.click()
    expect(page.locator(".past-open .title").last).to_have_text(VECTORS[2])
    page.reload()
    expect(page.locator(".past-open .title").last).to_have_text(VECTORS[2])
    page.locator(".past-open").last.click()
    expect(page.locator(".question")).to_have_text(VECTORS[0])
    assert visited.dialogs == visited.failures == visited.elsewhere == []
    injected = ":is(script, img, iframe, style, form, math, svg, [onfocus], [onload], [onerror])"
    assert page.locator(f"#side {injected}").count() == 0


def test_on_a_narrow_screen_the_list_hides_behind_its_button(visit, kept, history):
    visited = visit(url=kept.url, width=380)
    page = visited.page
    for question in (FIRST, SECOND, "Who met?", "Where?", "When was it?", "How far is the moon?"):
        visited.ask(question)
        expect(page.locator("#stop")).to_be_hidden()
        expect(page.locator(".turn .actions")).to_have_count(1)
        page.locator("#side-toggle").click()
        expect(page.locator(".past-open[aria-current]")).to_be_visible()
        begin(page)
        expect(page.locator("#side")).to_be_hidden()
    page.locator("#side-toggle").click()
    expect(row(page, FIRST)).to_be_hidden()
    page.get_by_role("button", name="Show 1 more").click()
    expect(row(page, FIRST).locator(".past-open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".question")).to_have_text(FIRST)
    expect(page.locator("#side")).to_be_hidden()
    page.locator("#side-toggle").click()
    expect(row(page, FIRST)).to_be_visible()  # the open one always is
    more(page, FIRST)
    page.keyboard.press("Escape")
    expect(row(page, FIRST).locator(".past-actions")).to_be_hidden()
    expect(page.locator("#side")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 380
    assert visited.failures == []


def test_a_broken_database_is_told_and_answers_go_on(visit, tmp_path):
    (tmp_path / "history.db").mkdir()
    with serving(make_app(data_dir=tmp_path)) as url:
        visited = visit(url=url)
        page = visited.page
        expect(page.locator("#past [role=status]")).to_contain_text("cannot be reached")
        visited.ask(FIRST)
        expect(page.locator("a.marker")).to_have_count(2)
        visited.ask(SECOND)
        expect(page.locator("a.marker")).to_have_count(4)
        assert visited.failures == []


def test_everybody_sees_their_own(visit, tmp_path):
    keys = KeyFile(tmp_path / "keys.json")
    (_, ann), (_, bob) = (keys.create(name, [Right.ASK], days=1) for name in ("ann", "bob"))
    settings = Settings(data_dir=tmp_path, access="token")
    with serving(create_app(ScriptedAssistant(), MemoryCatalog(), settings)) as url:
        of_ann = visit(url=url, http_credentials={"username": "ann", "password": ann})
        ask(of_ann, FIRST)
        of_bob = visit(url=url, http_credentials={"username": "bob", "password": bob})
        expect(of_bob.page.locator(".past-item")).to_have_count(0)
        ask(of_bob, SECOND)
        expect(of_bob.page.locator(".past-item")).to_have_count(1)


def test_where_nobody_is_known_there_is_no_list(visit, tmp_path):
    settings = Settings(data_dir=tmp_path, access="open")
    with serving(create_app(ScriptedAssistant(), MemoryCatalog(), settings)) as url:
        visited = visit(url=url)
        visited.ask(FIRST)
        expect(visited.page.locator(".turn .actions")).to_have_count(1)
        begin(visited.page)
        assert visited.page.locator("#past .side-inner").count() == 0
    people = open_history(settings).people()
    assert sum(counts.conversations for counts in people.values()) == 0
