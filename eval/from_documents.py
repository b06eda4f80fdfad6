"""Draft cases from the documents themselves: sentences worth asking about, from all of them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.dataset import fingerprint
from eval.drafts import Draft
from eval.metrics.spans import contains_answer
from rag.answering.chat.models import provider_errors
from rag.answering.chat.prompts import load_prompt
from rag.answering.text.candidates import candidates
from rag.errors import ConfigurationError, InputError
from rag.store.catalog import Catalog
from rag.types import Document, Hit, Passage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_PROMPT = "draft"
_VARIABLES = frozenset({"title", "sentence", "around"})
_LEAST_CHARS, _MOST_CHARS = 40, 300
_AROUND_CHARS = 600
_LETTERS = 0.7
_SAID = re.compile(
    r"^\W*(QUESTION|ANSWER|UNANSWERED)\W*:[ \t*_]*([^\s*_].*?)[ \t*_]*$", re.MULTILINE
)
_LEANING = re.compile(
    r"(it|its|this|that|these|those|they|their|he|she|his|her|such|here|there|then|also|but|and|or|so|"
    r"however|for example|for instance|in addition|otherwise|instead|thus|therefore|see|note)\b",
    re.IGNORECASE,
)
"""The first words of a sentence that leans on the one before."""
_FACT = re.compile(r"\d|(?<=[a-z,] )[A-Z][a-z]+")
"""A figure, or a name within a sentence."""


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence that a question can be asked of; offsets are in the document."""

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        return " ".join(self.document.text[self.start : self.end].split())

    @property
    def around(self) -> str:
        first = max(0, self.start - _AROUND_CHARS)
        return self.document.text[first : self.end + _AROUND_CHARS]


def sentences_to_ask(catalog: Catalog, count: int, seed: int = 0) -> list[Found]:
    """Draw sentences that state a fact, a document after the other, so that each has its share.

    Raises:
        InputError: no document states one.
    """
    rng = random.Random(seed)
    infos = catalog.documents()
    rng.shuffle(infos)
    left: list[list[Found]] = []
    for info in infos:
        # Only as many documents are opened as questions are wanted, and some to fall back on.
        if len(left) >= count:
            break
        document = catalog.document(info.doc_id)
        if document is not None and (found := _facts(document)):
            rng.shuffle(found)
            left.append(found)
    drawn: list[Found] = []
    while len(drawn) < count and any(left):
        drawn += [found.pop() for found in left if found][: count - len(drawn)]
    if not drawn:
        raise InputError(
            "No document of the store has a sentence to ask about.", "Add some: footnote ingest"
        )
    return drawn


def draft_of(found: Found) -> Draft:
    """Return a draft without a question: a person writes it."""
    return {
        "id": f"draft-{fingerprint([found.document.source, found.text])[:8]}",
        "question": "",
        "answerable": True,
        "answers": [],
        "relevant": [{"source": found.document.source, "quote": found.text}],
        "tags": ["draft"],
        "comment": "Write a question that the quote answers, in words of your own, and a short "
        "answer; or delete the row.",
    }


def written_drafts(
    sentences: Sequence[Found],
    model: BaseChatModel,
    name: str,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Draft]:
    """Let a chat model write a question of each sentence, and one that nothing there answers.

    Raises:
        ConfigurationError: the prompt is damaged.
        ModelError: the model cannot be reached.
    """
    from langchain_core.prompts import ChatPromptTemplate

    prompt = load_prompt(_PROMPT)
    if prompt.variables != _VARIABLES:
        raise ConfigurationError(
            f"prompts/{_PROMPT}.md must use {', '.join(sorted(_VARIABLES))}.",
            "Restore the file from the project.",
        )
    template = ChatPromptTemplate.from_messages(prompt.messages)
    for number, found in enumerate(sentences, start=1):
        messages = template.format_messages(
            title=found.document.title, sentence=found.text, around=found.around
        )
        with provider_errors(name, model):
            reply = model.invoke(messages)
        yield from read_reply(str(reply.text), found)
        on_done(number, len(sentences))


def read_reply(reply: str, found: Found) -> list[Draft]:
    """Make drafts of a reply; what it does not say is left to the person.

    An answer that the sentence does not contain is not taken.
    """
    said = dict(_SAID.findall(reply))
    draft = draft_of(found)
    if "QUESTION" not in said:
        return [draft]
    draft["question"] = said["QUESTION"]
    draft["comment"] = "Draft of a chat model. Check that the quote answers it."
    if "ANSWER" in said and contains_answer(found.text, [said["ANSWER"]]):
        draft["answers"] = [said["ANSWER"]]
    else:
        draft["comment"] += " Its answer is not in the quote: write one."
    drafts = [draft]
    if "UNANSWERED" in said:
        drafts.append(
            {
                "id": f"{draft['id']}-not",
                "question": said["UNANSWERED"],
                "answerable": False,
                "answers": [],
                "relevant": [],
                "tags": ["draft", "near-miss"],
                "comment": "Draft of a chat model. Check that no document answers it, beginning "
                f"with {found.document.source}.",
            }
        )
    return drafts


def _facts(document: Document) -> list[Found]:
    """List the sentences of a document that state a fact and stand for themselves."""
    text = document.text
    whole = Passage("", document.doc_id, text, 0, len(text), document.title, document.source)
    found = [
        Found(document, one.start, one.end) for one in candidates([Hit(whole, score=0.0, rank=1)])
    ]
    return [one for one in found if _states_a_fact(one.text)]


def _states_a_fact(text: str) -> bool:
    letters = sum(character.isalpha() or character.isspace() for character in text)
    return (
        _LEAST_CHARS <= len(text) <= _MOST_CHARS
        and text.endswith((".", "!"))
        and (text[0].isupper() or text[0].isdigit())
        and letters >= _LETTERS * len(text)
        and "://" not in text
        and not _LEANING.match(text)
        and _FACT.search(text) is not None
    )
