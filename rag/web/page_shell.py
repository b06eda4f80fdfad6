"""What every page without scripts is made of: its head, its policy, and the page of an error."""

from __future__ import annotations

from rag.web.markup import esc

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


def shell(title: str, body: str, kind: str, base: str = "/") -> str:
    """Render a page without scripts; `kind` is "whole", or "panel" beside the conversation."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{esc(title)} · Footnote</title>"
        f'<link rel="icon" href="{esc(base)}ui/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{esc(base)}ui/tokens.css">'
        f'<link rel="stylesheet" href="{esc(base)}ui/page.css">'
        f'</head><body class="{kind}">{body}</body></html>'
    )


def error_page(title: str, hint: str, base: str = "/") -> str:
    """Render a short page that says what is wrong and what to do."""
    body = f'<header class="head"><h1>{esc(title)}</h1></header><p class="notice">{esc(hint)}</p>'
    return shell(title, body, "whole", base)
