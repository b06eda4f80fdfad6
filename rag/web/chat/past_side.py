"""The upper part of the left region: what happens on the list of conversations."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from rag.errors import InputError, StoreError
from rag.web.chat import past
from rag.web.chat.conversation import render_notice
from rag.web.history.keeping import Keeping, shown_again
from rag.web.history.turns import Notice, Turns
from rag.web.seams import Documents

logger = logging.getLogger(__name__)

MAX_SEARCH_CHARS = 200
GONE = "This conversation is not there any more."
UNREACHABLE = Notice(
    "Your conversations cannot be reached at the moment.", "Answers are not affected."
)

Update = dict[Any, Any]
"""New values of components, by component."""


class PastSide:
    """Lists, finds, renames and forgets the conversations of whoever looks."""

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping

    def build(self, html: Callable[[Any, str], gr.HTML]) -> None:
        """Lay it out: a button, a name with a box to search, the list."""
        self.top = html(past.TOP, "side-top")
        self.head = html("", "past-head")
        self.list = html("", "past")

    @property
    def parts(self) -> list[Any]:
        """What changes with the list."""
        return [self.list, self.head]

    def person(self, request: gr.Request) -> str:
        """Return who looks; "" where nobody is known."""
        sent = request.request
        return self.keeping.person(sent.scope) if sent is not None else ""

    def owner(self, request: gr.Request) -> str:
        """Return whose conversations are shown; "" when none are kept."""
        sent = request.request
        return self.keeping.owner(sent.scope) if sent is not None else ""

    def listed(self, current: str, request: gr.Request) -> Update:
        """List the conversations, the one just kept included."""
        owner = self.owner(request)
        if not owner:
            return {self.list: "", self.head: ""}
        try:
            found = self.keeping.listing(owner, limit=past.MOST_LISTED)
        except StoreError as error:
            logger.warning("conversations could not be listed: %s", error.message)
            return {self.list: past.render_trouble(), self.head: ""}
        return {self.list: past.render_past(found, current), self.head: past.render_head(found)}

    def search(self, current: str, event: gr.EventData, request: gr.Request) -> Update:
        """List the conversations that hold certain words."""
        words = str(event.words)[:MAX_SEARCH_CHARS]
        try:
            found = self.keeping.listing(self.owner(request), words, limit=past.MOST_LISTED)
        except StoreError as error:
            logger.warning("conversations could not be searched: %s", error.message)
            return {self.list: past.render_trouble()}
        return {self.list: past.render_past(found, current, words)}

    def turns_of(self, wanted: str, documents: Documents, request: gr.Request) -> Turns | str:
        """Return the turns of a conversation as they are shown, or why there are none."""
        try:
            found = self.keeping.conversation(self.owner(request), wanted, documents)
            return shown_again(found) if found is not None else render_notice(Notice(GONE))
        except StoreError as error:
            return trouble(error)

    def rename(self, event: gr.EventData, request: gr.Request) -> str:
        """Give a conversation another title; return what is to be told."""
        try:
            self.keeping.history.rename(self.owner(request), str(event.id), str(event.title))
        except InputError as error:
            return render_notice(Notice(error.message, error.hint))
        except StoreError as error:
            return trouble(error)
        return ""

    def delete(self, wanted: str, request: gr.Request) -> str:
        """Delete a conversation; return what is to be told."""
        try:
            self.keeping.delete(self.owner(request), wanted)
        except StoreError as error:
            return trouble(error)
        return ""

    def forget(self, request: gr.Request) -> str:
        """Delete all that is kept of whoever looks; return what is to be told."""
        try:
            self.keeping.erase(self.person(request))
        except StoreError as error:
            return trouble(error)
        return ""


def trouble(error: StoreError) -> str:
    """Say that the history cannot be used, whatever the reason; the log has it."""
    logger.warning("the history could not be used: %s", error.message)
    return render_notice(UNREACHABLE)
