"""What the gate decides by, built from the settings."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from rag.settings import Settings
from rag.web.gate.audit import AuditLog
from rag.web.gate.embeds import Embeds, read_embeds
from rag.web.gate.limits import Limits
from rag.web.gate.sessions import Sessions
from rag.web.people.identity import Identity, build_identity
from rag.web.people.sign_in import SignIn
from rag.web.public import read_public_url


@dataclass(frozen=True)
class Policy:
    """What the gate decides by."""

    hosts: frozenset[str]
    identity: Identity
    embeds: Embeds
    limits: Limits
    max_upload_bytes: int
    audit: AuditLog | None = None
    sessions: Sessions | None = None


def build_policy(
    settings: Settings, sign_in: SignIn | None = None, audit: AuditLog | None = None
) -> Policy:
    """Build it from the settings; raises ConfigurationError as its parts do."""
    names = frozenset(name.lower() for name in settings.trusted_hosts)
    public = read_public_url(settings).host
    return Policy(
        allowed_hosts(settings.host) | names | ({public} if public else frozenset()),
        build_identity(settings, sign_in),
        read_embeds(settings.embeds),
        Limits(settings.questions_per_minute),
        settings.max_upload_mb * 2**20,
        audit,
        # Where nobody says who they are, an address that changes would lose its session.
        Sessions() if settings.access in ("token", "proxy", "oidc") else None,
    )


def allowed_hosts(host: str) -> frozenset[str]:
    """Return the names under which a server bound to `host` may be addressed.

    Addresses need no listing: a page that rebinds DNS to reach this server has a name for it.
    """
    names = {"localhost", host.strip("[]").lower()}
    if host in {"0.0.0.0", "::", ""}:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)
