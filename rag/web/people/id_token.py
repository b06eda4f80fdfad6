"""The checks of an ID token, and whom it names.

Authlib checks the claims, joserfc the signature. What a token says of its own algorithm counts only
within a fixed list, and keys come from the provider's document alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag.web.people.access import Principal, checked_groups

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Of ID tokens: asymmetric ones, whatever the provider says it can do."""

LEEWAY_SECONDS = 60
MAX_USER_CHARS = 200
KNOWN_BY = ("sub", "email", "preferred_username")
"""Claims by which somebody may be suspended, whatever claim names them."""


class SignInFailed(Exception):
    """What came back from the provider proves nothing; the words are for the log."""


class UnknownKey(SignInFailed):
    """The token names a key that is not among the provider's."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str


def checked_claims(token: Mapping[str, Any], keys: Any, expected: Expected) -> dict[str, Any]:
    """Return what an ID token claims, once everything about it holds.

    Raises:
        SignInFailed: something does not; UnknownKey when its key is not among `keys`.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import InvalidKeyIdError, JoseError
    from joserfc.jws import JWSRegistry

    text = token.get("id_token")
    if not isinstance(text, str):
        raise SignInFailed("there is no ID token")
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id}
    params["access_token"] = token.get("access_token", "")
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    try:
        decoded = jwt.decode(text, keys, registry=registry)
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=LEEWAY_SECONDS)
    except InvalidKeyIdError as error:
        raise UnknownKey("the provider has no such key") from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SignInFailed(f"the ID token does not hold: {error}") from error
    return dict(claims)


def principal_of(claims: Mapping[str, Any], user_claim: str, groups_claim: str) -> Principal:
    """Return whom claims name, and the groups; raises SignInFailed when they do not."""
    name = claim(claims, user_claim)
    if not isinstance(name, str) or not 0 < len(name) <= MAX_USER_CHARS:
        raise SignInFailed(f"the claim {user_claim!r} does not name a person")
    if not name.isprintable():
        raise SignInFailed(f"the claim {user_claim!r} cannot be printed")
    if user_claim == "email" and claims.get("email_verified") is False:
        raise SignInFailed("nobody has verified that e-mail address")
    given = claim(claims, groups_claim) if groups_claim else None
    groups = [given] if isinstance(given, str) else given or []
    if not isinstance(groups, list):
        raise SignInFailed(f"the claim {groups_claim!r} is no list of groups")
    try:
        known_as = frozenset(str(claims[key]) for key in KNOWN_BY if claims.get(key))
        return Principal(f"user {name}", groups=checked_groups(groups), known_as=known_as)
    except ValueError as error:
        raise SignInFailed(str(error)) from error


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim; a name with dots may also lead into an object: realm_access.roles."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
