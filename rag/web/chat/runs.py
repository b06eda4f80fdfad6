"""Answers in the making: one at a time for each browser session, each of which can be stopped."""

from __future__ import annotations

import functools
import logging
import queue
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from rag.errors import InputError, RagError
from rag.types import Answer, Delta, Event, Found, Question
from rag.web.history.turns import Notice, Status, Turns, TurnView, question_after
from rag.web.seams import Answering

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1


@dataclass
class Run:
    """An answer that is being written: how to stop it, and when it has ended.

    When `discarded`, nothing more of it is to be shown or remembered.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    discarded: bool = False

    def discard(self) -> None:
        """Stop for good; what was said is forgotten."""
        self.discarded = True
        self.stop.set()


class Runs:
    """Keeps the running answers by session, and the threads in which the assistant works."""

    def __init__(self, assistant: Answering | None, *, threads: int) -> None:
        """Without an assistant that everybody asks, each turn names its own."""
        self._assistant = assistant
        self._by_session: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="answer")

    def begin(self, session: str) -> Run | None:
        """Note that an answer begins; None while another is being written."""
        with self._lock:
            if session in self._by_session:
                return None
            return self._by_session.setdefault(session, Run())

    def of(self, session: str) -> Run | None:
        """Return the answer being written for a session."""
        with self._lock:
            return self._by_session.get(session)

    def end(self, session: str) -> None:
        """Note that a session's answer has ended."""
        with self._lock:
            run = self._by_session.pop(session)
        run.stop.set()
        run.ended.set()

    def close(self) -> None:
        """Stop every running answer, so that a server can end."""
        with self._lock:
            for run in self._by_session.values():
                run.stop.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def turn(
        self,
        text: str,
        turns: Turns,
        run: Run,
        query: str = "",
        assistant: Answering | None = None,
    ) -> Iterator[TurnView]:
        """Ask after the turns given; yield the new turn at each stage of its answer.

        With `query` that is searched for, instead of what the question comes to. `assistant` is
        asked, when given, instead of the one that everybody asks.

        Raises:
            InputError: the question cannot be asked as it stands.
        """
        turn = TurnView(text)
        try:
            question = question_after(turns, text, query)
            asked = assistant or self._assistant
            assert asked is not None, "a turn names whom it asks"
            for events in self._events(asked, question, run.stop):
                turn = functools.reduce(_advance, events, turn)
                yield turn
        except InputError:
            raise
        except RagError as error:
            problem = Notice(error.message, error.hint)
            yield replace(turn, status=Status.FAILED, problem=problem)
        except Exception:  # noqa: BLE001 - an edge: one chat turn must not take the page with it
            yield replace(turn, status=Status.FAILED, problem=_logged_problem())
        else:
            if turn.answer is None:
                yield replace(turn, status=Status.STOPPED)

    def _events(
        self, assistant: Answering, question: Question, stop: threading.Event
    ) -> Iterator[list[Event]]:
        """Yield what the assistant streams, all that has arrived at a time, until told to stop.

        The assistant works in a thread of its own, so that stopping never waits for a model.
        """
        arrived: queue.SimpleQueue[Event] = queue.SimpleQueue()

        def work() -> None:
            for event in assistant.stream(question, cancelled=stop.is_set):
                arrived.put(event)
                if stop.is_set():
                    return

        future: Future[None] = self._threads.submit(work)
        while not stop.is_set():
            is_over = future.done()
            if events := _all_of(arrived, wait=not is_over):
                yield events
            elif is_over:
                future.result()
                return


def _all_of(arrived: queue.SimpleQueue[Event], *, wait: bool) -> list[Event]:
    """Take what has arrived; when that is nothing and `wait`, give the first a moment."""
    events: list[Event] = []
    try:
        if wait:
            events.append(arrived.get(timeout=POLL_SECONDS))
        while True:
            events.append(arrived.get_nowait())
    except queue.Empty:
        return events


def _advance(turn: TurnView, event: Event) -> TurnView:
    if isinstance(event, Found):
        return replace(turn, status=Status.READING, found=len(event.hits))
    if isinstance(event, Delta):
        return replace(turn, partial=turn.partial + event.text)
    if isinstance(event, Answer):
        return replace(turn, status=Status.DONE, answer=event)
    raise TypeError(f"an assistant streams Found, Delta and Answer; found {type(event).__name__}")


def _logged_problem() -> Notice:
    """Log the exception being handled under a number, and name the number to the person."""
    request_id = uuid.uuid4().hex[:8]
    logger.exception("request %s failed", request_id)
    return Notice(
        "Something went wrong while answering.",
        f"The server's log says more under request {request_id}.",
    )
