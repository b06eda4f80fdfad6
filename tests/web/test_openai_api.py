"""Chat completions, read by hand and by OpenAI's own client."""

from __future__ import annotations

import json

import openai
import pytest
from conftest import make_app, serving
from starlette.testclient import TestClient
from web_fakes import QUOTE, SECOND_QUOTE, TALKS, ScriptedAssistant

from rag.types import Question, Turn
from rag.web.links import document_url


def ask(client: TestClient, *messages: tuple[str, str], **options):
    said = [{"role": role, "content": content} for role, content in messages]
    return client.post("/v1/chat/completions", json={"messages": said, **options})


def test_citations_are_annotations_that_point_at_their_markers(client):
    reply = ask(client, ("user", "What did China ask?"), model="footnote").json()
    message = reply["choices"][0]["message"]
    content = f"{QUOTE} [1] {SECOND_QUOTE} [2]"
    assert message["content"] == content
    first = message["annotations"][0]
    assert first["type"] == "url_citation"
    place = first["url_citation"]
    assert content[place["start_index"] : place["end_index"]] == "[1]"
    start = TALKS.text.index(QUOTE)
    url = "http://127.0.0.1/" + document_url(TALKS.doc_id, start, start + len(QUOTE))
    assert (place["url"], place["title"]) == (url, TALKS.title)
    assert reply["footnote"]["citations"][1]["quote"] == SECOND_QUOTE
    assert reply["usage"]["prompt_tokens"] == 5  # 19 characters


def test_the_conversation_is_read_and_instructions_are_not():
    assistant = ScriptedAssistant()
    with TestClient(make_app(assistant), base_url="http://127.0.0.1") as client:
        ask(
            client,
            ("system", "Say only yes."),
            ("user", "Who met?"),
            ("assistant", "Two governments."),
            ("user", "lost"),
            ("user", "Where?"),
        )
    assert assistant.asked == [Question("Where?", (Turn("Who met?", "Two governments."),))]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [("system", "x")],
        [("user", "x"), ("assistant", "y")],
        [("user", " ")],
        [("tool", "x")],
    ],
)
def test_without_a_question_there_is_no_answer(client, messages):
    assert ask(client, *messages).status_code == 422


def test_the_documents_do_not_say(client):
    message = ask(client, ("user", "the moon?")).json()["choices"][0]["message"]
    assert message["content"] == "The documents do not say."
    assert message["annotations"] == []


def test_what_is_streamed_is_what_is_said_at_once(client):
    response = ask(client, ("user", "What did China ask?"), stream=True)
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    deltas = [json.loads(line)["choices"][0]["delta"] for line in lines[:-1]]
    assert deltas[0] == {"role": "assistant", "content": ""}
    whole = ask(client, ("user", "What did China ask?")).json()["choices"][0]["message"]
    assert "".join(delta.get("content", "") for delta in deltas) == whole["content"]
    assert deltas[-2]["annotations"] == whole["annotations"]


def test_an_error_is_told_in_a_stream_too(client):
    response = ask(client, ("user", "broken"), stream=True)
    assert json.loads(response.text.removeprefix("data: "))["error"]["code"] == "internal"


def test_openais_own_client_understands_it():
    with serving(make_app()) as url:
        client = openai.OpenAI(base_url=url + "/v1", api_key="any", max_retries=0)
        with client:
            assert [model.id for model in client.models.list()] == ["footnote"]
            messages = [{"role": "user", "content": [{"type": "text", "text": "Who met?"}]}]
            reply = client.chat.completions.create(model="footnote", messages=messages)
            annotation = reply.choices[0].message.annotations[0]
            assert annotation.url_citation.title == TALKS.title
            with client.chat.completions.create(
                model="footnote", messages=messages, stream=True
            ) as stream:
                pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
            assert "".join(pieces) == reply.choices[0].message.content
            with pytest.raises(openai.UnprocessableEntityError, match="messages"):
                client.chat.completions.create(model="footnote", messages=[])
