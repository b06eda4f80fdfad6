"""The regions of the chat page and what stands in them: Gradio's components."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.web.chat import furniture
from rag.web.chat.conversation import render_notice, render_turns
from rag.web.chat.past_side import PastSide, Update
from rag.web.history.turns import Notice, Turns


class Regions:
    """Lays the page out, and names what changes on it."""

    def build(self, past: PastSide, mode: str) -> None:
        """Make the components; `mode` is what answers."""
        html(furniture.TOP_BAR, "top")
        self.turns = gr.State(())
        self.current = gr.State("")
        with gr.Row(elem_id="regions"):
            with gr.Column(elem_id="side"):
                past.build(html)
                self.side = html("", "documents")
            with gr.Column(elem_id="chat"):
                self.conversation = html([], "conversation", "${value.join('')}")
                with gr.Column(elem_id="foot"):
                    self.notice = html("", "notice")
                    self._build_composer()
                    html(furniture.render_mode(mode), "mode")
            html(furniture.PANEL, "panel-holder")

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

    def telling(self, message: str, hint: str = "") -> Update:
        """Return what tells the person something that is not part of any answer."""
        return {self.notice: render_notice(Notice(message, hint))}

    def showing(self, turns: Turns) -> Update:
        """Return what makes these the turns of the conversation."""
        return {self.turns: turns, self.conversation: render_turns(turns)}

    def busy(self) -> Update:
        """Return what the composer is while an answer is being written."""
        return {
            self.notice: "",
            self.box: "",
            self.ask_button: gr.update(visible=False),
            self.stop_button: gr.update(visible=True),
        }

    def idle(self) -> Update:
        """Return what the composer is when a question can be asked."""
        return {
            self.ask_button: gr.update(visible=True),
            self.stop_button: gr.update(visible=False),
        }


def html(value: Any, elem_id: str, template: str = "${value}") -> gr.HTML:
    """Make an HTML component whose value is markup that passed through `esc`.

    Only `${value}` is safe here: the component evaluates what a Handlebars `{{value}}` expands to
    as a JavaScript template, so text holding `${...}` would run.
    """
    return gr.HTML(
        value,
        elem_id=elem_id,
        html_template=template,
        apply_default_css=False,
        head='<script src="ui/chat.js"></script>',
        js_on_load="footnote.bind(element, trigger, watch);",
    )
