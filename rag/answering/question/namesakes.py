"""Names in a question that several people or things in the passages found share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.answering.question.people import people_in
from rag.answering.question.salience import content_stems
from rag.types import Hit

_MOST_OTHER_WORDS = 1
_QUALIFIED = re.compile(r"^(.{3,60}?)(?: \(([^()]{2,60})\)|, ([^,]{2,60}))$")
_THE_KIND = re.compile(
    r"\bthe ([a-z-]{4,})\b(?! (?:of|on|by|about|from|for|in|to|at|with|that|which|who|between|"
    r"and|or|[a-z]+ing)\b)(?=\W*$|[?.!,]| [a-z]+\W*$)"
)
_CAPITALISED = r"[A-Z][\w’'-]+"


def namesakes(question: str, hits: Sequence[Hit]) -> tuple[str, list[str]] | None:
    """Return a name as the question has it, and who or what bears it: two at least.

    Only of a question that says little else: "Who is Smith?", not "Which prize did Smith win?".
    """
    if re.search(r"\d|[\"“]", question):
        return None
    return _by_title(question, hits) or _by_surname(question, hits) or _by_kind(question, hits)


def _by_title(question: str, hits: Sequence[Hit]) -> tuple[str, list[str]] | None:
    """Find documents named alike but for what follows: "Mercury (planet)", "Mercury (element)"."""
    families: dict[str, list[str]] = {}
    for title in dict.fromkeys(hit.passage.title.strip() for hit in hits):
        if match := _QUALIFIED.match(title):
            families.setdefault(match[1], []).append(title)
    for base, titles in families.items():
        said = re.search(rf"(?<![\w-]){re.escape(base)}(?![\w-])", question, re.IGNORECASE)
        if said is None or len(titles) < 2 or not _says_little_else(question, base):
            continue
        qualifiers = content_stems(" ".join(title[len(base) :] for title in titles))
        about = [hit for hit in hits if hit.passage.title.strip() in titles]
        if not qualifiers & content_stems(question) and not one_alone_says(question, base, about):
            return said[0], titles
    return None


def _by_surname(question: str, hits: Sequence[Hit]) -> tuple[str, list[str]] | None:
    """Find people of one surname who are never spoken of in one document."""
    alone = rf"\b({_CAPITALISED})\b"
    said = [
        match[1].removesuffix("'s").removesuffix("’s")
        for match in re.finditer(alone, question)
        if not _beside_a_name(question, match.start(), match.end())
    ]
    if not said:
        return None
    by_document: dict[str, list[str]] = {}
    for hit in hits:
        by_document.setdefault(hit.passage.doc_id, []).append(hit.passage.text)
    people = {doc_id: people_in(texts) for doc_id, texts in by_document.items()}
    for surname in said:
        if not _says_little_else(question, surname):
            continue
        bearers = {
            doc_id: [one for one in names if one.split()[-1] == surname]
            for doc_id, names in people.items()
        }
        different = _different(one for names in bearers.values() for one in names)
        alone_there = all(len(_different(names)) < 2 for names in bearers.values())
        about = [hit for hit in hits if bearers[hit.passage.doc_id]]
        if len(different) > 1 and alone_there and not one_alone_says(question, surname, about):
            return surname, different
    return None


def _by_kind(question: str, hits: Sequence[Hit]) -> tuple[str, list[str]] | None:
    """Find documents on several of "the router", of which each says what is asked about."""
    found = _THE_KIND.search(question)
    if found is None or re.search(r"(?<=\w )[A-Z]", question.replace(" I ", " ")):
        return None
    kind = content_stems(found[1])
    others = content_stems(question) - kind
    titles: dict[str, set[str]] = {}
    for hit in hits:
        titled = content_stems(hit.passage.title)
        if kind and kind < titled and not others & titled:
            titles.setdefault(hit.passage.title, set()).update(content_stems(hit.passage.text))
    fitting = [title for title, said in titles.items() if others <= said]
    if len(others) > _MOST_OTHER_WORDS or len(fitting) < 2 or len(fitting) < len(titles):
        return None
    return found[1], fitting


def one_alone_says(question: str, name: str, hits: Iterable[Hit]) -> bool:
    """Whether just one of the documents speaks of what else the question asks about."""
    says = [
        {hit.passage.doc_id for hit in hits if word in content_stems(hit.passage.text)}
        for word in content_stems(question) - content_stems(name)
    ]
    return any(len(documents) == 1 for documents in says)


def _beside_a_name(question: str, start: int, end: int) -> bool:
    before, after = question[:start].rstrip(), question[end:].lstrip()
    last = before.split()[-1] if before else ""
    inner = len(before.split()) > 1 and last[:1].isupper()
    return bool(re.match(_CAPITALISED, after)) or inner or last.lower() == "the"


def _says_little_else(question: str, name: str) -> bool:
    return len(content_stems(question) - content_stems(name)) <= _MOST_OTHER_WORDS


def _different(names: Iterable[str]) -> list[str]:
    """Return names whose first names begin otherwise: Mike and Michael may be one person."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name[0], name)
    return list(found.values())
