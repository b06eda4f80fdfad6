"""The chat completions of OpenAI, for programs that speak only those; citations are annotations.

Only what was checked is sent: the stream begins when the answer is there, sentence by sentence.
System messages are ignored: nobody instructs what answers. `usage` counts characters / 4, as there
is no tokenizer.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Scope

from rag.errors import InputError
from rag.types import Answer, Citation, Question, Turn
from rag.web.api.events import EVENT_STREAM, EVENTS, SSE_HEADERS
from rag.web.api.openai_models import MODEL, Completion, CompletionRequest, Message, ModelsBody
from rag.web.api.services import Json, Services, errors, remembered
from rag.web.gate.audit import note
from rag.web.history.turns import ABSTAINED
from rag.web.links import document_url
from rag.web.problems import internal, logged, problem_to_dict
from rag.web.public import site_of
from rag.web.workers import Walk


def openai_router(services: Services) -> APIRouter:
    """Build the routes that programs for OpenAI's server ask."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"])

    @router.get("/models", response_model=ModelsBody, responses=errors())
    def models() -> Response:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "footnote"}
        return Json({"object": "list", "data": [model]})

    @router.post(
        "/chat/completions",
        summary="Ask, as OpenAI's programs do",
        response_model=Completion,
        responses={
            200: {"content": EVENTS},
            **errors(409, 411, 413, 422, 502, 503),
        },
    )
    async def complete(body: CompletionRequest, request: Request) -> Response:
        question = question_of(body.messages)
        note(request.scope, question=question.text)
        walk = Walk(services.workers, services.view(request.scope).assistant, question, ())
        base = site_of(request)
        if body.stream:
            stream = _chunks(walk, services, request.scope, base)
            return StreamingResponse(stream, media_type=EVENT_STREAM, headers=SSE_HEADERS)
        answer = await walk.answer()
        if answer is None:
            raise internal()
        return Json(completion(answer, remembered(answer, services, request.scope), base))

    return router


def question_of(messages: Sequence[Message]) -> Question:
    """Read a conversation: the last message asks, earlier pairs are the history.

    Raises:
        InputError: the last message is not a question of the user.
    """
    said = [message for message in messages if message.role in ("user", "assistant")]
    if not said or said[-1].role != "user" or not said[-1].text.strip():
        raise InputError(
            "The last message is not a question.", 'It must have the role "user" and hold text.'
        )
    turns: list[Turn] = []
    asked = ""
    for message in said[:-1]:
        if message.role == "user":
            asked = message.text
        elif asked:
            turns.append(Turn(asked, message.text))
            asked = ""
    return Question(said[-1].text, tuple(turns))


def completion(answer: Answer, as_json: dict[str, Any], base: str) -> dict[str, Any]:
    """Return an answer as a chat completion; `base` is where the documents' pages are."""
    content, annotations = _content(answer, base)
    reply = {
        "role": "assistant",
        "content": content,
        "refusal": None,
        "annotations": annotations,
    }
    asked, said = _tokens(answer.question.text), _tokens(content)
    return {
        "id": f"chatcmpl-{as_json['answer_id']}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": reply, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
        "footnote": as_json,
    }


def _content(answer: Answer, base: str) -> tuple[str, list[dict[str, Any]]]:
    """Return what is said, and for each marker in it the place that it refers to."""
    if answer.abstained:
        return unanswered(answer), []
    by_marker = {citation.marker: citation for citation in answer.citations}
    content = ""
    annotations: list[dict[str, Any]] = []
    for sentence in answer.sentences:
        if content:
            content += "\n" if sentence.break_before else " "
        content += sentence.text
        for marker in sentence.markers:
            start = len(content) + 1
            content += f" [{marker}]"
            annotations.append(_annotation(by_marker[marker], start, len(content), base))
    return content, annotations


def unanswered(answer: Answer) -> str:
    """Return what is said instead of an answer: that there is none, or a question back."""
    if answer.clarification is None:
        return ABSTAINED
    asked = answer.clarification
    return "\n".join([asked.question, *(f"- {choice.label}" for choice in asked.choices)])


def _annotation(citation: Citation, start: int, end: int, base: str) -> dict[str, Any]:
    passage = citation.passage
    url = f"{base}/" + document_url(passage.doc_id, citation.quote_start, citation.quote_end)
    place = {"url": url, "title": passage.title, "start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": place}


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4


async def _chunks(walk: Walk, services: Services, scope: Scope, base: str) -> AsyncIterator[str]:
    """Write a completion in chunks: the role, the sentences, the annotations, the end."""
    answer: Answer | None = None
    try:
        async for event in walk.events():
            if event is None:
                yield ": still here\n\n"
            elif isinstance(event, Answer):
                answer = event
        if answer is None:
            raise internal()
    except Exception as error:  # noqa: BLE001 - an edge: one chat turn, whose headers are sent
        yield _data(problem_to_dict(logged(error, scope), scope))
        return
    finally:
        walk.stop()
    whole = completion(answer, remembered(answer, services, scope), base)
    reply = whole["choices"][0]["message"]
    head = {key: whole[key] for key in ("id", "created", "model")}
    yield _chunk(head, {"role": "assistant", "content": ""})
    for piece in _pieces(answer):
        yield _chunk(head, {"content": piece})
    yield _chunk(head, {"annotations": reply["annotations"]})
    yield _chunk(head, {}, finish="stop")
    yield "data: [DONE]\n\n"


def _pieces(answer: Answer) -> list[str]:
    """Cut what is said after its sentences; joined, the pieces are the content."""
    if answer.abstained:
        return [unanswered(answer)]
    pieces: list[str] = []
    for sentence in answer.sentences:
        before = ("\n" if sentence.break_before else " ") if pieces else ""
        pieces.append(before + sentence.text + "".join(f" [{m}]" for m in sentence.markers))
    return pieces


def _chunk(head: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _data({**head, "object": "chat.completion.chunk", "choices": [choice]})


def _data(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
