"""Passages as a chat model is given them: numbered, delimited, and only ever data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.chat.markers import MARKER, NO_ANSWER
from rag.types import Hit, Turn

_MAX_HEADING_CHARS = 200
_MAX_TURN_CHARS = 600
_TURNS = 3
_SEPARATOR = "\n\n"
_HARMLESS = str.maketrans({"<": "‹", ">": "›", "＜": "‹", "＞": "›", "\0": None})
_CONTROL_TOKEN = re.compile(r"\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS))\]")


@dataclass(frozen=True, slots=True)
class Context:
    """The numbered passages as text; `hits[i]` is what marker i + 1 points to."""

    text: str
    hits: tuple[Hit, ...]


def build_context(hits: Sequence[Hit], *, max_chars: int) -> Context:
    """Number passages from 1 in rank order, as many as fit into `max_chars`.

    The best stand first and last and the weakest in the middle, where models read least
    carefully (Liu et al., "Lost in the Middle", 2023); the numbers still tell the rank. A passage
    that does not fit is left out, and a smaller one after it may be taken; only the best is cut
    when it alone is too long.
    """
    blocks: list[str] = []
    taken: list[Hit] = []
    room = max_chars
    for hit in sorted(hits, key=lambda hit: hit.rank):
        block = _block(hit, len(taken) + 1)
        if not taken and len(block) > room:
            block = _block(hit, 1, too_long_by=len(block) - room)
        if len(block) <= room:
            blocks.append(block)
            taken.append(hit)
            room -= len(block) + len(_SEPARATOR)
    return Context(_SEPARATOR.join(blocks[0::2] + blocks[1::2][::-1]), tuple(taken))


def conversation(history: Sequence[Turn]) -> str:
    """Return the last turns as text, without markers and shortened, or "(none)"."""
    lines = []
    for turn in history[-_TURNS:]:
        lines.append(f"Question: {_short(turn.question)}")
        lines.append(f"Answer: {_short(MARKER.sub('', turn.answer)) or '(none)'}")
    return "\n".join(lines) or "(none)"


def as_data(text: str) -> str:
    """Return text that can neither end a delimiter nor be a marker or a model's control token.

    Angle brackets become single guillemets, which breaks tags and tokens such as `<|im_end|>`
    alike; "[1]" becomes "(1)". Everything else stays, so that it can be quoted.
    """
    text = text.translate(_HARMLESS).replace(NO_ANSWER, "(no answer)")
    text = MARKER.sub(lambda match: f"({match.group().strip('[]【】').strip()})", text)
    return _CONTROL_TOKEN.sub(r"(\1)", text)


def _block(hit: Hit, number: int, *, too_long_by: int = 0) -> str:
    passage = hit.passage
    about = (("title", passage.title), ("section", passage.section), ("date", passage.date))
    named = "".join(f' {name}="{_heading(value)}"' for name, value in about if value)
    text = as_data(passage.text)
    text = text[: max(0, len(text) - too_long_by)]
    return f'<passage number="{number}"{named}>\n{text}\n</passage>'


def _heading(value: str) -> str:
    return " ".join(as_data(value).replace('"', "”").split())[:_MAX_HEADING_CHARS]


def _short(text: str) -> str:
    return " ".join(as_data(text).split())[:_MAX_TURN_CHARS]
