"""The people that texts speak of, by full name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_NAME = r"[A-Z][a-z’'-]+(?: [A-Z]\.)?(?: (?:van|von|de|der|bin|al))?(?: [A-Z][a-z’'-]+){1,2}"
_DOES = (
    "said|says|told|tells|asked|asks|wrote|writes|added|adds|argued|argues|noted|notes|stated|"
    "explained|announced|replied|led|leads|joined|founded|resigned|married|died|lives|works|"
    "thinks|believes|hopes|warned|was born|is an?|was an?|was appointed|has been"
)
_ROLE = (
    r"(?:Mr|Mrs|Ms|Dr|Prof|Sir|Dame|President|Secretary|Minister|Chairman|Chairwoman|Director|"
    r"Senator|Judge|Ambassador|Professor|spokesman|spokeswoman|spokesperson|minister|director|"
    r"author|analyst|expert|professor|manager|engineer|founder)"
)
_ACTS = re.compile(rf"({_NAME})(?:, [^,.]{{3,60}},)? (?:{_DOES})\b")
_SPOKE = re.compile(rf"\b(?:said|says|told|asked|wrote) ({_NAME})\b")
_HOLDS = re.compile(rf"\b{_ROLE}\.? ({_NAME})\b")
_NO_PEOPLE = (
    "The This That These Those It He She They We In On At By For From With When While After "
    "Before But And Or If As Its His Her Their Our My Your What Who Which Where How Why Mr Mrs Ms "
    "Later Then Yesterday Today However Meanwhile Also Once Last Dr Prof Sir President Secretary "
    "Minister Department Ministry University Institute Bureau "
    "Committee Council Party Commission Agency Office Company Corporation Bank Club Association "
    "Union Court Congress Parliament Street Avenue Road Bridge River Mountain Lake Park Museum "
    "Library School College Hospital Church Hall House Center Centre Daily Times Post News Review "
    "United States Kingdom Nations North South East West New Chinese American British French "
    "German Russian European Human Rights Foreign State Affairs System Project Group Team Model "
    "Report Policy Plan Act Law Monday Tuesday Wednesday Thursday Friday Saturday Sunday January "
    "February March April May June July August September October November December"
)
_NO_PERSON = frozenset(_NO_PEOPLE.split())


def people_in(texts: Sequence[str]) -> list[str]:
    """Return the full names of people who do or are something, those best known as such first.

    Each by its first form ("Michael H. Posner" and "Michael Posner" are one).
    """
    counted: Counter[tuple[str, str]] = Counter()
    forms: dict[tuple[str, str], str] = {}
    for text in texts:
        for pattern in (_ACTS, _SPOKE, _HOLDS):
            for match in pattern.finditer(text):
                words = _without_lead(match[1].split())
                if len(words) > 1 and not _NO_PERSON & set(words):
                    key = (words[0], words[-1])
                    forms.setdefault(key, " ".join(words))
                    counted[key] += 1
    return [forms[key] for key, _ in counted.most_common()]


def _without_lead(words: list[str]) -> list[str]:
    """Drop what stands before a name: "Later", "Secretary", "On Monday"."""
    first = next((i for i, word in enumerate(words) if word not in _NO_PERSON), len(words))
    return words[first:]
