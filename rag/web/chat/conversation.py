"""The conversation as the chat page shows it: the HTML of its turns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.support_words import text_with_remarks
from rag.types import Answer, Citation, Clarification, Hit
from rag.web.chat.thumbs import render_thumbs
from rag.web.chat.written import quote_url, render_written
from rag.web.history.turns import ABSTAINED, Notice, Status, TurnView
from rag.web.links import document_url
from rag.web.markup import esc, shorten

NEAREST_SHOWN = 3
QUOTE_CHARS = 150
SNIPPET_CHARS = 220

_MARKER = re.compile(r"\s*\[(\d{1,3})\]")
_UNLINKED = r"<sup><span class=marker>\1</span></sup>"


def render_turns(turns: Sequence[TurnView]) -> list[str]:
    """Render each turn as one element; only the last offers to be tried again."""
    is_busy = any(turn.is_running for turn in turns)
    return [
        _turn(turn, number, is_last=number == len(turns), is_busy=is_busy)
        for number, turn in enumerate(turns, start=1)
    ]


def render_notice(notice: Notice | None) -> str:
    """Render a notice, "" when there is none."""
    if notice is None:
        return ""
    hint = f'<span class="hint">{esc(notice.hint)}</span>' if notice.hint else ""
    return f'<div class="notice" role="alert"><span>{esc(notice.message)}</span>{hint}</div>'


def confidence_words(confidence: float) -> str:
    """Say a probability in words and as a percentage."""
    if confidence >= 0.85:
        word = "High"
    elif confidence >= 0.65:
        word = "Moderate"
    else:
        word = "Low"
    return f"{word} confidence, {round(confidence * 100)} %"


def _turn(turn: TurnView, number: int, *, is_last: bool, is_busy: bool) -> str:
    busy = "true" if turn.is_running else "false"
    return (
        f'<article class="turn" id="turn-{number}" aria-label="Question {number}">'
        f'<h2 class="question" dir="auto">{esc(turn.question)}</h2>'
        f"{_searched(turn, can_edit=is_last and not is_busy)}"
        f'<div class="answer" aria-busy="{busy}">'
        f"{_body(turn, number, can_choose=is_last and not is_busy)}</div>"
        f"{_actions(turn, number, is_last=is_last, is_busy=is_busy)}</article>"
    )


def _searched(turn: TurnView, *, can_edit: bool) -> str:
    """Say what was searched for when that is not the question; the last one can be changed."""
    query = turn.answer.query if turn.answer is not None else ""
    if not query or query.strip() == turn.question.strip():
        return ""
    if not can_edit:
        return f'<p class="searched" dir="auto">Searched for: {esc(query)}</p>'
    return (
        f'<details class="searched"><summary dir="auto">Searched for: {esc(query)}</summary>'
        '<div class="search-again">'
        f'<input type="text" value="{esc(query)}" aria-label="What to search for" dir="auto">'
        '<button type="button" data-action="search">Search for this</button></div></details>'
    )


def _body(turn: TurnView, number: int, *, can_choose: bool) -> str:
    if turn.answer is not None:
        return _answer(turn.answer, number, can_choose=can_choose)
    written = _partial(turn.partial)
    if turn.status is Status.SEARCHING:
        return '<p class="progress">Searching the documents…</p>'
    if turn.status is Status.READING:
        passages = "1 passage" if turn.found == 1 else f"{turn.found} passages"
        return written or f'<p class="progress">Reading {passages}…</p>'
    if turn.status is Status.STOPPED:
        return written + '<p class="stopped">You stopped this answer.</p>'
    return render_notice(turn.problem)


def _partial(text: str) -> str:
    """Render an answer in the making; its markers become links when it is complete."""
    lines = [line for line in text.split("\n") if line.strip()]
    return "".join(f'<p dir="auto">{_MARKER.sub(_UNLINKED, esc(line))}</p>' for line in lines)


def _answer(answer: Answer, number: int, *, can_choose: bool) -> str:
    note = _note(answer.note) if answer.note else ""
    if answer.clarification is not None:
        return note + _clarification(answer.clarification, can_choose=can_choose)
    if answer.abstained:
        return note + _abstention(answer.hits)
    return note + render_written(answer) + _footnotes(answer.citations, number)


def _note(words: str) -> str:
    return f'<div class="notice" role="note"><span>{esc(words)}</span></div>'


def _clarification(asked: Clarification, *, can_choose: bool) -> str:
    """Render a question back; the last turn's can be answered by a click."""
    locked = "" if can_choose else " disabled"
    items = "".join(
        f'<li><button type="button" data-action="choose" data-index="{index}" dir="auto"{locked}>'
        f"{esc(choice.label)}</button></li>"
        for index, choice in enumerate(asked.choices)
    )
    said = f'<p class="asked-back" dir="auto">{esc(asked.question)}</p>'
    return f'{said}<ul class="choices">{items}</ul>'


def _abstention(hits: Sequence[Hit]) -> str:
    said = f'<p class="abstained">{ABSTAINED}</p>'
    if not hits:
        return said + '<p class="aside">No passage comes near this question.</p>'
    items = "".join(_nearest(hit) for hit in hits[:NEAREST_SHOWN])
    return (
        said
        + '<p class="aside">Nothing in them supports an answer well enough. '
        + "These passages come nearest; they may be about something else.</p>"
        + f'<h3 class="label">Nearest passages</h3><ul class="notes nearest">{items}</ul>'
    )


def _nearest(hit: Hit) -> str:
    passage = hit.passage
    url = esc(document_url(passage.doc_id, passage.start, passage.end))
    heading = passage.section.rpartition(" › ")[2] or passage.title
    snippet = shorten(passage.text.removeprefix(heading), SNIPPET_CHARS)
    return (
        f'<li><a class="note" data-panel href="{url}">'
        f'<span class="note-title" dir="auto">{esc(_place(passage.title, passage.section))}</span>'
        f'<span class="note-quote" dir="auto">{esc(snippet)}</span>'
        "</a></li>"
    )


def _footnotes(citations: Sequence[Citation], number: int) -> str:
    if not citations:
        return ""
    items = "".join(
        f'<li><a class="note" data-panel href="{quote_url(citation)}">'
        f'<span class="note-number">{citation.marker}</span>'
        f'<span class="note-title" dir="auto">{esc(_cited_place(citation))}</span>'
        f"{_quoted(citation.quote)}</a></li>"
        for citation in sorted(citations, key=lambda citation: citation.marker)
    )
    return f'<h3 class="label" id="notes-{number}">Footnotes</h3><ol class="notes">{items}</ol>'


def _quoted(quote: str) -> str:
    """Render the beginning of a quote, and for paper the whole of it."""
    short = shorten(quote, QUOTE_CHARS)
    shown = f'<span class="note-quote" dir="auto">{esc(short)}</span>'
    if not short.endswith("…"):
        return shown
    return f'{shown}<span class="note-whole" dir="auto">{esc(quote)}</span>'


def _cited_place(citation: Citation) -> str:
    passage = citation.passage
    page = f"page {passage.page}" if passage.page else ""
    return _place(passage.title, page)


def _place(title: str, detail: str) -> str:
    return f"{title} · {detail}" if detail and detail != title else title


def _actions(turn: TurnView, number: int, *, is_last: bool, is_busy: bool) -> str:
    if turn.is_running:
        return ""
    parts: list[str] = []
    below = ""
    answer = turn.answer
    if answer is not None and not answer.abstained:
        meaning = "How likely it is that the cited words answer the question"
        words = confidence_words(answer.confidence)
        parts.append(f'<span class="confidence" title="{meaning}">{words}</span>')
        parts.append(f'<span class="answered-by">{esc(mode_name(answer.mode))}</span>')
        copied = esc(plain_text(answer))
        parts.append(f'<button type="button" data-copy="{copied}">Copy</button>')
    if is_last:
        parts.append('<button type="button" data-action="retry">Try again</button>')
    if answer is not None:
        thumbs, below = render_thumbs(turn.feedback, number, is_locked=is_busy)
        parts.append(thumbs)
    return f'<div class="actions">{"".join(parts)}</div>{below}' if parts else ""


def mode_name(mode: str) -> str:
    """Name what answers, for people."""
    return "Built-in reader" if mode == "reader" else mode


def plain_text(answer: Answer) -> str:
    """Return the answer with its footnotes written out, for the clipboard."""
    notes = (
        f"[{citation.marker}] {_cited_place(citation)}: “{' '.join(citation.quote.split())}”"
        for citation in answer.citations
    )
    return "\n\n".join((text_with_remarks(answer), "\n".join(notes)))
