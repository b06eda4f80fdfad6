"""What an answer says, as HTML: paragraphs and tables with their markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rag.support_words import remarks
from rag.types import Answer, Citation, Sentence
from rag.web.links import document_url
from rag.web.markup import esc

CELLS = " | "
"""What stands between the cells of a table's row in the text of a document."""

_JOINER = "\u2060"
"""Keeps a marker on the line of the word before it."""


@dataclass(slots=True)
class Block:
    """Sentences that are shown as one paragraph, or as the rows of a table."""

    columns: int
    sentences: list[Sentence] = field(default_factory=list)


def render_written(answer: Answer) -> str:
    """Render the sentences of an answer with their markers, the exact answer marked once."""
    by_marker = {citation.marker: citation for citation in answer.citations}
    span = answer.answer_span
    shown: list[str] = []
    for block in blocks(answer.sentences):
        rows: list[list[str]] = []
        for sentence in block.sentences:
            texts = sentence.text.split(CELLS) if block.columns > 1 else [sentence.text]
            cells = []
            for text in texts:
                marked, span = _with_span(text, span)
                cells.append(marked)
            rows.append(_finished(sentence, cells, by_marker))
        shown.append(_table(rows) if block.columns > 1 else _paragraph(rows))
    return "".join(shown)


def blocks(sentences: Sequence[Sentence]) -> list[Block]:
    """Part sentences into paragraphs and tables.

    The rows of a table begin lines that follow each other and hold the same number of cells.
    """
    found: list[Block] = []
    for sentence, after in zip(sentences, [*sentences[1:], None], strict=True):
        columns = len(sentence.text.split(CELLS))
        last = found[-1] if found else Block(0)
        if columns == last.columns > 1 and sentence.break_before:
            last.sentences.append(sentence)
        elif columns > 1 and after is not None and _goes_on(after, columns):
            found.append(Block(columns, [sentence]))
        elif last.columns == 1 and not sentence.break_before:
            last.sentences.append(sentence)
        else:
            found.append(Block(1, [sentence]))
    return found


def quote_url(citation: Citation) -> str:
    """Return the address of a quote's document, as HTML."""
    passage = citation.passage
    return esc(document_url(passage.doc_id, citation.quote_start, citation.quote_end))


def _goes_on(sentence: Sentence, columns: int) -> bool:
    return sentence.break_before and len(sentence.text.split(CELLS)) == columns


def _finished(
    sentence: Sentence, cells: Sequence[str], by_marker: dict[int, Citation]
) -> list[str]:
    """Wrap what a sentence says; its markers and remarks come after the last of its cells."""
    kind = f"sentence {sentence.support}" if sentence.support else "sentence"
    markers = "".join(_marker(by_marker[marker]) for marker in sentence.markers)
    said = "".join(_remark(*remark) for remark in remarks(sentence))
    *others, last = cells
    wrapped = [f'<span class="{kind}">{cell}</span>' for cell in others]
    # Outside of what may be underlined as doubtful, which a link in it would be too.
    return [*wrapped, f'<span class="{kind}">{last}</span>{markers}{said}']


def _paragraph(rows: Sequence[Sequence[str]]) -> str:
    return f'<p dir="auto">{" ".join(row[0] for row in rows)}</p>'


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *others = rows
    names = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in others)
    return (
        f'<div class="table"><table dir="auto"><thead><tr>{names}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _remark(words: str, meaning: str) -> str:
    return f' <span class="remark" title="{esc(meaning)}">{esc(words)}</span>'


def _with_span(text: str, span: str | None) -> tuple[str, str | None]:
    """Render a text, the exact answer in it marked; return what of it is still to be marked."""
    before, found, after = text.partition(span) if span else (text, "", "")
    if not found:
        return esc(text), span
    return f'{esc(before)}<strong class="exact">{esc(found)}</strong>{esc(after)}', None


def _marker(citation: Citation) -> str:
    label = esc(f"Footnote {citation.marker}: {citation.passage.title}")
    return (
        f'{_JOINER}<sup><a class="marker" data-panel href="{quote_url(citation)}" '
        f'aria-label="{label}" title="{label}">{citation.marker}</a></sup>'
    )
