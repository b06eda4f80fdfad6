"""Who is signed in, and who has begun to, as records; nothing here knows of SQL or of the web."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

SIGN_IN_SECONDS = 600
"""How long somebody may take at the provider."""

IDLE_SECONDS = 4 * 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in; times are in UTC. `ends` is when that is over, however used."""

    person: str
    groups: frozenset[str]
    known_as: frozenset[str]
    began: datetime
    used: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: what its end must match, and where it leads.

    `browser` is the hash of what the browser holds that began it.
    """

    browser: str
    then: str
    nonce: str
    verifier: str


class SignIns(Protocol):
    """Keeps sign-ins, from any thread, for all servers of one database.

    A key is the hash of a secret that only a browser holds: whoever reads the database can come
    in nowhere. Every method raises StoreError when the database cannot be used.
    """

    def begin(self, key: str, begun: Begun) -> None: ...

    def take(self, key: str) -> Begun | None:
        """Return what has begun under a key, once and in time; None otherwise."""

    def keep(
        self, key: str, person: str, groups: frozenset[str], known_as: frozenset[str]
    ) -> None: ...

    def find(self, key: str) -> SignedIn | None:
        """Return who is signed in under a key; None for nobody, or nobody any more."""

    def touch(self, key: str) -> None:
        """Count a use."""

    def end(self, key: str) -> None: ...

    def of_person(self, person: str) -> list[SignedIn]:
        """Return a person's, those that are over and not yet swept included."""

    def sweep(self) -> int:
        """Delete what is over; return how many were signed in."""
