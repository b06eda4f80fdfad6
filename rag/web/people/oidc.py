"""The client's side of OpenID Connect: authorization code with PKCE, by means of Authlib."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from rag.errors import ConfigurationError
from rag.history.sign_ins import Begun
from rag.settings import Settings
from rag.web.people.access import Principal
from rag.web.people.id_token import (
    Expected,
    SignInFailed,
    UnknownKey,
    checked_claims,
    claim,
    principal_of,
)
from rag.web.problems import Problem

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
METADATA_SECONDS = 3600.0
CALLBACK = "/auth/callback"


def attempt(browser: str, then: str) -> Begun:
    """Begin a sign-in; `browser` is the hash of what the browser holds that asks for it."""
    return Begun(browser, then, secrets.token_urlsafe(32), secrets.token_urlsafe(48))


@dataclass(frozen=True)
class Provider:
    """What is known of the provider: its documents, as they were when they were read."""

    metadata: Mapping[str, Any]
    keys: Any
    read_at: float


class OpenId:
    """Signs people in with one provider."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._scopes = settings.oidc_scopes
        self._user_claim = settings.oidc_user_claim
        self._groups_claim = settings.oidc_groups_claim
        self._redirect_uri = settings.public_url.rstrip("/") + CALLBACK
        self._lock = asyncio.Lock()
        self._provider: Provider | None = None

    async def begin(self, attempt: Begun, state: str) -> str:
        """Return where to send the browser. Raises Problem when the provider is away (502)."""
        provider = await self._known()
        async with self._client(provider) as client:
            url, _ = client.create_authorization_url(
                provider.metadata["authorization_endpoint"],
                state=state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url)

    async def finish(self, attempt: Begun, code: str) -> Principal:
        """Trade a code for who it is.

        Raises:
            SignInFailed: the code or the token is not what was asked for.
            Problem: the provider cannot be reached (502).
        """
        import httpx2
        from authlib.common.errors import AuthlibBaseError

        provider = await self._known()
        try:
            async with self._client(provider) as client:
                token = await client.fetch_token(
                    provider.metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                )
                claims = await self._claims(provider, token, attempt.nonce)
                claims = await self._with_groups(provider, client, claims)
        except AuthlibBaseError as error:
            raise SignInFailed(f"the provider says: {error.error}") from error
        except (httpx2.HTTPError, OSError, ValueError) as error:
            raise _unreachable(error) from error
        return principal_of(claims, self._user_claim, self._groups_claim)

    async def sign_out_url(self) -> str:
        """Return where the provider's own session is ended, "" when it does not say."""
        endpoint = (await self._known()).metadata.get("end_session_endpoint", "")
        if not _is_safe_url(endpoint):
            return ""
        joint = "&" if "?" in endpoint else "?"
        return f"{endpoint}{joint}{urlencode({'client_id': self._client_id})}"

    async def _claims(
        self, provider: Provider, token: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        """Return what the ID token claims, once everything about it holds; raises SignInFailed."""
        expected = Expected(self.issuer, self._client_id, nonce)
        try:
            return checked_claims(token, provider.keys, expected)
        except UnknownKey:  # the provider has changed its keys
            self._provider = await self._read()
            return checked_claims(token, self._provider.keys, expected)

    async def _with_groups(
        self, provider: Provider, client: AsyncOAuth2Client, claims: dict[str, Any]
    ) -> dict[str, Any]:
        """Add what the provider says of the person elsewhere, when the token has no groups."""
        endpoint = provider.metadata.get("userinfo_endpoint")
        if not self._groups_claim or claim(claims, self._groups_claim) is not None:
            return claims
        if not isinstance(endpoint, str):
            return claims
        answer = await client.get(endpoint)
        answer.raise_for_status()
        said = answer.json()
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            raise SignInFailed("the provider's words on the person are about another one")
        return {**said, **claims}

    def _client(self, provider: Provider) -> AsyncOAuth2Client:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        methods = provider.metadata.get("token_endpoint_auth_methods_supported")
        method = "client_secret_basic"
        if not self._secret:
            method = "none"
        elif isinstance(methods, list) and method not in methods:
            method = "client_secret_post"
        return AsyncOAuth2Client(
            self._client_id,
            self._secret or None,
            token_endpoint_auth_method=method,
            scope=self._scopes,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        )

    async def _known(self) -> Provider:
        async with self._lock:
            known = self._provider
            if known is None or time.monotonic() - known.read_at > METADATA_SECONDS:
                known = self._provider = await self._read()
            return known

    async def _read(self) -> Provider:
        """Read the provider's documents.

        Raises:
            Problem: they cannot be read, or are somebody else's (502).
        """
        import httpx2
        from joserfc.jwk import KeySet

        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                metadata = (await client.get(url)).raise_for_status().json()
                if not isinstance(metadata, dict) or metadata.get("issuer") != self.issuer:
                    raise ValueError("the document is not that issuer's")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    if not _is_safe_url(metadata.get(name)):
                        raise ValueError(f"{name} is no address with https")
                keys = (await client.get(metadata["jwks_uri"])).raise_for_status().json()
            return Provider(metadata, KeySet.import_key_set(keys), time.monotonic())
        except (httpx2.HTTPError, OSError, ValueError, TypeError, KeyError) as error:
            raise _unreachable(error) from error


def build_open_id(settings: Settings) -> OpenId | None:
    """Build it in the mode `oidc`; None in others.

    Raises:
        ConfigurationError: a setting or the extra is missing, or would not be safe.
    """
    if settings.access != "oidc":
        return None
    for name in ("oidc_issuer", "oidc_client_id", "public_url"):
        if not getattr(settings, name):
            raise ConfigurationError(
                f"FOOTNOTE_ACCESS=oidc needs FOOTNOTE_{name.upper()}.",
                "See “Single sign-on” in docs/intranet.md.",
            )
    for name in ("oidc_issuer", "public_url"):
        if not _is_safe_url(getattr(settings, name)):
            raise ConfigurationError(
                f"FOOTNOTE_{name.upper()} is no address with https.",
                'Write it as "https://login.corp"; http is for this machine only.',
            )
    if "openid" not in settings.oidc_scopes.split():
        raise ConfigurationError(
            "FOOTNOTE_OIDC_SCOPES does not hold “openid”.", 'Such as "openid profile email".'
        )
    if find_spec("authlib") is None:
        raise ConfigurationError(
            "FOOTNOTE_ACCESS=oidc needs Authlib, which is not installed.",
            'Install it: pip install "footnote[oidc]"',
        )
    return OpenId(settings)


def _is_safe_url(url: object) -> bool:
    """Tell whether nobody on the way can read or change what is sent to an address."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    if parts.scheme == "http":
        return parts.hostname in ("localhost", "127.0.0.1", "::1")
    return parts.scheme == "https" and bool(parts.hostname)


def _unreachable(error: Exception) -> Problem:
    logger.warning("the provider that signs people in cannot be used: %s", error)
    message = "The server that signs people in cannot be reached."
    return Problem(502, "sign_in_unavailable", message, "Try again in a while.")
