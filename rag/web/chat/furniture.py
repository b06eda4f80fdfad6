"""What stands around the conversation: top bar, list of documents, welcome, panel."""

from __future__ import annotations

from collections.abc import Sequence

from rag.web.chat.conversation import mode_name
from rag.web.links import document_url
from rag.web.markup import esc
from rag.web.seams import ListedDocument

LISTED_DOCUMENTS = 300
"""How many documents the list shows; the others are reached through answers."""

FILTER_FROM = 9
"""From how many documents on the list can be filtered."""

EXAMPLES = (
    "What did China ask the US to avoid?",
    "What does Mattimore recommend to both governments?",
    "Why does Huanqiu say the dialogue must not become a negotiation?",
    "What surprised Posner in the plenary sessions?",
)
"""Questions that the sample corpus answers."""

TOP_BAR = (
    '<header class="top"><button type="button" id="side-toggle" class="plain" '
    'aria-controls="side" aria-expanded="true" aria-label="Conversations and documents">'
    '<svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M3 5h14M3 10h14'
    'M3 15h9" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/></svg>'
    '</button><h1 class="brand">Footnote<sup aria-hidden="true">1</sup></h1></header>'
)

PANEL = (
    '<aside id="panel" aria-label="Open document" tabindex="-1" hidden>'
    '<div class="panel-bar"><span class="label">Document</span>'
    '<button type="button" id="panel-close" class="plain" aria-label="Close the document">'
    '<svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M5 5l10 10M15 5'
    'L5 15" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/></svg>'
    "</button></div>"
    '<iframe id="panel-frame" title="Cited passage" referrerpolicy="no-referrer" '
    'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"></iframe></aside>'
)


_RUNS_LINK = '<p class="other-pages"><a href="runs" target="_blank">Evaluation runs</a></p>'


_ACCOUNT_LINK = '<p class="other-pages"><a href="auth/me">Your account</a></p>'


def render_side(
    documents: Sequence[ListedDocument], *, has_runs: bool = False, has_account: bool = False
) -> str:
    """Render the lower part of the left region: the documents by title, other pages."""
    shown = sorted(documents, key=lambda document: document.title.casefold())[:LISTED_DOCUMENTS]
    items = "".join(_listed(document) for document in shown)
    left_out = len(documents) - len(shown)
    more = f'<p class="aside">and {left_out:,} more</p>' if left_out else ""
    search = (
        '<input type="search" id="side-filter" placeholder="Filter by title" '
        'aria-label="Filter documents by title">'
        if len(documents) >= FILTER_FROM
        else ""
    )
    return (
        '<nav class="side-inner" aria-label="Documents">'
        f'<h2 class="label">Documents <span class="count">{len(documents):,}</span></h2>'
        f'{search}<ul class="documents">{items}</ul>{more}{_RUNS_LINK if has_runs else ""}'
        f"{_ACCOUNT_LINK if has_account else ''}</nav>"
    )


def render_welcome(documents: Sequence[ListedDocument]) -> str:
    """Render what an empty conversation shows: how to begin."""
    if not documents:
        return (
            '<section class="welcome"><h2>There are no documents yet</h2>'
            "<p>Footnote answers from your own documents. Add some on the command line, "
            "then reload this page:</p><pre><code>footnote ingest PATH...</code></pre>"
            "<p>A path is a file, a folder or a pattern: text, web pages, PDF, Word, Excel, "
            "PowerPoint, e-mail and more.</p></section>"
        )
    count = "one document" if len(documents) == 1 else f"{len(documents):,} documents"
    return (
        '<section class="welcome"><h2>Ask your documents</h2>'
        f"<p>Answers come from {count}. Every sentence carries a footnote that opens the "
        f"exact passage.</p>{_examples(documents)}</section>"
    )


def render_mode(mode: str) -> str:
    """Say what answers."""
    if mode == "reader":
        text = "The built-in reader answers by quoting the documents. No language model is used."
    else:
        text = f"{mode_name(mode)} writes the answers from passages of the documents."
    return f'<p class="mode">{esc(text)}</p>'


def _examples(documents: Sequence[ListedDocument]) -> str:
    if not any(document.source.startswith("corpus/") for document in documents):
        return ""
    buttons = "".join(
        f'<li><button type="button" data-action="example" data-index="{index}">{esc(text)}'
        "</button></li>"
        for index, text in enumerate(EXAMPLES)
    )
    return f'<h2 class="label">For example</h2><ul class="examples">{buttons}</ul>'


def _listed(document: ListedDocument) -> str:
    details = (document.metadata.get("publisher", ""), document.metadata.get("date", ""))
    line = " · ".join(detail for detail in details if detail)
    second = f'<span class="detail" dir="auto">{esc(line)}</span>' if line else ""
    return (
        f'<li><a data-panel href="{esc(document_url(document.doc_id))}">'
        f'<span class="title" dir="auto">{esc(document.title)}</span>{second}</a></li>'
    )
