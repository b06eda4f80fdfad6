"""A short question back when a question can be read in several ways, with the readings to choose.

No model is asked: what a question leaves open is told by its words (`question.unclear`), and what
it may mean by the passages that were found for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.answering.question.namesakes import namesakes
from rag.answering.question.people import people_in
from rag.answering.question.salience import content_stems
from rag.answering.question.unclear import GENERIC_NOUNS, PARTS, Unclear, unclear
from rag.answering.text.claims import content_words
from rag.types import Choice, Clarification, Hit

MAX_CHOICES = 4
MAX_LABEL_CHARS = 100


def ask_back(
    question: str, hits: Sequence[Hit], *, followed_on: bool = False, weakly: bool = False
) -> Clarification | None:
    """Return what to ask the person, None when the question is clear or there is no choice.

    `followed_on` says that a conversation came before: then only what nothing in it explained is
    asked about. `weakly` also asks where the documents might well have answered, and did not.
    No question of a choice is asked about again.
    """
    open_ = unclear(question)
    if open_ is not None and (open_.sure or weakly):
        if followed_on and open_.kind == "document":
            return None
        return _about(open_, question, hits)
    if open_ is None and not followed_on:
        return _namesakes(question, hits)
    return None


def _about(open_: Unclear, question: str, hits: Sequence[Hit]) -> Clarification | None:
    if open_.kind == "document":
        titles = _titles(_meant(open_, hits))
        said = f"Which {open_.noun} do you mean?"
        return _clarification(said, [(t, _named(question, open_.words, t)) for t in titles])
    if open_.kind == "person":
        people = people_in([hit.passage.text for hit in hits])[:MAX_CHOICES]
        if len(people) > 1:
            named = [(one, _instead(question, open_.words, one)) for one in people]
            return _clarification(f"Whom do you mean by “{open_.words}”?", named)
    said = (
        f"What do you mean by “{open_.words}”?" if open_.words else "What is your question about?"
    )
    added = [(title, f"{question.strip()} (“{title}”)") for title in _titles(hits)]
    return _clarification(said, added)


def _namesakes(question: str, hits: Sequence[Hit]) -> Clarification | None:
    found = namesakes(question, hits)
    if found is None:
        return None
    name, full_names = found
    readings = [
        (_label(full), _replaced(question, name, _as_said(full)))
        for full in full_names[:MAX_CHOICES]
    ]
    return _clarification(f"Which {name} do you mean?", readings)


def _clarification(said: str, readings: Iterable[tuple[str, str]]) -> Clarification | None:
    choices = tuple(Choice(label, question) for label, question in readings)
    return Clarification(said, choices) if len(choices) > 1 else None


def _meant(open_: Unclear, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits whose document may be the one meant; none when only one can answer."""
    noun = content_stems(open_.noun)
    any_ = open_.noun.rpartition(" ")[2] in GENERIC_NOUNS and " " not in open_.noun
    meant = [hit for hit in hits if any_ or noun <= content_stems(hit.passage.title)]
    for word in open_.rest - PARTS:
        says = {h.passage.doc_id for h in meant if word in content_stems(h.passage.text)}
        if len(says) == 1:
            return []
    return meant


def _titles(hits: Sequence[Hit]) -> list[str]:
    """Return the titles of the documents, in rank order, each once."""
    titles = (hit.passage.title or hit.passage.source for hit in hits)
    unique = dict.fromkeys(_label(title) for title in titles)
    return [title for title in unique if title][:MAX_CHOICES]


def _label(title: str) -> str:
    """Return a title on one line that holds no quotation marks and is no longer than a label."""
    return re.sub(r"[\"“”«»„\s]+", " ", title).strip()[:MAX_LABEL_CHARS].strip()


def _as_said(full_name: str) -> str:
    """Return a full name as it can stand in a question: a title that is more, in quotes."""
    return full_name if full_name.replace(" ", "").isalpha() else f"“{_label(full_name)}”"


def _named(question: str, words: str, title: str) -> str:
    return question.strip().replace(words, f"{words} “{title}”", 1)


def _instead(question: str, pronoun: str, name: str) -> str:
    """Put a name in the place of a pronoun, in the form that the pronoun has."""
    own = pronoun in ("his", "hers") or (pronoun == "her" and _is_followed_by_noun(question))
    return _replaced(question, pronoun, f"{name}’s" if own else name)


def _is_followed_by_noun(question: str) -> bool:
    after = re.search(r"\bher ([a-z]+)", question, re.IGNORECASE)
    return after is not None and bool(content_words(after[1]))


def _replaced(question: str, old: str, new: str) -> str:
    pattern = rf"\b{re.escape(old)}\b"
    return re.sub(pattern, lambda _: new, question.strip(), count=1, flags=re.IGNORECASE)
