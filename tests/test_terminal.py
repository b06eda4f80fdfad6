from __future__ import annotations

import io

from rich.console import Console

from rag.ingest.files import Action, Step
from rag.printable import escape
from rag.terminal import print_plan


def test_a_name_can_neither_steer_the_terminal_nor_be_markup():
    written = io.StringIO()
    name = "a\x1b[31m\x07\x9b2J[bold]b\n\u202e.txt"
    print_plan(Console(file=written, width=200), [Step(Action.ADD, "/" + name, name)])
    assert (
        written.getvalue()
        == "    added  a\ufffd[31m\ufffd\ufffd2J[bold]b\ufffd\ufffd.txt\n1 added\n"
    )


def test_lines_stay_lines():
    assert escape("one\n\ttwo") == "one\n\ttwo"
