"""What an answer tells of itself beside what it says: English words, and what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Note(str):
    """Words for a person, in English, that an interface can also say in another language.

    `kind` names what they say, `values` what stands in them. Joined with other words they are
    plain text again, which has no kind: whoever knows no better shows the words.
    """

    kind: str
    values: Mapping[str, str]

    def __new__(cls, words: str, kind: str = "", values: Mapping[str, str] = _NOTHING) -> Note:
        note = super().__new__(cls, words)
        note.kind = kind
        note.values = dict(values)
        return note


NOTHING_ASKED = Note(
    "Ask about what the documents say: write a question, or some keywords.", "nothing_asked"
)
UNCITED = Note("Nothing in the documents is cited for this answer.", "uncited")


def not_said(questions: Sequence[str]) -> Note:
    """Name those of several questions to which the documents hold no answer."""
    named = " ".join(f"“{question}”" for question in questions)
    return Note(f"The documents do not say: {named}", "not_said", {"questions": named})


def reader_instead(problem: str) -> Note:
    """Say that the reader answers because the chat model did not, and why it did not."""
    return Note(f"{problem} The reader answers instead.", "reader_instead")


def not_english(what: str) -> Note:
    """Say that "question" or "passages" are in a language that the packaged models do not read."""
    are = "the question is" if what == "question" else "the passages found are"
    return Note(
        f"The packaged models read English, and {are} in another language: passages are found "
        "by the words they share with the question, and an answer may be missed.",
        "not_english",
        {"what": what},
    )


def note_to_dict(note: str) -> dict[str, object]:
    """Return the fields of a note in an answer's JSON object; no kind for mere words."""
    if isinstance(note, Note):
        return {"note": str(note), "note_kind": note.kind, "note_values": dict(note.values)}
    return {"note": note, "note_kind": "", "note_values": {}}


def note_from_dict(found: Mapping[str, object]) -> str:
    """Return the note of an answer's JSON object, also of one from before notes had kinds."""
    words, kind, values = found["note"], found.get("note_kind", ""), found.get("note_values", {})
    if not isinstance(words, str) or not isinstance(kind, str) or not isinstance(values, Mapping):
        raise TypeError("a note is words, with the name of its kind and its values")
    return Note(words, kind, values) if kind else words
