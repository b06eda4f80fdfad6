"""Serving: the store is opened, followed and answered from until the server stops."""

from __future__ import annotations

import logging
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from rag.build import open_parts, read_limits
from rag.errors import ConfigurationError, RagError
from rag.interrupts import interrupts_end
from rag.settings import Settings, keep_libraries_quiet
from rag.store.following import following
from rag.types import Question

if TYPE_CHECKING:
    from rag.assistant import Assistant

log = logging.getLogger(__name__)


def run_server(settings: Settings) -> None:
    """Serve the chat page until interrupted.

    The page opens before the models are loaded; a question that is asked at once waits for them.

    Raises:
        RagError: the port is taken, or the store cannot be opened.
    """
    keep_libraries_quiet(allow_downloads=settings.allow_downloads)
    with interrupts_end():
        from rag.web.api.writing import StoreWriter
        from rag.web.memory import giving_back
        from rag.web.pages.page_pictures import PagePictures
        from rag.web.people.identity import check_binding
        from rag.web.port import serve
        from rag.web.server import create_app

    check_binding(settings)  # before the store is opened, which takes a while

    warm = threading.Event()
    with (
        open_parts(settings) as parts,
        following(parts.indexes),
        giving_back(),
        closing(PagePictures(parts.catalog, read_limits(settings))) as pictures,
    ):
        app = create_app(
            parts.assistant,
            parts.catalog,
            settings if parts.indexes.writable else _keeping_nothing(settings),
            writing=StoreWriter(settings, parts.catalog),
            is_ready=warm.is_set,
            pictures=pictures,
        )
        # After the imports of the pages, so that two threads never import at once.
        threading.Thread(
            target=_warm_up, args=[parts.assistant, warm], name="warm-up", daemon=True
        ).start()
        serve(app, settings)


def _keeping_nothing(settings: Settings) -> Settings:
    """Leave the history off where the store may only be read, unless it has a place elsewhere.

    Raises:
        ConfigurationError: who is signed in would have no place either.
    """
    if settings.history_url.get_secret_value():
        return settings
    if settings.access == "oidc":
        raise ConfigurationError(
            f"The store {settings.data_dir} may only be read: who signs in cannot be kept there.",
            "Name a database for it: FOOTNOTE_HISTORY_URL (see docs/intranet.md).",
        )
    log.warning(
        "The store %s may only be read: conversations, feedback and audit lines are not kept. "
        "FOOTNOTE_HISTORY_URL names another place for them.",
        settings.data_dir,
    )
    return settings.model_copy(update={"keep_conversations": False, "audit": "off"})


def _warm_up(assistant: Assistant, warm: threading.Event) -> None:
    """Load the models by asking something; what comes of it does not matter."""
    with suppress(RagError):  # such as an empty store; the person will be told when asking
        assistant.answer(Question("warm up"))
    warm.set()
