"""Keys for programs: shown once, kept as hashes, each with its rights and a last day."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rag.errors import InputError, StoreError
from rag.web.people.access import Right, checked_groups
from rag.web.people.owned_file import OwnedFile

PREFIX = "fn_"
MAX_KEY_CHARS = 200


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key: `sha256` of it (256 random bits, so no salt or stretching is needed).

    `created` and `expires` are ISO times in UTC.
    """

    name: str
    rights: tuple[str, ...]
    created: str
    expires: str
    sha256: str
    groups: tuple[str, ...] = ()

    @property
    def key_id(self) -> str:
        """By what a person names it."""
        return self.sha256[:8]

    def holds(self, now: datetime) -> bool:
        """Tell whether it has not expired."""
        return now < datetime.fromisoformat(self.expires)


class KeyFile:
    """The keys of a server, in a file that only its owner may read.

    A running server sees at once what a command changes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = OwnedFile(path, _parse)

    def all(self) -> list[ApiKey]:
        """List the keys, the oldest first.

        Raises:
            StoreError: the file cannot be read.
        """
        return list(self._load().values())

    def create(
        self, name: str, rights: Iterable[Right], *, days: int, groups: Iterable[str] = ()
    ) -> tuple[ApiKey, str]:
        """Make a key; return what is kept, and the key itself, which is told only now."""
        secret = PREFIX + secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        key = ApiKey(
            name=name,
            rights=tuple(sorted(right.value for right in set(rights))),
            created=now.isoformat(timespec="seconds"),
            expires=(now + timedelta(days=days)).isoformat(timespec="seconds"),
            sha256=_digest(secret),
            groups=tuple(sorted(checked_groups(groups))),
        )
        with self._file.changing():
            self._save([*self.all(), key])
        return key, secret

    def revoke(self, key_id: str) -> ApiKey:
        """Take a key back.

        Raises:
            InputError: there is no such key.
        """
        with self._file.changing():
            keys = self.all()
            found = next((key for key in keys if key.key_id == key_id), None)
            if found is None:
                raise InputError(f"There is no key {key_id!r}.", "See: footnote token list")
            self._save([key for key in keys if key is not found])
        return replace(found)

    def find(self, secret: str) -> ApiKey | None:
        """Return the key that a secret opens with, if it still holds."""
        if not secret.startswith(PREFIX) or len(secret) > MAX_KEY_CHARS:
            return None
        key = self._load().get(_digest(secret))
        return key if key is not None and key.holds(datetime.now(UTC)) else None

    def _load(self) -> dict[str, ApiKey]:
        try:
            return self._file.read() or {}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise self._unreadable() from error

    def _unreadable(self) -> StoreError:
        return StoreError(
            f"The keys in {self._path} cannot be read.",
            "Restore the file, or delete it and make new keys with: footnote token create",
        )

    def _save(self, keys: list[ApiKey]) -> None:
        self._file.write(json.dumps([asdict(key) for key in keys], indent=1))


def _parse(text: str) -> dict[str, ApiKey]:
    keys = map(_as_key, json.loads(text))
    return {key.sha256: key for key in keys}


def _as_key(row: dict[str, Any]) -> ApiKey:
    # Keys made before there were groups have none.
    lists = {"rights": tuple(row["rights"]), "groups": tuple(row.get("groups", ()))}
    return ApiKey(**{**row, **lists})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
