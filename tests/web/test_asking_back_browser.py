"""Questions back in a real Chromium: a reading is chosen by a click."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect
from web_fakes import QUOTE, abstained

from rag.types import Choice, Clarification, Question

pytestmark = pytest.mark.browser

FLAGSHIP = "What did China ask the US to avoid?"
BACK = Clarification("Which <b>talks</b>?", (Choice("A & B", FLAGSHIP), Choice("C", "moon")))


@pytest.fixture
def asks_back(site):
    site.assistant.answers["When?"] = lambda asked: replace(abstained(asked), clarification=BACK)


@pytest.mark.usefixtures("asks_back")
def test_on_the_chat_page(visit, site):
    visited = visit()
    visited.ask("When?")
    expect(visited.page.locator(".asked-back")).to_have_text("Which <b>talks</b>?")
    visited.page.get_by_role("button", name="A & B").click()
    expect(visited.page.locator("a.marker")).to_have_count(2)
    expect(visited.page.locator(".question")).to_have_text(FLAGSHIP)
    assert site.assistant.asked[-1] == Question(FLAGSHIP)


@pytest.mark.usefixtures("asks_back")
def test_in_the_widget(visit, site):
    page = visit().page
    page.goto(f"{site.url}/embed?c=handbook")
    page.fill("#box", "When?")
    page.press("#box", "Enter")
    expect(page.locator(".abstained")).to_have_text("Which <b>talks</b>?")
    page.get_by_role("button", name="A & B").click()
    expect(page.locator(".text")).to_contain_text(QUOTE)
    asked = site.assistant.asked[-1]
    assert (asked.text, asked.history[0].answer) == (FLAGSHIP, "Which <b>talks</b>?")
