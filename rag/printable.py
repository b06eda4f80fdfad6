"""Text of others, made harmless to print: no markup, and nothing that steers a terminal."""

from __future__ import annotations

import re

from rich import markup

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# In a name also what begins another line, or turns the direction of what is around it.
_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escape(text: str) -> str:
    """Make text harmless; its lines stay lines."""
    return markup.escape(_CONTROLS.sub("\ufffd", text))


def escape_name(text: str) -> str:
    """Make the name of a file or person harmless, and one line."""
    return markup.escape(_IN_NAMES.sub("\ufffd", text))
