"""The chat page: what the regions are, and what happens when somebody asks.

Gradio takes seconds to import, so this module is imported only when a server is being built.
"""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import gradio as gr

from rag.errors import InputError, RagError
from rag.types import Answer, Delta, Event, Found, Question
from rag.web import furniture
from rag.web.conversation import (
    Notice,
    Status,
    TurnView,
    question_after,
    render_notice,
    render_turns,
)
from rag.web.seams import Answering, Documents

logger = logging.getLogger(__name__)

CONCURRENT_ANSWERS = 4
WAITING_QUESTIONS = 64
POLL_SECONDS = 0.1

Turns = tuple[TurnView, ...]
Update = dict[Any, Any]


class ChatPage:
    """Builds the page and keeps, by browser session, the switch that stops a running answer."""

    def __init__(self, assistant: Answering, catalog: Documents) -> None:
        self.assistant = assistant
        self.catalog = catalog
        self._running: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        # A stopped question may still hold its thread for a moment, hence more than may answer.
        self._threads = ThreadPoolExecutor(4 * CONCURRENT_ANSWERS, thread_name_prefix="answer")

    def build(self) -> gr.Blocks:
        """Lay out the regions and connect them."""
        blocks = gr.Blocks(
            title="Footnote", analytics_enabled=False, fill_width=True, fill_height=True
        )
        with blocks:
            _html(furniture.TOP_BAR, "top")
            self.turns = gr.State(())
            with gr.Row(elem_id="regions"):
                self.side = _html("", "side")
                with gr.Column(elem_id="chat"):
                    self.conversation = _html([], "conversation", "${value.join('')}")
                    with gr.Column(elem_id="foot"):
                        self.notice = _html("", "notice")
                        self._build_composer()
                        _html(furniture.render_mode(self.assistant.mode), "mode")
                _html(furniture.PANEL, "panel-holder")
            self._connect(blocks)
        blocks.queue(
            max_size=WAITING_QUESTIONS, default_concurrency_limit=CONCURRENT_ANSWERS, api_open=False
        )
        return blocks

    def stop_all(self) -> None:
        """Stop every running answer, so that a server can end."""
        with self._lock:
            for switch in self._running.values():
                switch.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _build_composer(self) -> None:
        with gr.Row(elem_id="composer"):
            self.box = gr.Textbox(
                placeholder="Ask a question",
                label="Your question",
                show_label=False,
                container=False,
                lines=1,
                max_lines=6,
                autofocus=True,
                elem_id="question",
            )
            self.ask_button = gr.Button("Ask", variant="primary", elem_id="ask", min_width=0)
            self.stop_button = gr.Button("Stop", elem_id="stop", visible=False, min_width=0)

    def _connect(self, blocks: gr.Blocks) -> None:
        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        answering = hidden | {
            "outputs": [
                self.turns,
                self.conversation,
                self.notice,
                self.box,
                self.ask_button,
                self.stop_button,
            ],
            "concurrency_id": "answering",
            "concurrency_limit": CONCURRENT_ANSWERS,
        }
        asked = [self.box, self.turns]
        running = [
            gr.on([self.box.submit, self.ask_button.click], self.ask, asked, **answering),
            self.conversation.example_select(self.ask_example, self.turns, **answering),
            self.conversation.retry(self.retry, self.turns, **answering),
        ]
        self.stop_button.click(self.stop, queue=False, **hidden)
        self.side.clear(
            self.clear,
            outputs=[*answering["outputs"], self.side],
            cancels=running,
            queue=False,
            **hidden,
        )
        blocks.load(self.load, outputs=[self.side, self.conversation], queue=False, **hidden)
        blocks.unload(self.stop)

    def load(self) -> Update:
        """Fill a page that was just opened."""
        documents = self.catalog.documents()
        return {
            self.side: furniture.render_side(documents),
            self.conversation: [furniture.render_welcome(documents)],
        }

    def clear(self, request: gr.Request) -> Update:
        """Begin a new conversation."""
        self.stop(request)
        return self.load() | self._idle() | {self.turns: (), self.notice: "", self.box: ""}

    def stop(self, request: gr.Request) -> None:
        """Stop the answer that is being written for this session."""
        with self._lock:
            switch = self._running.get(request.session_hash or "")
        if switch is not None:
            switch.set()

    def ask_example(
        self, turns: Turns, event: gr.EventData, request: gr.Request
    ) -> Iterator[Update]:
        """Ask one of the example questions; the page says which, never its words."""
        yield from self.ask(furniture.EXAMPLES[int(event.index)], turns, request)

    def retry(self, turns: Turns, request: gr.Request) -> Iterator[Update]:
        """Ask the last question again, in place of its turn."""
        if turns:
            yield from self.ask(turns[-1].question, turns[:-1], request)

    def ask(self, text: str, turns: Turns, request: gr.Request) -> Iterator[Update]:
        """Answer a question, updating the page as the answer grows."""
        if not text.strip():
            yield {self.notice: render_notice(Notice("Write a question first."))}
            return
        session = request.session_hash or ""
        switch = self._begin(session)
        if switch is None:
            yield {self.notice: render_notice(Notice("One question at a time, please."))}
            return
        try:
            yield self._busy() | self._show(turns, TurnView(text.strip()))
            try:
                for turn in self._turn(text.strip(), turns, switch):
                    yield self._show(turns, turn)
            except InputError as error:
                yield self._take_back(text, turns, error)
            yield self._idle()
        finally:
            switch.set()
            self._end(session)

    def _turn(self, text: str, turns: Turns, switch: threading.Event) -> Iterator[TurnView]:
        """Yield a turn at each stage of its answer."""
        turn = TurnView(text)
        try:
            for event in self._events(question_after(turns, text), switch):
                turn = _advance(turn, event)
                yield turn
        except InputError:
            raise
        except RagError as error:
            yield replace(turn, status=Status.FAILED, problem=Notice(error.message, error.hint))
            return
        except Exception:  # one of the edges: a chat turn must not take the page with it
            request_id = uuid.uuid4().hex[:8]
            logger.exception("request %s failed", request_id)
            problem = Notice(
                "Something went wrong while answering.",
                f"The server's log says more under request {request_id}.",
            )
            yield replace(turn, status=Status.FAILED, problem=problem)
            return
        if turn.answer is None:
            yield replace(turn, status=Status.STOPPED)

    def _events(self, question: Question, switch: threading.Event) -> Iterator[Event]:
        """Yield what the assistant streams, until it ends or the switch is set.

        The assistant runs in a thread of its own, so that stopping never waits for a model.
        """
        arrived: queue.SimpleQueue[Event] = queue.SimpleQueue()

        def work() -> None:
            for event in self.assistant.stream(question, cancelled=switch.is_set):
                arrived.put(event)
                if switch.is_set():
                    return

        future: Future[None] = self._threads.submit(work)
        while not switch.is_set():
            is_over = future.done()
            try:
                yield arrived.get(block=not is_over, timeout=POLL_SECONDS)
            except queue.Empty:
                if is_over:
                    future.result()
                    return

    def _begin(self, session: str) -> threading.Event | None:
        """Return the switch that stops a new answer; None while another is being written."""
        with self._lock:
            if session in self._running:
                return None
            self._running[session] = threading.Event()
            return self._running[session]

    def _end(self, session: str) -> None:
        with self._lock:
            self._running.pop(session, None)

    def _show(self, turns: Turns, turn: TurnView) -> Update:
        turns = (*turns, turn)
        return {self.turns: turns, self.conversation: render_turns(turns)}

    def _take_back(self, text: str, turns: Turns, error: InputError) -> Update:
        """Put a question that cannot be asked back into the box, and say why."""
        shown = render_turns(turns) or [furniture.render_welcome(self.catalog.documents())]
        notice = render_notice(Notice(error.message, error.hint))
        return {self.turns: turns, self.conversation: shown, self.notice: notice, self.box: text}

    def _busy(self) -> Update:
        return {
            self.notice: "",
            self.box: "",
            self.ask_button: gr.update(visible=False),
            self.stop_button: gr.update(visible=True),
        }

    def _idle(self) -> Update:
        return {
            self.ask_button: gr.update(visible=True),
            self.stop_button: gr.update(visible=False),
        }


def _advance(turn: TurnView, event: Event) -> TurnView:
    if isinstance(event, Found):
        return replace(turn, status=Status.READING, found=len(event.hits))
    if isinstance(event, Delta):
        return replace(turn, partial=turn.partial + event.text)
    if isinstance(event, Answer):
        return replace(turn, status=Status.DONE, answer=event)
    raise TypeError(f"an assistant streams Found, Delta and Answer; found {type(event).__name__}")


def _html(value: Any, elem_id: str, template: str = "${value}") -> gr.HTML:
    """Make an HTML component whose value is markup that passed through `esc`.

    Only `${value}` is safe here: the component evaluates what a Handlebars `{{value}}` expands to
    as a JavaScript template, so text holding `${...}` would run.
    """
    return gr.HTML(
        value,
        elem_id=elem_id,
        html_template=template,
        apply_default_css=False,
        head='<script src="/ui/chat.js"></script>',
        js_on_load="footnote.bind(element, trigger, watch);",
    )
