"""Which pages of other origins may frame the widget and call the API: one list for each embed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.errors import ConfigurationError
from rag.web.markup import esc

_ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::\d{1,5})?")
_NAME = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Embeds:
    """The embeds by name, each with its origins. No origin listed means that nobody may."""

    origins_by_name: Mapping[str, frozenset[str]]

    @property
    def all_origins(self) -> frozenset[str]:
        """The origins of any embed."""
        return frozenset().union(*self.origins_by_name.values())

    def origins(self, name: str) -> frozenset[str]:
        """Return the origins of an embed; none for one that does not exist."""
        return self.origins_by_name.get(name, frozenset())


def read_embeds(given: Mapping[str, Sequence[str]]) -> Embeds:
    """Check the embeds of the settings.

    Raises:
        ConfigurationError: a name or an origin that could mean something else.
    """
    for name, origins in given.items():
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"The embed {name!r} has no plain name.", "Use letters, digits, - and _ only."
            )
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    f"Embed {name!r}: {origin!r} is not an origin.",
                    "Write scheme and host in lower case, and the port if it is not the usual "
                    'one: "https://portal.corp". There are no wildcards.',
                )
    return Embeds({name: frozenset(origins) for name, origins in given.items()})


def embed_policy(origins: frozenset[str]) -> str:
    """Return the policy of the page inside the widget; only these origins may frame it."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "frame-ancestors " + (" ".join(sorted(origins)) or "'none'"),
        )
    )


def embed_page(origins: frozenset[str]) -> str:
    """Render the page inside the widget: nothing but what it is made of, by relative addresses."""
    return (
        f'<!doctype html><html lang="en" data-origins="{esc(" ".join(sorted(origins)))}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>Footnote</title>'
        '<link rel="icon" href="ui/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="ui/embed.css">'
        '<script src="ui/embed-words.js" defer></script><script src="ui/embed.js" defer></script>'
        '</head><body><noscript><a href=".">Open the assistant</a></noscript></body></html>'
    )
