"""A second opinion on checked sentences: the chat model itself may doubt them, never approve."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_core.prompts import ChatPromptTemplate

from rag.answering.chat.context import as_data
from rag.answering.chat.models import messages, provider_errors
from rag.answering.chat.prompts import load_prompt
from rag.answering.chat.waiting import Waits
from rag.answering.checking.support import Checked
from rag.errors import ModelError
from rag.types import Support

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

log = logging.getLogger(__name__)

MAX_CLAIMS = 30
"""Longer answers are judged up to here: one request has to do."""

_VERDICT = re.compile(r"^\W*(\d{1,2})\W+(yes|partly|no)\b", re.IGNORECASE | re.MULTILINE)
_SAID: dict[str, Support] = {"yes": "supported", "partly": "partial", "no": "unsupported"}
_RANK: dict[Support, int] = {"unsupported": 0, "partial": 1, "supported": 2}
_MOST: dict[Support, float] = {"unsupported": 0.2, "partial": 0.5, "supported": 1.0}
_THINKING = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_MAX_REPLY_CHARS = 4000


class SecondOpinion:
    """Asks a chat model about what is at least partly supported, all in one request.

    It has `seconds` for that. When it fails, is late or says something else, the verdicts stay.

    Raises:
        ConfigurationError: the prompt cannot be used.
    """

    def __init__(self, model: BaseChatModel, name: str, *, seconds: float) -> None:
        prompt = load_prompt("opinion")
        self._name = name
        self._model = model
        self._waits = Waits(seconds, seconds, whole=True)
        self._chain: Runnable[dict[str, str], AIMessage] = (
            ChatPromptTemplate.from_messages(prompt.messages) | model
        )

    def on(self, checked: Sequence[Checked], *, cancelled: Callable[[], bool]) -> list[Checked]:
        """Return the sentences with the verdicts of those that the model doubts lowered.

        One that it finds unsupported loses its quotes, as any other that nobody could verify.
        """
        asked = [i for i, one in enumerate(checked) if _RANK.get(one.support, 0) > 0][:MAX_CLAIMS]
        if not asked:
            return list(checked)
        claims = "\n\n".join(_claim(number, checked[i]) for number, i in enumerate(asked, start=1))
        said = verdicts(self._ask(claims, cancelled))
        doubts = {i: said[number] for number, i in enumerate(asked, start=1) if number in said}
        return [lowered(one, doubts[i]) if i in doubts else one for i, one in enumerate(checked)]

    def _ask(self, claims: str, cancelled: Callable[[], bool]) -> str:
        """Return the reply, "" when there is none in time."""
        reply = ""
        parts = messages(self._chain, {"claims": claims}, self._waits, self._model)
        try:
            with provider_errors(self._name, self._model):
                for part in parts:
                    reply += "" if part is None else str(part.text)
                    if cancelled() or len(reply) > _MAX_REPLY_CHARS:
                        return ""
        except ModelError as error:
            log.info("No second opinion: %s", error.message)
            return ""
        finally:
            parts.close()
        return reply


def verdicts(reply: str) -> dict[int, Support]:
    """Read the lines of a reply, "1: NO"; a number that comes twice has its lowest verdict."""
    found: dict[int, Support] = {}
    for match in _VERDICT.finditer(_THINKING.sub("", reply)):
        number, said = int(match[1]), _SAID[match[2].lower()]
        if number not in found or _RANK[said] < _RANK[found[number]]:
            found[number] = said
    return found


def lowered(one: Checked, opinion: Support) -> Checked:
    """Return a sentence with the lower of two verdicts."""
    if one.support == "no_claim" or _RANK[opinion] >= _RANK[one.support]:
        return one
    quotes = () if opinion == "unsupported" else one.draft.quotes
    draft = replace(
        one.draft, quotes=quotes, support=opinion, moved=one.draft.moved and bool(quotes)
    )
    return Checked(draft, opinion, min(one.probability, _MOST[opinion]))


def _claim(number: int, one: Checked) -> str:
    quotes = " […] ".join(" ".join(quote.text.split()) for quote in one.draft.quotes)
    return (
        f'<claim number="{number}">{as_data(one.draft.text)}</claim>\n'
        f'<quotation number="{number}">{as_data(quotes)}</quotation>'
    )
