"""Who is asking, and what that person or program may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from starlette.types import Scope


class Right(StrEnum):
    """What somebody may do: ask and read, or change which documents there are."""

    ASK = "ask"
    INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is known: `name` is unique, rights say what they may do.

    `groups` are those that the proof of who it is names; collections are opened to groups.
    `known_as` are names beside the unique one, under which they may be suspended. `within`, when
    given, are the only collections they may read, whatever their groups open.
    """

    name: str
    rights: frozenset[Right] = field(default_factory=lambda: frozenset({Right.ASK}))
    groups: frozenset[str] = frozenset()
    known_as: frozenset[str] = frozenset()
    within: frozenset[str] | None = None


MAX_GROUPS = 1000
MAX_GROUP_CHARS = 200


def checked_groups(names: Iterable[object]) -> frozenset[str]:
    """Return the names of groups without blanks around them, empty ones left out.

    Raises:
        ValueError: a name that is no text, is too long or cannot be printed, or too many of them.
    """
    groups: set[str] = set()
    for name in names:
        if not isinstance(name, str) or len(name) > MAX_GROUP_CHARS or not name.isprintable():
            raise ValueError(f"{name!r} is not the name of a group")
        groups.add(name.strip())
    if len(groups) > MAX_GROUPS:
        raise ValueError(f"more than {MAX_GROUPS} groups")
    return frozenset(groups - {""})


ANYBODY = Principal("nobody known", frozenset())
"""Who asks before anybody is known."""

_PRINCIPAL = "footnote.principal"


def set_principal(scope: Scope, principal: Principal) -> None:
    """Note who sends a request."""
    scope[_PRINCIPAL] = principal


def principal_of(scope: Scope) -> Principal:
    """Return who sends a request."""
    found: Principal = scope.get(_PRINCIPAL, ANYBODY)
    return found
