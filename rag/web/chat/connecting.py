"""What on the chat page leads to what: each event, what answers it, and what that may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from rag.web.chat.chat_page import ChatPage

CONCURRENT_ANSWERS = 4


def connect(page: ChatPage, blocks: gr.Blocks) -> None:
    """Connect every event of the page; its components are there."""
    at, past = page.at, page.past
    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    answering = hidden | {
        "outputs": [
            at.current,
            at.turns,
            at.conversation,
            at.notice,
            at.box,
            at.ask_button,
            at.stop_button,
        ],
        "concurrency_id": "answering",
        "concurrency_limit": CONCURRENT_ANSWERS,
    }
    told = [at.turns, at.current]
    running = [
        gr.on([at.box.submit, at.ask_button.click], page.ask, [at.box, *told], **answering),
        at.conversation.example_select(page.ask_example, told, **answering),
        at.conversation.retry(page.retry, told, **answering),
    ]
    beside: dict[str, Any] = hidden | {"queue": False}
    for step in running:
        step.then(past.listed, at.current, past.parts, **beside)
    said = beside | {"outputs": [at.turns, at.conversation, at.notice]}
    at.conversation.like(page.rate, told, **said)
    at.conversation.submit(page.comment, told, **said)
    at.stop_button.click(page.stop, **beside)
    _connect_past(page, running, [*answering["outputs"], at.side, *past.parts], beside)
    shown = [at.side, at.conversation, *past.parts]
    blocks.load(page.load, outputs=shown, **beside)
    blocks.unload(page.stop)


def _connect_past(
    page: ChatPage, running: list[Any], whole: list[Any], beside: dict[str, Any]
) -> None:
    """Connect the list of conversations; what changes the open one ends what is written."""
    at, past = page.at, page.past
    ending = beside | {"outputs": whole, "cancels": running}
    past.top.clear(page.clear, **ending)
    past.list.select(page.open, **ending)
    past.list.apply(page.delete_open, at.current, **ending)
    past.list.clear(page.forget, **ending)
    changed = beside | {"outputs": [*past.parts, at.notice]}
    past.list.delete(page.delete, at.current, **changed)
    past.list.edit(page.rename, at.current, **changed)
    past.head.input(past.search, at.current, past.list, **beside)
