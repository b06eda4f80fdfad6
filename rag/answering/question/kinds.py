"""What kind of answer a question asks for, by its words."""

from __future__ import annotations

import re

_OTHER = (
    r"(?:to|in|on|for|by|at|is|are|was|were|do|does|did|has|have|had|will|would|can|could|should|"
    r"may|might)\b"
)
_PLURAL = (
    r"(?!(?:is|was|does|has|us|this|his|its|always|perhaps|percentage|happens|causes|means|makes)\b)"
    r"[a-z]{2,}[^siu\W]s"
)
_OBJECT = r"(?:the|an?|its|their|his|her|our|your|my|it|him|them|us|me)\b"
"""Before these, what ends in -s is a verb: "Which law governs the contract?"."""
SEVERAL = (
    re.compile(
        rf"\b(?:what|which)(?: (?!{_OTHER})\w*[^\Ws]){{0,3}} {_PLURAL}\b(?! {_OBJECT})", re.I
    ),
    re.compile(r"\b(?:what|which|who) (?:are|were)\b", re.I),
    re.compile(r"^\W*(?:please )?(?:list|name|enumerate|compare|summari[sz]e|give)\b", re.I),
    re.compile(r"\b(?:differences?|differ|both sides|each side|examples?|reasons|ways)\b", re.I),
)
"""Which issues ...? What are the ...? List ... How do they differ?"""


def asks_for_several(query: str) -> bool:
    """Whether the question seems to ask for several things rather than one."""
    return any(pattern.search(query) for pattern in SEVERAL)


OF_QUESTIONS = re.compile(r"\b(?:ask(?:s|ed|ing)?|questions?|wonder(?:s|ed)?)\b", re.IGNORECASE)
"""What speaks of questions themselves."""
_STEPS = re.compile(
    r"^\W*(?:how (?:do|does|can|could|should|would|must|to|is|are)\b"
    r"|what (?:do|should|must|can|shall|may) (?:i|we|you|one)\b|who (?:should|must|may|can)\b)",
    re.IGNORECASE,
)


def asks_for_list(query: str) -> bool:
    """Whether a list that answers would answer as a whole: several things, or what to do."""
    return asks_for_several(query) or _STEPS.search(query) is not None
