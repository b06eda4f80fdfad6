"""What Ollama and Anthropic send, replayed in the shapes that they document."""

from __future__ import annotations

import pytest
from replay_server import failed, recorded
from test_waiting import answer, asking

from rag.errors import ModelError

# Blocks that are neither text nor thinking make langchain-anthropic warn when no tool was given.
pytestmark = pytest.mark.filterwarnings("ignore:Received unexpected tool content block")

RIGHT = "China asked the US not to raise individual cases. [1]"


@pytest.mark.parametrize("name", ["ollama-answer.ndjson", "ollama-thinking.ndjson"])
def test_an_answer_of_ollama(name):
    with asking("ollama", recorded(name)) as (served, generator):
        found = answer(generator)
    assert (found.text, found.unresolved) == (RIGHT, ())
    assert served.paths == ["/api/chat"]
    (request,) = served.asked
    assert (request["model"], request["stream"], request["think"]) == ("m", True, False)
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert request["options"] == {"num_ctx": 8048, "num_predict": 4000, "temperature": 0}
    assert not request.get("tools")


@pytest.mark.parametrize("name", ["anthropic-answer.sse", "anthropic-thinking.sse"])
def test_an_answer_of_anthropic(name):
    with asking("anthropic", recorded(name)) as (served, generator):
        found = answer(generator)
    assert (found.text, found.unresolved) == (RIGHT, ())
    assert served.paths == ["/v1/messages"]
    (request,) = served.asked
    assert (request["model"], request["stream"], request["max_tokens"]) == ("m", True, 4000)
    assert [message["role"] for message in request["messages"]] == ["user"]
    assert "You answer questions from numbered passages" in str(request["system"])
    assert "tools" not in request
    sent = served.headers[0]
    assert "k-1" in (sent.get("x-api-key"), sent.get("authorization", "").removeprefix("Bearer "))


@pytest.mark.parametrize(
    ("provider", "name"),
    [("ollama", "ollama-length.ndjson"), ("anthropic", "anthropic-max-tokens.sse")],
)
def test_a_reply_that_ran_out_of_tokens_keeps_what_was_said(provider, name):
    with asking(provider, recorded(name)) as (_, generator):
        found = answer(generator)
    assert found.text.startswith("China asked the US not to")
    assert not found.abstained


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("ollama", "ollama-tool-call.ndjson"),
        ("anthropic", "anthropic-tool-call.sse"),
        ("anthropic", "anthropic-refusal.sse"),
    ],
)
def test_a_reply_without_words_is_no_answer(provider, name):
    with (
        asking(provider, recorded(name)) as (_, generator),
        pytest.raises(ModelError, match="returned an empty reply"),
    ):
        answer(generator)


@pytest.mark.parametrize(
    ("provider", "name"),
    [("ollama", "ollama-error.ndjson"), ("anthropic", "anthropic-overloaded.sse")],
)
def test_an_error_in_the_middle_is_no_answer_and_is_not_repeated(provider, name):
    with (
        asking(provider, recorded(name)) as (served, generator),
        pytest.raises(ModelError) as caught,
    ):
        answer(generator)
    assert "secret" not in str(caught.value)
    assert len(served.asked) == 1


def error(kind: str) -> dict[str, object]:
    """An error as Anthropic writes it."""
    said = {"type": kind, "message": "no, sk-secret"}
    return {"type": "error", "error": said, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}


@pytest.mark.parametrize(
    ("provider", "status", "body", "said"),
    [
        ("anthropic", 401, error("authentication_error"), "refused the key (401)"),
        ("anthropic", 404, error("not_found_error"), "is not known there (404)"),
        ("anthropic", 429, error("rate_limit_error"), "too many requests, or no quota"),
        ("anthropic", 500, error("api_error"), "failed with status 500"),
        ("anthropic", 529, error("overloaded_error"), "is overloaded (529)"),
        ("ollama", 404, {"error": "model 'm' not found, sk-secret"}, "is not known there (404)"),
        ("ollama", 500, {"error": "llama runner stopped, sk-secret"}, "failed with status 500"),
        ("ollama", 503, {"error": "server busy, sk-secret"}, "failed with status 503"),
    ],
)
def test_an_error_is_said_in_our_words(provider, status, body, said):
    busy = failed(status, body, "retry-after: 0")
    with asking(provider, busy) as (served, generator), pytest.raises(ModelError) as caught:
        answer(generator)
    assert said in caught.value.message
    assert served.url.removeprefix("http://") in caught.value.message
    assert "secret" not in str(caught.value)
    assert len(served.asked) == (1 if status in (401, 404) else 3)
