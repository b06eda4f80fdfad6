"""Those who may not come in for the time being, whatever proves who they are.

A name counts for all that it may mean: `ann` is the person that a proxy, a sign-in or a portal's
token names so, and every key made under that name; a key alone is meant by its id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rag.errors import InputError, StoreError
from rag.web.people.access import Principal
from rag.web.people.owned_file import OwnedFile


class SuspendedFile:
    """The names, in a file that only its owner may read; a running server sees a change at once."""

    def __init__(self, path: Path) -> None:
        self._file = OwnedFile(path, _parse)
        self._path = path

    def all(self) -> dict[str, str]:
        """Map the names to when they were suspended.

        Raises:
            StoreError: the file cannot be read; then nobody comes in.
        """
        try:
            return dict(self._file.read() or {})
        except (OSError, ValueError) as error:
            raise StoreError(
                f"The suspended names in {self._path} cannot be read.",
                "Restore the file, or delete it and suspend them again: footnote access suspend",
            ) from error

    def holds(self, principal: Principal) -> bool:
        """Tell whether somebody is suspended under any of their names."""
        suspended = {name.casefold() for name in self.all()}
        return bool(suspended) and not suspended.isdisjoint(_names(principal))

    def suspend(self, name: str) -> None:
        """Let nobody of this name in.

        Raises:
            InputError: it is no name.
        """
        if not name.strip() or not name.isprintable():
            raise InputError(f"{name!r} is no name.", "Give it as footnote token list has it.")
        with self._file.changing():
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._save({name.strip(): now} | self.all())

    def resume(self, name: str) -> None:
        """Let those of a name in again.

        Raises:
            InputError: they were not suspended.
        """
        with self._file.changing():
            held = self.all()
            kept = {n: t for n, t in held.items() if n.casefold() != name.strip().casefold()}
            if len(kept) == len(held):
                raise InputError(f"{name!r} is not suspended.", "See: footnote access list")
            self._save(kept)

    def _save(self, names: dict[str, str]) -> None:
        self._file.write(json.dumps(names, indent=1))


def _names(principal: Principal) -> Iterable[str]:
    whole = principal.name.casefold()
    return {whole, whole.partition(" ")[2], *(name.casefold() for name in principal.known_as)}


def _parse(text: str) -> dict[str, str]:
    names = json.loads(text)
    if not isinstance(names, dict) or not all(isinstance(t, str) for t in names.values()):
        raise ValueError("not names and times")
    return names
