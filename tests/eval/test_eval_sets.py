"""Question sets made of documents and of the history, and a look at a set before it is run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from typer.testing import CliRunner

from eval.checkup import advice, check_up, wrong_quotes
from eval.cli import eval_app
from eval.dataset import Case, Dataset, Relevant
from eval.feedback import asked_before, draft_cases
from eval.from_documents import draft_of, read_reply, sentences_to_ask, written_drafts
from eval.loaders import load_dataset
from rag.build import open_catalog, open_ingestor
from rag.errors import InputError, ModelError
from rag.history.opening import open_history
from rag.history.records import KeptTurn
from rag.retrieval.hashing import HASHING_MODEL
from rag.settings import Settings
from rag.types import Document, Turn

TALKS = """# The dialogue

The dialogue between the two governments began in Beijing in May 1990.

It was led by Michael Posner.

For example, see the annex of 2010, which lists all of the meetings.

Everybody who came said that they were very happy with all of it.

See https://example.org/2010 for what was said there by everybody.
"""
TEA = "# Tea\n\nThe first tea was served in Nanking at four in the afternoon.\n"
ABOUT_TALKS = "The dialogue between the two governments began in Beijing in May 1990."
ABOUT_TEA = "The first tea was served in Nanking at four in the afternoon."


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "talks.md").write_text(TALKS)
    (folder / "tea.md").write_text(TEA)
    settings = Settings(data_dir=tmp_path / "data", embedding_model=HASHING_MODEL)
    with open_ingestor(settings) as ingestor:
        assert not ingestor.ingest([str(folder)]).problems
    return settings


@pytest.fixture
def catalog(settings):
    with open_catalog(settings) as catalog:
        yield catalog


def invoke(settings, *arguments, exit_code=0):
    environment = {"FOOTNOTE_EMBEDDING_MODEL": HASHING_MODEL}
    command = [*map(str, arguments), "--data-dir", str(settings.data_dir)]
    result = CliRunner().invoke(eval_app, command, env=environment)
    assert result.exit_code == exit_code, result.output
    return " ".join(result.stdout.split())


def test_sentences_that_state_a_fact_are_drawn_of_every_document(catalog):
    drawn = sentences_to_ask(catalog, 10)
    # Not what leans on another sentence, names nothing, or is an address.
    assert sorted(found.text for found in drawn) == [ABOUT_TALKS, ABOUT_TEA]
    assert len({found.document.source for found in sentences_to_ask(catalog, 2)}) == 2
    again = [found.text for found in sentences_to_ask(catalog, 1, seed=3)]
    assert again == [found.text for found in sentences_to_ask(catalog, 1, seed=3)]


def test_a_store_without_a_fact_says_so(tmp_path):
    settings = Settings(data_dir=tmp_path, embedding_model=HASHING_MODEL)
    with (
        open_catalog(settings) as catalog,
        pytest.raises(InputError, match="No document of the store"),
    ):
        sentences_to_ask(catalog, 5)


def test_drafts_wait_for_a_question_and_are_then_a_set(settings, tmp_path):
    path = tmp_path / "drafts.csv"
    said = invoke(settings, "from-documents", "--out", path, "--count", 5)
    assert "2 drafts added" in said
    assert "rows without one are left out" in said
    with pytest.raises(InputError, match="no question in it"):
        load_dataset(path)
    rows = path.read_text("utf-8-sig").splitlines()
    at = next(i for i, row in enumerate(rows) if "Beijing" in row)
    name, _, rest = rows[at].partition(",")
    rows[at] = f"{name},When did they begin to talk?{rest}"
    path.write_text("\n".join(rows) + "\n", "utf-8-sig")
    dataset = load_dataset(path)
    assert dataset.cases[0].relevant[0].quote == ABOUT_TALKS
    assert "1 rows" in dataset.notes[0]
    assert "It can be run." in invoke(settings, "check", path)


REPLY = """QUESTION: When did the two states begin to talk?
ANSWER: May 1990
UNANSWERED: When did the two states stop talking?"""


def test_a_chat_model_writes_a_question_and_one_without_an_answer(catalog):
    [found] = [one for one in sentences_to_ask(catalog, 5) if one.text == ABOUT_TALKS]
    done = []
    model = FakeListChatModel(responses=[REPLY])
    asked, near_miss = written_drafts([found], model, "a model", lambda n, of: done.append((n, of)))
    assert (asked["question"], asked["answers"]) == (
        "When did the two states begin to talk?",
        ["May 1990"],
    )
    assert asked["relevant"] == [{"source": found.document.source, "quote": ABOUT_TALKS}]
    assert (near_miss["answerable"], near_miss["tags"]) == (False, ["draft", "near-miss"])
    assert done == [(1, 1)]


def test_what_a_chat_model_makes_up_is_not_taken(catalog):
    [found] = [one for one in sentences_to_ask(catalog, 5) if one.text == ABOUT_TALKS]
    [draft] = read_reply("**QUESTION:** When?\nANSWER: in June 1991", found)
    assert (draft["question"], draft["answers"]) == ("When?", [])
    assert "Its answer is not in the quote" in draft["comment"]
    assert read_reply("I would rather not.", found) == [draft_of(found)]


def test_a_model_that_fails_is_an_error_and_no_set(catalog):
    class Broken(FakeListChatModel):
        def _call(self, *args, **kwargs):
            raise ConnectionError("refused")

    found = sentences_to_ask(catalog, 1)
    with pytest.raises(ModelError):
        list(written_drafts(found, Broken(responses=[""]), "a model"))


def answer(**changes):
    found = {
        "text": "It began in 1990. [1]",
        "abstained": False,
        "answer_span": "1990",
        "hits": [{}],
        "citations": [{"source": "talks.md", "quote": "It began in 1990."}],
    }
    return {**found, **changes}


@pytest.fixture
def asked(settings):
    """Ann asked twice in a conversation; Bob the same as she at first, later, and small talk."""
    begun = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    silent = answer(text="", abstained=True, citations=[], answer_span=None)
    turns = [
        ("user ann", "c1", "When did it begin?", answer()),
        ("user ann", "c1", "And who led it?", silent),
        ("user bob", "c2", "when did it  BEGIN?", answer()),
        ("user bob", "c2", "Hello!", answer(hits=[])),
    ]
    history = open_history(settings)
    for number, (person, conversation, question, said) in enumerate(turns):
        time = begun + timedelta(minutes=number)
        history.keep_turn(person, conversation, KeptTurn(f"t{number}", question, said, time))
    history.close()
    return settings


def test_what_was_asked_becomes_drafts_without_names(asked):
    found = asked_before(asked, 10)
    assert [one.question for one in found] == ["when did it  BEGIN?", "And who led it?"]
    assert found[1].history == (("When did it begin?", "It began in 1990. [1]"),)
    drafts = draft_cases(found, "history")
    assert drafts[0]["tags"] == ["history", "answered"]
    assert "It quoted talks.md: “It began in 1990.”" in drafts[0]["comment"]
    assert drafts[1]["tags"] == ["history", "silent"]
    assert not any(name in str(drafts) for name in ("ann", "bob"))
    assert len(asked_before(asked, 1)) == 1


def test_drafts_of_the_history_wait_for_a_person(asked, tmp_path):
    path = tmp_path / "drafts.csv"
    assert "2 drafts added" in invoke(asked, "from-history", "--out", path)
    with pytest.raises(InputError, match=r"(?s)drafts\.csv:2: .*needs answers.*drafts\.csv:3: "):
        load_dataset(path)


def test_an_empty_history_says_so(settings):
    with pytest.raises(InputError, match="no conversation is kept"):
        asked_before(settings, 5)


def test_a_wrong_quote_is_shown_beside_what_the_document_says():
    document = Document("d", "A", "corpus/a.md", "It was\n Ann, they say. They came in May 1990.")
    there = Case("1", "?", relevant=(Relevant("a.md", "It was Ann"), Relevant("a.md")))
    typed = Case("2", "?", relevant=(Relevant("a.md", "They come in May 1990."),))
    other = Case("3", "?", relevant=(Relevant("a.md", "Nobody"), Relevant("b.md", "Nobody")))
    assert wrong_quotes([there], [document]) == []
    assert wrong_quotes([typed, other], [document]) == [
        "2: a.md does not say 'They come in May 1990.'; it says 'They came in May 1990.'",
        "3: a.md does not say 'Nobody'",
    ]


def test_a_set_is_looked_at_beside_its_store(catalog):
    cases = (
        Case("a", "When was tea first served?", (), True, ("at four",), (Relevant("tee.md"),)),
        Case("b", "Who?", (Turn("x", "y"),), True, ("Ann",), tags=("dev",)),
    )
    found = check_up(Dataset("set", cases, notes=("A note.",)), catalog)
    assert found.faults == ("tee.md is not in the store; there is tea.md",)
    assert found.advice[0] == "A note."
    assert dict(found.counts) == {
        "questions": 2,
        "answerable": 2,
        "not answerable": 0,
        "with reference answers": 2,
        "with quotes": 0,
        "with a history": 1,
        "tagged dev": 1,
    }


def test_advice_names_what_makes_figures_say_less():
    quoted = (Relevant("a.md", "The talks about tea began in May 1990 in Beijing."),)
    cases = [
        Case("copied", "The talks about tea began when?", (), True, (), quoted),
        Case("vague", "Who came?", (), True, ("Ann",)),
        Case("twice", "who  came?", (), True, ("Ann",)),
    ]
    few, silent, copied, repeated, vague = advice(cases)
    assert few.startswith("3 questions: ")
    assert silent.startswith("0 questions cannot be answered")
    assert "copied. Ask in other words." in copied
    assert repeated == "Asked more than once: vague, twice."
    assert vague.endswith("cannot be told: vague, twice.")
    good = [Case(f"n{i}", f"{i}?", (), i % 3 > 0, (), quoted if i % 3 else ()) for i in range(30)]
    assert advice(good) == []


def test_the_command_shows_all_that_is_wrong(settings, tmp_path):
    path = tmp_path / "set.csv"
    path.write_text(f"question,source,quote\nWhen?,talks.md,{ABOUT_TALKS}\nWho?,tee.md,\n")
    shown = invoke(settings, "check", path, exit_code=1)
    assert "2 questions" in shown
    assert "wrong tee.md is not in the store; there is tea.md" in shown
    assert "better 2 questions: with fewer than 30" in shown
