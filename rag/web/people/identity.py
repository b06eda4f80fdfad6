"""Finding out who sends a request, by the mode of access: one place for every kind of proof.

`local` and `open`: nobody has to say. `token`: a key, as Bearer or as the password that a browser
asks for, or the widget's signed token. `proxy`: the header of a trusted proxy; keys work as well.
`oidc`: the cookie of a session that began with a sign-in; keys and tokens work as well.
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from typing import Any

import jwt
from starlette.datastructures import Headers
from starlette.types import Scope

from rag.errors import ConfigurationError
from rag.settings import Settings
from rag.web.people.access import Principal, Right, checked_groups
from rag.web.people.keys import PREFIX, KeyFile
from rag.web.people.sign_in import SignIn
from rag.web.people.suspended import SuspendedFile

MAX_USER_CHARS = 200
MAX_TOKEN_CHARS = 4096
MAX_TOKEN_SECONDS = 600
TOKEN_AUDIENCE = "footnote"
MIN_SECRET_BYTES = 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotHeld(Exception):
    """A key, token or name that was given and proves nothing."""


@dataclass(frozen=True)
class Identity:
    """Who a request is from, and the address that it came from first."""

    mode: str
    keys: KeyFile
    networks: tuple[Network, ...] = ()
    user_header: str = ""
    groups_header: str = ""
    suspended: SuspendedFile | None = None
    embed_secret: str = ""
    sign_in: SignIn | None = None

    def address(self, scope: Scope, headers: Headers) -> str:
        """Return the client's address: the peer's, or what a trusted proxy says it is."""
        peer = _peer(scope)
        if self._is_proxy(peer):
            forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            if _as_address(forwarded) is not None:
                return forwarded
        return peer

    @property
    def knows_people(self) -> bool:
        """Whether each principal is one person or program, rather than all at an address."""
        return self.mode not in ("local", "open")

    def is_secure(self, scope: Scope, headers: Headers) -> bool:
        """Tell whether the browser speaks TLS, to us or to a trusted proxy."""
        if self._is_proxy(_peer(scope)):
            return headers.get("x-forwarded-proto") == "https"
        return bool(scope["scheme"] == "https")

    async def principal(self, scope: Scope, headers: Headers) -> Principal | None:
        """Return who sends a request; None when nobody is named but somebody has to be.

        Raises:
            NotHeld: what is given proves nothing.
            Problem: who is signed in cannot be looked up (503).
        """
        if not self.knows_people:
            return Principal(f"anybody at {self.address(scope, headers)}")
        is_named = self.mode == "proxy" and self._is_proxy(_peer(scope))
        named = headers.getlist(self.user_header) if is_named else []
        if named:
            groups = headers.getlist(self.groups_header) if self.groups_header else []
            return _by_proxy(named, groups)
        given = headers.getlist("authorization")
        if given:
            return self._by_authorization(given)
        return None if self.sign_in is None else await self.sign_in.person(scope, headers)

    def is_suspended(self, principal: Principal) -> bool:
        """Tell whether somebody may not come in, although who they are is proven."""
        return self.suspended is not None and self.suspended.holds(principal)

    def _by_authorization(self, given: list[str]) -> Principal:
        scheme, _, secret = given[0].partition(" ")
        secret = secret.strip()
        if scheme.lower() == "basic":
            secret = _password(secret)
        elif scheme.lower() != "bearer":
            raise NotHeld
        if len(given) > 1 or not secret:
            raise NotHeld
        if not secret.startswith(PREFIX):
            return self._by_token(secret)
        key = self.keys.find(secret)
        if key is None:
            raise NotHeld
        return Principal(
            f"key {key.key_id}",
            frozenset(map(Right, key.rights)),
            groups=frozenset(key.groups),
            known_as=frozenset({key.name}),
        )

    def _by_token(self, token: str) -> Principal:
        """Read a token that the host page's server signed; it may ask, and nothing else."""
        if not self.embed_secret or len(token) > MAX_TOKEN_CHARS:
            raise NotHeld
        try:
            # Only this algorithm and our own secret: what the token's header says of keys is void.
            claims: dict[str, Any] = jwt.decode(
                token,
                self.embed_secret,
                algorithms=["HS256"],
                audience=TOKEN_AUDIENCE,
                options={"require": ["exp", "iat", "sub", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise NotHeld from error
        if claims["exp"] - claims["iat"] > MAX_TOKEN_SECONDS:
            raise NotHeld
        groups, within = claims.get("groups", []), claims.get("collections", [])
        if not isinstance(groups, list) or not isinstance(within, list):
            raise NotHeld
        return Principal(
            f"embed {_checked(claims['sub'])}",
            groups=_groups(groups),
            within=_groups(within) if "collections" in claims else None,
        )

    def _is_proxy(self, peer: str) -> bool:
        address = _as_address(peer)
        return address is not None and any(address in network for network in self.networks)


def build_identity(settings: Settings, sign_in: SignIn | None = None) -> Identity:
    """Build it from the settings; `sign_in` knows who is signed in, in the mode `oidc`.

    Raises:
        ConfigurationError: they would let in whom they do not mean to.
    """
    secret = settings.embed_secret.get_secret_value()
    if settings.access == "proxy" and not settings.proxy_networks:
        raise ConfigurationError(
            "FOOTNOTE_ACCESS=proxy needs to know where the proxy is.",
            'Set FOOTNOTE_PROXY_NETWORKS, such as ["10.1.2.3/32"].',
        )
    if secret and len(secret.encode()) < MIN_SECRET_BYTES:
        raise ConfigurationError(
            f"FOOTNOTE_EMBED_SECRET has fewer than {MIN_SECRET_BYTES} bytes.",
            'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
        )
    return Identity(
        mode=settings.access,
        keys=key_file(settings),
        networks=tuple(map(_network, settings.proxy_networks)),
        user_header=settings.proxy_user_header,
        groups_header=settings.proxy_groups_header,
        # Where nobody has a name, nobody can be meant.
        suspended=None if settings.access in ("local", "open") else suspended_file(settings),
        embed_secret=secret,
        sign_in=sign_in,
    )


def key_file(settings: Settings) -> KeyFile:
    """Return where a store's keys are."""
    return KeyFile(settings.data_dir / "keys.json")


def suspended_file(settings: Settings) -> SuspendedFile:
    """Return where the names of those are who may not come in."""
    return SuspendedFile(settings.data_dir / "suspended.json")


def check_binding(settings: Settings) -> None:
    """See to it that a server open to anybody on this machine listens on this machine only.

    Raises:
        ConfigurationError: it would be open to others.
    """
    if settings.access == "local" and not _is_loopback(settings.host):
        raise ConfigurationError(
            f"FOOTNOTE_ACCESS=local listens on this machine only; found host {settings.host}.",
            "Say who may come in: FOOTNOTE_ACCESS=token (keys), oidc or proxy (single "
            "sign-on), or open (anybody who reaches the port). See docs/intranet.md.",
        )


def _by_proxy(names: list[str], groups: list[str]) -> Principal:
    # A header that came twice: one of them may be the client's own.
    if len(names) > 1 or len(groups) > 1:
        raise NotHeld
    named = groups[0].split(",") if groups else []
    return Principal(f"user {_checked(names[0].strip())}", groups=_groups(named))


def _groups(names: list[object] | list[str]) -> frozenset[str]:
    try:
        return checked_groups(names)
    except ValueError as error:
        raise NotHeld from error


def _checked(name: object) -> str:
    if isinstance(name, str) and 0 < len(name) <= MAX_USER_CHARS and name.isprintable():
        return name
    raise NotHeld


def _password(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError as error:
        raise NotHeld from error


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigurationError(
            f"FOOTNOTE_PROXY_NETWORKS: {text!r} is not a network ({error}).",
            'Write it as ["10.1.2.3/32"].',
        ) from error


def _is_loopback(host: str) -> bool:
    address = _as_address(host.strip("[]"))
    return host == "localhost" if address is None else address.is_loopback
