"""Servers that hang, break off or are busy: how long one waits, and that the server is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from replay_server import CUT, HANG, Reply, Served, failed, recorded, replaying
from test_chat_models import close_ollama

from rag.answering.chat.models import load_chat_model
from rag.answering.chat.rewriting import ModelCondenser
from rag.answering.chat.waiting import TRIES, pause_before_retry
from rag.answering.generation import STOPPED, Generator
from rag.assistant import Assistant
from rag.errors import ModelError
from rag.retrieval.retriever import Ranking
from rag.settings import Settings
from rag.types import Answer, Citation, Delta, Hit, Passage, Question, Sentence, Turn

TEXT = "China asked the United States not to raise individual cases. Nobody was surprised."
HITS = (Hit(Passage("p", "d", TEXT, 0, len(TEXT), "Diary", "a.md"), 1.0, 1),)
QUESTION = Question("What did China ask the US to avoid?")
PROVIDERS = ("openai", "ollama", "anthropic")
ANSWERS = {
    "ollama": "ollama-answer.ndjson",
    "anthropic": "anthropic-answer.sse",
    "openai": "openai-answer.sse",
}
PATIENCE = 1.0
SLACK = 1.9
"""What a busy machine may take on top."""

NOTHING = Reply([HANG], status=0)
ONLY_HEADERS = Reply([HANG])


def first_events(provider: str) -> list[bytes | object]:
    """A reply that goes silent after its first words."""
    return [*recorded(ANSWERS[provider]).pieces[:4], HANG]


@contextmanager
def asking(
    provider: str, *replies: Reply, seconds: float = 10.0
) -> Iterator[tuple[Served, Generator]]:
    """A generator whose provider is a server that sends these replies."""
    pytest.importorskip(f"langchain_{provider}")
    with replaying(*replies) as served:
        path = "/v1" if provider == "openai" else ""
        settings = Settings(
            model=f"{provider}:m",
            base_url=served.url + path,
            api_key="k-1",
            model_timeout_seconds=seconds,
        )
        model = load_chat_model(settings)
        try:
            yield served, Generator(model, f"{provider}:m", context_chars=5000, seconds=seconds)
        finally:
            if provider == "ollama":
                close_ollama(model)


def answer(generator: Generator) -> Answer:
    *_, last = generator.stream(QUESTION, QUESTION.text, HITS, cancelled=lambda: False)
    assert isinstance(last, Answer)
    return last


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("silence", ["nothing", "headers", "words"])
def test_a_server_that_falls_silent_is_given_up_in_time(provider, silence):
    reply = {"nothing": NOTHING, "headers": ONLY_HEADERS}.get(silence) or Reply(
        first_events(provider), content_type=recorded(ANSWERS[provider]).content_type
    )
    with asking(provider, reply, seconds=PATIENCE) as (served, generator):
        began = time.monotonic()
        with pytest.raises(ModelError, match="did not answer in time"):
            answer(generator)
        took = time.monotonic() - began
        assert served.hung_up.wait(5), "the server was never told"
    assert PATIENCE * 0.9 <= took < PATIENCE + SLACK
    assert len(served.asked) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("reply", [NOTHING, ONLY_HEADERS])
def test_a_stop_closes_a_request_that_nobody_answers(provider, reply):
    with asking(provider, reply, seconds=60) as (served, generator):
        stop = threading.Event()
        events = generator.stream(QUESTION, "q", HITS, cancelled=stop.is_set)
        threading.Timer(0.5, stop.set).start()
        began = time.monotonic()
        *_, last = events
        assert time.monotonic() - began < 0.5 + SLACK
        assert served.hung_up.wait(5), "the server was never told"
    assert isinstance(last, Answer)
    assert (last.note, last.sentences, last.abstained) == (STOPPED, (), False)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_leaving_in_the_middle_closes_the_request(provider):
    reply = Reply(first_events(provider), content_type=recorded(ANSWERS[provider]).content_type)
    with asking(provider, reply, seconds=60) as (served, generator):
        events = generator.stream(QUESTION, "q", HITS, cancelled=lambda: False)
        assert isinstance(next(events), Delta)
        events.close()
        assert served.hung_up.wait(5), "the server was never told"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_a_busy_server_is_asked_again(provider, status):
    busy = failed(status, {"error": {"message": "busy"}}, "retry-after: 0")
    with asking(provider, busy, busy, recorded(ANSWERS[provider])) as (served, generator):
        assert answer(generator).text == "China asked the US not to raise individual cases. [1]"
    assert len(served.asked) == TRIES


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_connection_that_breaks_before_the_first_word_is_made_again(provider):
    with asking(provider, Reply(status=0), recorded(ANSWERS[provider])) as (served, generator):
        assert answer(generator).citations
    assert len(served.asked) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_final(provider, status):
    with (
        asking(provider, failed(status, {"error": {"message": "no"}})) as (served, generator),
        pytest.raises(ModelError),
    ):
        answer(generator)
    assert len(served.asked) == 1


def test_a_server_that_wants_a_longer_pause_than_there_is_time_is_not_waited_for():
    busy = failed(429, {"error": {"message": "busy"}}, "retry-after: 30")
    with asking("openai", busy, seconds=10) as (served, generator):
        began = time.monotonic()
        with pytest.raises(ModelError, match="429"):
            answer(generator)
        assert time.monotonic() - began < SLACK
    assert len(served.asked) == 1


def test_what_was_said_is_never_said_twice():
    broken = Reply([*recorded("openai-answer.sse").pieces[:4], CUT])
    said = []
    with (
        asking("openai", broken, recorded("openai-answer.sse")) as (served, generator),
        pytest.raises(ModelError, match="broke off in the middle"),
    ):
        said.extend(generator.stream(QUESTION, "q", HITS, cancelled=lambda: False))
    assert len(served.asked) == 1


class Busy(Exception):
    """An error as providers raise it."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status_code = status
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response = type("Response", (), {"headers": named})


@pytest.mark.parametrize(
    ("error", "attempt", "least", "most"),
    [
        (Busy(503), 0, 0.25, 0.5),
        (Busy(503), 1, 0.5, 1.0),
        (ConnectionRefusedError(), 0, 0.25, 0.5),
        (Busy(429, retry_after="7"), 0, 7, 7),
        (Busy(429, retry_after="7", retry_after_ms="20"), 0, 0.02, 0.02),
        (Busy(429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), 0, 0.25, 0.5),
    ],
)
def test_pauses_grow_and_differ(error, attempt, least, most):
    pauses = {pause_before_retry(error, attempt) for _ in range(20)}
    assert all(pause is not None and least <= pause <= most for pause in pauses)
    assert (len(pauses) > 1) is (least != most)


@pytest.mark.parametrize(
    ("error", "attempt"),
    [(Busy(503), TRIES - 1), (Busy(400), 0), (TimeoutError(), 0), (ValueError(), 0)],
)
def test_what_another_try_does_not_help(error, attempt):
    assert pause_before_retry(error, attempt) is None


class FixedRetriever:
    def search(self, query, k, filters=()) -> Ranking:
        return Ranking(HITS, 0.0, 0.0)


class FixedReader:
    def read(self, question, query, hits) -> Answer:
        said = (Sentence(TEXT, (1,)),)
        cited = (Citation(1, hits[0].passage, 0, len(TEXT)),)
        return Answer(question, query, said, cited, tuple(hits), False, 0.9)


def test_a_follow_up_is_answered_by_the_reader_within_the_time_out():
    with replaying(NOTHING) as served:
        settings = Settings(model="openai:m", base_url=f"{served.url}/v1")
        model = load_chat_model(settings)
        assistant = Assistant(
            retriever=FixedRetriever(),
            reader=FixedReader(),
            condenser=ModelCondenser(model, seconds=0.4),
            generator=Generator(
                model, "openai:m", context_chars=5000, seconds=1.6, condense_seconds=0.4
            ),
            has_documents=lambda: True,
            read_k=10,
        )
        began = time.monotonic()
        found = assistant.answer(Question("And then?", (Turn("Who met?", "Posner."),)))
        took = time.monotonic() - began
    assert found.mode == "reader"
    assert found.citations
    assert "did not answer in time. The reader answers instead." in found.note
    assert 1.5 <= took < 1.6 + SLACK
    assert len(served.asked) == 2


SCRIPT = """
import select, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have jobs ignore it
from rag.settings import Settings, keep_libraries_quiet
keep_libraries_quiet()
from rag.answering.chat.models import load_chat_model
from rag.answering.generation import Generator
from rag.types import Hit, Passage, Question
model = load_chat_model(Settings(model="openai:m", base_url=sys.argv[1], api_key="k"))
generator = Generator(model, "openai:m", context_chars=5000, seconds=600)
hits = [Hit(Passage("p", "d", "Talks.", 0, 6, "T", "a.md"), 1.0, 1)]
def cancelled():
    return bool(select.select([sys.stdin], [], [], 0)[0])
list(generator.stream(Question("q"), "q", hits, cancelled=cancelled))
"""


@pytest.mark.parametrize("way", ["stop", "interrupt"])
def test_a_process_that_waits_for_a_model_ends_at_once(way):
    root = Path(__file__).parents[2]
    with replaying(NOTHING) as served:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, f"{served.url}/v1"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
        )
        with process:
            assert served.was_asked.wait(120)
            time.sleep(0.3)
            began = time.monotonic()
            if way == "interrupt":
                process.send_signal(signal.SIGINT)
            else:
                process.stdin.write(b"stop")
                process.stdin.flush()
            process.wait(20)
            assert time.monotonic() - began < 5
        assert served.hung_up.wait(5)
    assert process.returncode == (0 if way == "stop" else -signal.SIGINT)
