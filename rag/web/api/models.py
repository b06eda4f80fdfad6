"""What the API takes and gives, as its OpenAPI description says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.assistant import MAX_QUESTION_CHARS
from rag.web.history.feedback import MAX_COMMENT_CHARS

MAX_TURNS = 20
MAX_TURN_CHARS = 16_000
MAX_FILTERS = 10
MAX_HITS = 100
MAX_LISTED = 1000

Words = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS, pattern=r"\S")]
TurnText = Annotated[str, Field(max_length=MAX_TURN_CHARS)]
Filters = Annotated[
    list[Annotated[str, Field(max_length=500)]],
    Field(
        default_factory=list,
        max_length=MAX_FILTERS,
        description="Only documents with FIELD=VALUE, FIELD>=VALUE or FIELD<=VALUE.",
    ),
]


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TurnBody(_Taken):
    """An earlier question of the conversation and its answer."""

    question: TurnText
    answer: TurnText


class ChatRequest(_Taken):
    """A question, and the conversation before it: the server remembers nothing."""

    question: Words
    history: list[TurnBody] = Field(
        default_factory=list, max_length=MAX_TURNS, description="Oldest first."
    )
    filters: Filters


class SearchRequest(_Taken):
    """What to search for."""

    query: Words
    k: int = Field(default=10, ge=1, le=MAX_HITS)
    filters: Filters


class FeedbackRequest(_Taken):
    """What a person says of an answer, named by the `answer_id` that came with it."""

    answer_id: str = Field(max_length=64)
    rating: Literal["up", "down"]
    comment: str = Field(default="", max_length=MAX_COMMENT_CHARS)


class SentenceBody(BaseModel):
    """A sentence and the markers of its citations."""

    text: str
    citations: list[int]
    support: Literal["supported", "partial", "unsupported", "no_claim"] | None = Field(
        description="Whether what it cites says it; null when that was not checked."
    )
    moved: bool = Field(description="Whether the check found its citations.")
    break_before: bool = Field(description="Whether a new line begins with it.")


class CitationBody(BaseModel):
    """The exact words that support a sentence: `document.text[start:end] == quote`."""

    marker: int
    doc_id: str
    passage_id: str
    title: str
    source: str
    page: int | None
    start: int
    end: int
    quote: str
    passage: str
    passage_start: int
    section: str


class HitBody(BaseModel):
    """A passage that a search found; a higher score is better, ranks start at 1."""

    doc_id: str
    passage_id: str
    title: str
    source: str
    page: int | None
    start: int
    end: int
    section: str
    score: float
    rank: int
    text: str


class ChoiceBody(BaseModel):
    """One reading of an unclear question: what to show, and the question to ask instead."""

    label: str
    question: str


class ClarificationBody(BaseModel):
    """A short question back, and the readings to choose from."""

    question: str
    choices: list[ChoiceBody]


class AnswerBody(BaseModel):
    """An answer. When `abstained`, the documents do not say, and `hits` are the nearest passages;
    or, with a `clarification`, the question can be read in several ways.

    In the event stream it is the data of the last event, `answer`.
    """

    answer_id: str
    question: str
    query: str
    text: str
    abstained: bool
    confidence: float = Field(ge=0, le=1)
    sentences: list[SentenceBody]
    citations: list[CitationBody]
    hits: list[HitBody]
    answer_span: str | None
    mode: str
    note: str
    note_kind: str = Field(description="What the note says, for other languages; may be empty.")
    note_values: dict[str, str] = Field(description="What stands in the note, by name.")
    unresolved: list[str]
    clarification: ClarificationBody | None
    timings_ms: dict[str, float]


class SearchBody(BaseModel):
    """What a search found, the best first."""

    query: str
    hits: list[HitBody]


class ListedBody(BaseModel):
    """A document without its text."""

    doc_id: str
    title: str
    source: str
    metadata: dict[str, str]


class DocumentsBody(BaseModel):
    """A stretch of the list of documents, and how many there are."""

    documents: list[ListedBody]
    total: int


class SectionBody(BaseModel):
    """A heading and where it begins; level 1 is the outermost."""

    title: str
    level: int
    start: int


class DocumentBody(ListedBody):
    """A document; `text` is its characters from `start` to `end`, of `chars` in all."""

    sections: list[SectionBody]
    page_starts: list[int]
    chars: int
    start: int
    end: int
    text: str


class PageBody(BaseModel):
    """A page of a PDF: its size, and the boxes (left, top, right, bottom) of what was asked for.

    All are in points from the top left of the page as `picture` draws it.
    """

    page: int
    width: float
    height: float
    boxes: list[list[float]]
    picture: str = Field(description="Its picture, a PNG, from where this server begins.")


class PassageBody(BaseModel):
    """A passage: `text` is its document's characters from `start` to `end`.

    With `?pages=true` it comes with the pages of the original file on which it stands, or only the
    characters of the document that `start` and `end` name.
    """

    passage_id: str
    doc_id: str
    title: str
    source: str
    page: int | None
    section: str
    date: str
    start: int
    end: int
    text: str
    pages: list[PageBody] | None = None
    pages_missing: str | None = Field(
        default=None, description="Why no page is shown; empty when there is nothing to say."
    )


class IngestedBody(BaseModel):
    """The documents that a file holds. A search finds them within seconds."""

    doc_ids: list[str]


class Error(BaseModel):
    """What went wrong; `code` is stable, the words are not."""

    code: str
    message: str
    hint: str
    request_id: str


class ErrorBody(BaseModel):
    """Every error has this form."""

    error: Error


class StatusBody(BaseModel):
    """Whether the server is there, or ready."""

    status: str
