"""Text into HTML: everything that people or documents wrote passes through `esc`."""

from __future__ import annotations

import html


def esc(text: str) -> str:
    """Return the text as HTML text, safe between tags and in quoted attributes."""
    # A lone surrogate (from a JSON escape) cannot be sent as UTF-8.
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"), quote=True)


def shorten(text: str, limit_chars: int) -> str:
    """Return the text on one line, cut at a word with an ellipsis beyond `limit_chars`."""
    line = " ".join(text.split())
    if len(line) <= limit_chars:
        return line
    cut = line[: limit_chars - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.") + "…"
