"""What the chat completions take and give, as their OpenAPI description says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.web.api.models import MAX_TURN_CHARS, MAX_TURNS, AnswerBody

MODEL = "footnote"


class TextPart(BaseModel):
    """A part of a message; only text is understood."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=MAX_TURN_CHARS)]


class Message(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, Field(max_length=MAX_TURN_CHARS)] | list[TextPart]

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class CompletionRequest(BaseModel):
    """A conversation whose last message is the question; other settings are taken and ignored."""

    model_config = ConfigDict(extra="ignore")

    messages: list[Message] = Field(min_length=1, max_length=2 * MAX_TURNS + 2)
    model: str = MODEL
    stream: bool = False


class UrlCitation(BaseModel):
    """A place in a document; `content[start_index:end_index]` is its marker, as in `[1]`."""

    url: str
    title: str
    start_index: int
    end_index: int


class Annotation(BaseModel):
    """What a stretch of the content refers to."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class Reply(BaseModel):
    """The answer as a message."""

    role: Literal["assistant"]
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """There is one choice."""

    index: int
    message: Reply
    finish_reason: Literal["stop"]
    logprobs: None = None


class Completion(BaseModel):
    """A completion; `footnote` is the whole answer, as /api/v1/chat gives it."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: dict[str, int]
    footnote: AnswerBody


class ModelBody(BaseModel):
    """Something that answers."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelsBody(BaseModel):
    """What answers; there is one."""

    object: Literal["list"]
    data: list[ModelBody]
