"""Chat models from Settings, against a real server of the OpenAI protocol on loopback."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest
from openai_server import Script, openai_server

from rag.answering.chat import waiting
from rag.answering.chat.models import load_chat_model
from rag.answering.generation import STOPPED, Generator
from rag.errors import ConfigurationError, ModelError
from rag.settings import Settings
from rag.types import Answer, Delta, Hit, Passage, Question

TEXT = "China asked the United States not to raise individual cases. Nobody was surprised."
HITS = [Hit(Passage("p", "d", TEXT, 0, len(TEXT), "Diary", "a.md"), 1.0, 1)]
QUESTION = Question("What did China ask the US to avoid?")
REPLY = ["China asked", " the US not to raise", " individual cases. [", "1", "]"]


def generator(base_url: str, *, timeout: float = 5.0, key: str = "") -> Generator:
    settings = Settings(
        model="openai:m", base_url=base_url, model_timeout_seconds=timeout, api_key=key
    )
    return Generator(load_chat_model(settings), "openai:m", context_chars=5000)


def answer(asked: Generator) -> Answer:
    *_, last = asked.stream(QUESTION, QUESTION.text, HITS, cancelled=lambda: False)
    assert isinstance(last, Answer)
    return last


def test_an_answer_over_http():
    with openai_server(Script(REPLY)) as script:
        asked = generator(script.base_url, key="k-1")
        events = list(asked.stream(QUESTION, "q", HITS, cancelled=lambda: False))
    *deltas, last = events
    assert [delta.text for delta in deltas if isinstance(delta, Delta)] == [
        "China asked", " the US not to raise", " individual cases.", " [1]"
    ]  # fmt: skip
    assert isinstance(last, Answer)
    assert last.text == "China asked the US not to raise individual cases. [1]"
    assert last.citations[0].quote == TEXT.split(" Nobody")[0]
    (request,) = script.asked
    assert request["stream"] is True
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert "tools" not in request
    assert request["max_completion_tokens"] == 4000
    assert script.keys == ["Bearer k-1"]


def test_a_key_meant_for_openai_is_not_sent_to_a_server_of_ones_own(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-meant-for-openai")
    with openai_server(Script(REPLY)) as script:
        answer(generator(script.base_url))
    assert script.keys == ["Bearer none"]


@pytest.mark.parametrize(
    ("status", "said", "tries"),
    [
        (401, "refused the key (401)", 1),
        (404, "is not known there (404)", 1),
        (429, "no quota is left (429)", 3),
        (500, "failed with status 500", 3),
        (503, "failed with status 503", 3),
    ],
)
def test_an_error_of_the_server_is_a_model_error_after_retries(status, said, tries):
    with openai_server(Script(status=status)) as script, pytest.raises(ModelError) as caught:
        answer(generator(script.base_url))
    assert said in caught.value.message
    assert f"openai:m at {script.base_url.split('/')[2]} " in caught.value.message
    assert caught.value.hint
    assert "secret" not in str(caught.value)
    assert len(script.asked) == tries


def test_a_server_that_is_not_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ModelError, match=f"at 127.0.0.1:{port} could not be reached"):
        answer(generator(f"http://user:secret@127.0.0.1:{port}/v1"))


def test_a_server_that_is_too_slow():
    with (
        openai_server(Script(REPLY, pause_seconds=0.6)) as script,
        pytest.raises(ModelError, match="did not answer in time"),
    ):
        answer(generator(script.base_url, timeout=0.2))


def test_a_stream_that_breaks_off():
    with (
        openai_server(Script(REPLY, break_off=True)) as script,
        pytest.raises(ModelError, match="broke off in the middle of its reply"),
    ):
        answer(generator(script.base_url))


def test_an_empty_reply_over_http():
    with openai_server(Script([])) as script, pytest.raises(ModelError, match="empty reply"):
        answer(generator(script.base_url))


def test_a_stop_closes_the_request():
    with openai_server(Script(REPLY[:1] + [" on"] * 500, pause_seconds=0.01)) as script:
        asked = generator(script.base_url)
        events = asked.stream(QUESTION, "q", HITS, cancelled=lambda: script.sent >= 5)
        *_, last = events
        assert script.closed.wait(5), "the server was never told"
    assert isinstance(last, Answer)
    assert last.note == STOPPED
    assert last.text.startswith("China asked on")
    assert script.sent < 100


def close_ollama(model: object) -> None:
    """Give up its sockets; it has no way of its own to do it."""
    model._client._client.close()
    closing = model._async_client._client.aclose()
    asyncio.run_coroutine_threadsafe(closing, waiting._loop()).result(5)


def ask_ollama(base_url: str) -> Answer:
    pytest.importorskip("langchain_ollama")
    model = load_chat_model(
        Settings(model="ollama:qwen3:8b", base_url=base_url.removesuffix("/v1"))
    )
    try:
        return answer(Generator(model, "ollama:qwen3:8b", context_chars=5000))
    finally:
        close_ollama(model)


def test_an_answer_of_ollama():
    with openai_server(Script(["<think>", "\n", "</think>\n\n", *REPLY])) as script:
        last = ask_ollama(script.base_url)
    assert last.text == "China asked the US not to raise individual cases. [1]"
    (request,) = script.asked
    assert request["model"] == "qwen3:8b"
    assert request["think"] is False
    assert request["options"] == {"num_ctx": 8048, "num_predict": 4000, "temperature": 0}


def test_a_model_that_ollama_has_not_pulled():
    with (
        openai_server(Script(status=404)) as script,
        pytest.raises(ModelError, match=r"is not known there \(404\)") as caught,
    ):
        ask_ollama(script.base_url)
    assert "secret" not in str(caught.value)


def test_ollama_is_not_running():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ModelError, match=f"at 127.0.0.1:{port} could not be reached"):
        ask_ollama(f"http://127.0.0.1:{port}")


def test_ollama_is_given_a_window_that_holds_the_context():
    pytest.importorskip("langchain_ollama")
    model = load_chat_model(Settings(model="ollama:qwen3:8b", base_url="http://127.0.0.1:1"))
    assert model.model == "qwen3:8b"
    assert model.num_ctx >= 12_000 // 2 + 2000
    assert model.client_kwargs == {"timeout": 60.0}


def test_anthropic_takes_key_and_time_out():
    pytest.importorskip("langchain_anthropic")
    model = load_chat_model(Settings(model="anthropic:claude", api_key="k-2"))
    assert model.anthropic_api_key.get_secret_value() == "k-2"
    assert model.default_request_timeout == 60.0
    assert model.max_retries == 0


@pytest.mark.parametrize(
    ("name", "package", "hint"),
    [
        ("ollama:qwen3", "langchain_ollama", "pip install 'footnote[ollama]'"),
        ("google_genai:gemini", "langchain_google_genai", "pip install langchain-google-genai"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch, name, package, hint
):
    from langchain.chat_models import base

    base._get_chat_model_creator.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.chat_models", None)
    with pytest.raises(ModelError, match="needs a package that is not installed") as caught:
        load_chat_model(Settings(model=name))
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("qwen3", "expected PROVIDER:NAME"),
        (":x", "expected PROVIDER:NAME"),
        ("openai:", "expected PROVIDER:NAME"),
        ("nobody:x", "no provider is called 'nobody'"),
    ],
)
def test_a_name_without_a_known_provider_is_a_configuration_error(name, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        load_chat_model(Settings(model=name))
    assert "docs/models.md" in caught.value.hint


def test_a_missing_key_is_said_when_the_model_is_set_up(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelError, match=r"openai:gpt-5 cannot be set up") as caught:
        load_chat_model(Settings(model="openai:gpt-5"))
    assert "FOOTNOTE_API_KEY" in caught.value.hint
