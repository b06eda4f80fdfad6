"""Who is asking, and what that person or program may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from starlette.types import Scope


class Right(StrEnum):
    """What somebody may do: ask and read, or change which documents there are."""

    ASK = "ask"
    INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is known: `name` is unique, rights say what they may do."""

    name: str
    rights: frozenset[Right] = field(default_factory=lambda: frozenset({Right.ASK}))


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
