"""The chat page: what happens when somebody asks, looks back, or says whether it helped.

Gradio takes seconds to import, so this module is imported only when a server is being built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from rag.errors import InputError, RagError
from rag.history.records import new_id
from rag.web.chat import furniture
from rag.web.chat.connecting import CONCURRENT_ANSWERS, connect
from rag.web.chat.past_side import PastSide, Update
from rag.web.chat.regions import Regions
from rag.web.chat.runs import Runs
from rag.web.history.feedback import Feedback, FeedbackStore, Rating
from rag.web.history.keeping import Keeping
from rag.web.history.turns import Turns, TurnView
from rag.web.pages.runs_page import EvaluationRuns
from rag.web.people.access import ANYBODY, principal_of
from rag.web.people.readable import View, Views

WAITING_QUESTIONS = 64
KEPT_PAGES = 2000
"""Of so many pages that were opened last, what they show is remembered: some 50 kB for each."""
CLEAR_SECONDS = 2.0


class ChatPage:
    """Lays out the page and answers what happens on it."""

    def __init__(
        self,
        views: Views,
        feedback: FeedbackStore,
        evaluations: EvaluationRuns,
        keeping: Keeping,
        *,
        has_account: bool = False,
    ) -> None:
        self.mode = views.mode
        self.views = views
        self.feedback = feedback
        self.evaluations = evaluations
        self.keeping = keeping
        self.has_account = has_account
        self.past = PastSide(keeping)
        self.at = Regions()
        # A stopped question may hold its thread for a moment more, hence more than may answer.
        self.runs = Runs(None, threads=4 * CONCURRENT_ANSWERS)

    def build(self) -> gr.Blocks:
        """Lay out the regions and connect them."""
        blocks = gr.Blocks(
            title="Footnote", analytics_enabled=False, fill_width=True, fill_height=True
        )
        blocks.state_session_capacity = KEPT_PAGES  # only launch() takes it as an argument
        with blocks:
            self.at.build(self.past, self.mode)
            connect(self, blocks)
        blocks.queue(
            max_size=WAITING_QUESTIONS, default_concurrency_limit=CONCURRENT_ANSWERS, api_open=False
        )
        return blocks

    def load(self, request: gr.Request) -> Update:
        """Fill a page that was just opened."""
        view = self._view(request)
        documents = view.documents.documents()
        has_runs = bool(self.evaluations.names()) and view.sees_all()
        return {
            self.at.side: furniture.render_side(
                documents, has_runs=has_runs, has_account=self.has_account
            ),
            self.at.conversation: [furniture.render_welcome(documents)],
            **self.past.listed("", request),
        }

    def clear(self, request: gr.Request) -> Update:
        """Begin a new conversation, once the last one has ceased to write."""
        self._end_run(request)
        begun = {self.at.current: "", self.at.turns: (), self.at.notice: "", self.at.box: ""}
        return self.load(request) | self.at.idle() | begun

    def open(self, event: gr.EventData, request: gr.Request) -> Update:
        """Go back to an earlier conversation; what is being written is given up."""
        self._end_run(request)
        wanted = str(event.id)
        turns = self.past.turns_of(wanted, self._view(request).documents, request)
        if isinstance(turns, str):
            return self.clear(request) | {self.at.notice: turns}
        opened = {self.at.current: wanted, self.at.notice: "", self.at.box: ""}
        shown = self.at.idle() | self.at.showing(turns) | opened
        return shown | self.past.listed(wanted, request)

    def rename(self, current: str, event: gr.EventData, request: gr.Request) -> Update:
        """Give a conversation another title."""
        said = self.past.rename(event, request)
        return self.past.listed(current, request) | {self.at.notice: said}

    def delete(self, current: str, event: gr.EventData, request: gr.Request) -> Update:
        """Delete a conversation that is not the open one."""
        said = self.past.delete(str(event.id), request)
        return self.past.listed(current, request) | {self.at.notice: said}

    def delete_open(self, current: str, request: gr.Request) -> Update:
        """Delete the open conversation, and begin a new one."""
        self._end_run(request)
        said = self.past.delete(current, request)
        return self.clear(request) | {self.at.notice: said}

    def forget(self, request: gr.Request) -> Update:
        """Delete all that is kept of the one who asks."""
        self._end_run(request)
        said = self.past.forget(request)
        return self.clear(request) | {self.at.notice: said}

    def stop(self, request: gr.Request) -> None:
        """Stop the answer that is being written for this session."""
        run = self.runs.of(request.session_hash or "")
        if run is not None:
            run.stop.set()

    def ask_example(
        self, turns: Turns, current: str, event: gr.EventData, request: gr.Request
    ) -> Iterator[Update]:
        """Ask one of the example questions; the page says which, never its words."""
        yield from self.ask(furniture.EXAMPLES[int(event.index)], turns, current, request)

    def retry(
        self, turns: Turns, current: str, event: gr.EventData, request: gr.Request
    ) -> Iterator[Update]:
        """Ask the last question again, in place of its turn; the person may say what to search.

        Or ask a reading of it that was offered: the page says which, never its words.
        """
        if not turns:
            return
        last, choice = turns[-1], int(event.choice)
        asked = last.answer.clarification if last.answer is not None else None
        text, query = last.question, str(event.query).strip()
        if asked is not None and 0 <= choice < len(asked.choices):
            text, query = asked.choices[choice].question, ""
        yield from self.ask(text, turns[:-1], current, request, query, replaces=last.turn_id)

    def ask(
        self,
        text: str,
        turns: Turns,
        current: str,
        request: gr.Request,
        query: str = "",
        *,
        replaces: str = "",
    ) -> Iterator[Update]:
        """Answer a question, updating the page as the answer grows."""
        if not text.strip():
            yield self.at.telling("Write a question first.")
            return
        text, session = text.strip(), request.session_hash or ""
        run = self.runs.begin(session)
        if run is None:
            yield self.at.telling("One question at a time, please.")
            return
        current, name = current or new_id(), new_id()
        shown = TurnView(text, turn_id=name)
        try:
            yield self.at.busy() | self.at.showing((*turns, shown)) | {self.at.current: current}
            try:
                assistant = self._view(request).assistant
                for turn in self.runs.turn(text, turns, run, query, assistant):
                    if run.discarded:
                        return
                    shown = replace(turn, turn_id=name)
                    yield self.at.showing((*turns, shown))
            except InputError as error:
                yield self._take_back(text, turns, error, request)
            yield self.at.idle()
        finally:
            # Kept once it was shown, also when the person has left; and before the run ends, so
            # that whoever waits for that end, to delete, deletes this as well.
            self.keeping.keep(self.past.owner(request), current, shown, replaces=replaces)
            self.runs.end(session)

    def rate(self, turns: Turns, current: str, event: gr.EventData, request: gr.Request) -> Update:
        """Store a thumb; a second click on the same one offers to comment once more."""
        turn = turns[int(event.turn) - 1]
        rating = Rating(event.rating)
        is_news = turn.feedback is None or turn.feedback.rating is not rating
        return self._say(turns, turn, Feedback(rating), current, request, store=is_news)

    def comment(
        self, turns: Turns, current: str, event: gr.EventData, request: gr.Request
    ) -> Update:
        """Store what the person writes about an answer that has a thumb."""
        turn, text = turns[int(event.turn) - 1], str(event.comment).strip()
        if turn.feedback is None or not text:
            return {}
        return self._say(turns, turn, replace(turn.feedback, comment=text), current, request)

    def _say(
        self,
        turns: Turns,
        turn: TurnView,
        feedback: Feedback,
        current: str,
        request: gr.Request,
        *,
        store: bool = True,
    ) -> Update:
        """Store feedback and show it, unless an answer is being written: that owns the turns."""
        if turn.answer is None or self.runs.of(request.session_hash or "") is not None:
            return {}
        if store:
            try:
                self.feedback.append(
                    turn.answer,
                    feedback,
                    person=self.past.person(request),
                    turn_id=turn.turn_id,
                    conversation_id=current,
                )
            except RagError as error:
                return self.at.telling(error.message, error.hint)
        rated = tuple(replace(t, feedback=feedback) if t is turn else t for t in turns)
        return self.at.showing(rated) | {self.at.notice: ""}

    def _take_back(self, text: str, turns: Turns, error: InputError, request: gr.Request) -> Update:
        """Put a question that cannot be asked back into the box, and say why."""
        taken = self.at.showing(turns) | self.at.telling(error.message, error.hint)
        if not turns:
            documents = self._view(request).documents.documents()
            taken[self.at.conversation] = [furniture.render_welcome(documents)]
        return taken | {self.at.box: text}

    def _view(self, request: gr.Request) -> View:
        """Return the store as the one who sends a request may use it; nobody sees nothing."""
        sent = request.request
        return self.views.of(ANYBODY if sent is None else principal_of(sent.scope))

    def _end_run(self, request: gr.Request) -> None:
        """Give up the answer that is being written, and wait until it has ceased to write."""
        run = self.runs.of(request.session_hash or "")
        if run is not None:
            run.discard()
            run.ended.wait(CLEAR_SECONDS)
