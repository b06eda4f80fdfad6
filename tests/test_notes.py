"""Notes are English words that say what they are, also after a while in a database."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from rag.notes import NOTHING_ASKED, Note, not_english, not_said, note_from_dict, note_to_dict


def test_a_note_is_its_words_and_says_what_it_is():
    note = not_said(["how was it?", "who paid?"])
    assert note == "The documents do not say: “how was it?” “who paid?”"
    assert (note.kind, note.values) == ("not_said", {"questions": "“how was it?” “who paid?”"})
    assert not_english("passages").kind == "not_english"
    assert not_english("passages").values == {"what": "passages"}
    assert NOTHING_ASKED.values == {}


def test_joined_with_other_words_it_is_mere_words():
    joined = " ".join((NOTHING_ASKED, "More."))
    assert note_to_dict(joined) == {"note": joined, "note_kind": "", "note_values": {}}


@pytest.mark.parametrize("note", ["", "Words.", NOTHING_ASKED, not_said(["who?"])])
def test_what_was_kept_is_the_same_note(note):
    kept = note_from_dict(json.loads(json.dumps(note_to_dict(note))))
    assert (kept, getattr(kept, "kind", "")) == (note, getattr(note, "kind", ""))
    assert getattr(kept, "values", {}) == getattr(note, "values", {})


def test_a_copy_says_what_it_is_too():
    note = not_said(["who?"])
    for copied in (copy.deepcopy(note), pickle.loads(pickle.dumps(note))):
        assert (copied, copied.kind, copied.values) == (note, note.kind, note.values)


def test_a_note_of_before_notes_had_kinds_is_words():
    kept = note_from_dict({"note": "Old words."})
    assert kept == "Old words."
    assert not isinstance(kept, Note)


@pytest.mark.parametrize(
    "spoilt",
    [{"note": 1}, {"note": "x", "note_kind": 2}, {"note": "x", "note_kind": "k", "note_values": 3}],
)
def test_something_else_is_refused(spoilt):
    with pytest.raises(TypeError):
        note_from_dict(spoilt)
