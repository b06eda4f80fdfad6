"""Thumbs, comments and the runs of evaluation in a real Chromium."""

from __future__ import annotations

import shutil

import pytest
from conftest import make_app, serving
from playwright.sync_api import expect
from web_fakes import QUOTE, abstained, answered

from eval.dataset import Case, Dataset, Relevant
from eval.report import write_report
from eval.run import run_dataset
from eval.session import runs_folder
from rag.history.opening import open_history
from rag.settings import Settings
from rag.types import Question

pytestmark = pytest.mark.browser

FIRST = "What did China ask the US to avoid?"
SECOND = "Who said so?"
STORE = {"documents": 2, "passages": 5, "fingerprint": "s"}


@pytest.fixture
def stored(site):
    """Read what the page has stored during a test."""
    history = open_history(Settings(data_dir=site.data_dir))
    before = len(history.feedback())
    return lambda: history.feedback()[before:]


def said(feedback):
    return [(each.rating, each.comment) for each in feedback]


def test_a_thumb_a_comment_and_a_changed_mind_are_stored(visit, site, stored):
    visited = visit()
    page = visited.page
    visited.ask(FIRST)
    helpful = page.get_by_role("button", name="Helpful", exact=True)
    not_helpful = page.get_by_role("button", name="Not helpful")
    expect(helpful).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".comment")).to_have_count(0)

    helpful.focus()
    page.keyboard.press("Enter")
    expect(helpful).to_have_attribute("aria-pressed", "true")
    expect(helpful).to_be_focused()
    assert said(stored()) == [("up", "")]

    not_helpful.click()
    expect(not_helpful).to_have_attribute("aria-pressed", "true")
    expect(helpful).to_have_attribute("aria-pressed", "false")
    box = page.get_by_role("textbox", name="What is wrong?")
    box.fill("<img src=x onerror=alert(1)> ${alert(1)}")
    box.press("Enter")
    expect(page.locator(".thanks")).to_have_text("Thank you. Your comment is stored.")
    expect(box).to_have_count(0)
    assert said(stored())[1:] == [
        ("down", ""),
        ("down", "<img src=x onerror=alert(1)> ${alert(1)}"),
    ]

    visited.ask(SECOND)  # the verdict on the first stays, the second has its own
    expect(page.locator("a.marker")).to_have_count(4)
    expect(page.locator("#turn-1 [aria-pressed=true]")).to_have_text("Not helpful")
    page.locator("#turn-2").get_by_role("button", name="Helpful", exact=True).click()
    expect(page.locator("#turn-2 [aria-pressed=true]")).to_have_text("Helpful")
    page.locator("#turn-2 .comment input").fill("With a date, please")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#turn-2 .thanks")).to_be_visible()
    assert said(stored())[3:] == [("up", ""), ("up", "With a date, please")]
    last = stored()[-1]
    assert last.question == SECOND
    assert last.history[0][0] == FIRST
    assert last.answer["answer_span"] == "individual cases"
    assert visited.dialogs == []
    assert visited.failures == []


def test_while_an_answer_is_written_earlier_ones_wait_to_be_rated(visit):
    visited = visit()
    page = visited.page
    visited.ask(FIRST)
    helpful = page.locator("#turn-1").get_by_role("button", name="Helpful", exact=True)
    expect(helpful).to_be_enabled()
    visited.ask("Tell me slowly")
    expect(helpful).to_be_disabled()
    page.locator("#stop").click()
    expect(helpful).to_be_enabled()
    expect(page.locator("#turn-2 .thumbs")).to_have_count(0)  # nothing was answered


def test_feedback_that_cannot_be_stored_is_a_notice_and_the_page_goes_on(visit):
    with serving(make_app()) as url:
        visited = visit(url=url)
        page = visited.page
        visited.ask(FIRST)
        page.get_by_role("button", name="Not helpful").click()
        expect(page.get_by_role("alert")).to_contain_text("Your feedback could not be stored")
        expect(page.locator("[aria-pressed=true]")).to_have_count(0)
        visited.ask(SECOND)
        expect(page.locator("a.marker")).to_have_count(4)


def test_runs_are_listed_and_their_reports_open(visit, site, evaluate):
    visited = visit()
    expect(visited.page.get_by_role("link", name="Evaluation runs")).to_have_count(0)
    folder = runs_folder(Settings(data_dir=site.data_dir)) / "talks-1"
    write_report(evaluate(folder))
    page = visited.open()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Evaluation runs").click()
    runs = opened.value
    problems = []
    runs.on("console", lambda message: problems.append(message.text))
    expect(runs.locator(".runs li")).to_contain_text("3 questions · known · talks-1")
    expect(runs.locator(".figures dt").first).to_have_text("right")
    runs.get_by_role("link", name="talks", exact=True).click()
    expect(runs.locator("h1")).to_have_text("talks")
    # Bars are widths in style attributes, plots are inline drawings: both must pass the policy.
    assert runs.locator("svg").first.bounding_box()["width"] > 100
    bar = runs.locator(".bar i").first
    assert bar.evaluate("e => e.style.width !== '' && getComputedStyle(e).width !== 'auto'")
    assert problems == []
    assert visited.elsewhere == []


class Known:
    """Answers every question with the same sentences, but the one about the moon."""

    name = "known"

    def answer(self, question):
        return abstained(question) if "moon" in question.text else answered(question)

    def insist(self, question):
        return None

    def query(self, question):
        return question.text

    def search(self, query, k):
        return self.answer(Question(query)).hits[:k]


CASES = (
    Case("avoid", FIRST, answers=("individual cases",), relevant=(Relevant("talks.md", QUOTE),)),
    Case("diary", "Who kept a diary?", answers=("Posner",)),
    Case("moon", "How far is the moon?", answerable=False),
)


@pytest.fixture
def evaluate(site):
    """Run three questions whose every answer is known."""

    def run(folder):
        return run_dataset(Known(), Dataset("talks", CASES), folder, configuration={}, store=STORE)

    yield run
    shutil.rmtree(runs_folder(Settings(data_dir=site.data_dir)), ignore_errors=True)
