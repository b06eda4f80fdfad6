"""Where a document and a place in it are found on this server."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def document_url(
    doc_id: str, start: int | None = None, end: int | None = None, *, panel: bool = False
) -> str:
    """Return the address of a document's page, as seen from the chat page; it opens at a quote.

    It begins where the server begins, which may be below a path of another's. A doc_id may hold
    any character, slashes and question marks included.
    """
    query: dict[str, str | int] = {"view": "panel"} if panel else {}
    fragment = ""
    if start is not None and end is not None:
        query |= {"start": start, "end": end}
        fragment = "#quote"
    path = "documents/" + quote(doc_id, safe="", errors="replace")
    return path + ("?" + urlencode(query) if query else "") + fragment
