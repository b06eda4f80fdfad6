"""Serving: the store is opened, followed and answered from until the server stops."""

from __future__ import annotations

from rag.build import following, open_parts
from rag.settings import Settings, keep_libraries_quiet


def run_server(settings: Settings) -> None:
    """Serve the chat page until interrupted.

    Raises:
        RagError: the port is taken, or the store cannot be opened.
    """
    keep_libraries_quiet(allow_downloads=settings.allow_downloads)
    from rag.web.server import create_app, serve

    with open_parts(settings) as parts, following(parts.indexes):
        parts.embedder.embed_query("warm up")  # the first question should not wait for the model
        serve(create_app(parts.assistant, parts.catalog, settings), settings)
