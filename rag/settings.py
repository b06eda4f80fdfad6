"""One frozen Settings; the only reader of the environment and of footnote.toml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rag.settings_sources import PREFIX, Variables, invalid_setting, toml_source

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Everything that can be set, by FOOTNOTE_* variables or a footnote.toml in the working folder.

    Arguments win over the environment, the environment over footnote.toml.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Path(".footnote")
    """The store: catalogue, indexes and locks."""
    uploads_dir: Path = Path("uploads")
    """Where files that programs send are kept."""

    embedding_model: str = Field(default="all-MiniLM-L6-v2", min_length=1)
    """The packaged model, a folder, or any sentence-transformers name."""
    allow_downloads: bool = False
    """Whether model libraries may fetch models by name from a hub."""

    passage_chars: int = Field(default=1000, ge=100, le=8000)
    """The most characters a passage holds; only a longer single sentence exceeds it."""
    overlap_chars: int = Field(default=0, ge=0, le=2000)
    """The most characters of whole sentences that a passage repeats from the one before."""

    read_seconds: float = Field(default=60.0, gt=0)
    """How much processor time reading one document may take."""
    read_memory_mb: int = Field(default=1024, ge=256)
    """How much memory the process that reads files may take."""
    ocr_languages: str = Field(default="eng", pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$")
    """What Tesseract reads pictures as, such as "deu+eng"; their data must be installed."""

    search_k: int = Field(default=50, ge=1, le=1000)
    """How many passages each index proposes."""
    dense_share: float = Field(default=0.4, ge=0.0, le=1.0)
    """What similarity counts for beside shared words when both searches are merged."""
    year_bonus: float = Field(default=0.2, ge=0.0, le=1.0)
    """What a passage gains that names a year of the question, as a share of the best score."""
    read_k: int = Field(default=10, ge=1, le=100)
    """How many of the fused passages are read."""
    reader: Literal["trained", "similarity"] = "trained"
    """What judges evidence: the packaged reading model (English), or likeness alone."""
    abstain_below: float = Field(default=0.4, ge=0.0, le=1.0)
    """Below this confidence the answer is that the documents do not say."""
    max_sentences: int = Field(default=4, ge=1, le=20)
    """The most sentences the reader quotes."""

    model: str = ""
    """A chat model, such as "ollama:qwen3" or "openai:gpt-5"; empty: the reader answers."""
    base_url: str = ""
    """Where an OpenAI-compatible or Ollama server listens, when not the provider's own."""
    api_key: SecretStr = SecretStr("")
    """The provider's key; a server of your own may need none."""
    model_timeout_seconds: float = Field(default=60.0, gt=0)
    """How long to wait for the first piece of a reply, and for each next one."""
    context_chars: int = Field(default=12_000, ge=500)
    """The most characters of passages that a chat model is given."""
    max_reply_tokens: int = Field(default=4000, ge=50)
    """The most tokens of a reply, those of its thinking included."""
    second_opinion: bool = False
    """Whether the chat model is asked which of its sentences it would not call supported."""
    hide_unsupported: bool = False
    """Whether sentences that the documents do not support are left out of its answers."""

    access: Literal["local", "open", "token", "proxy", "oidc"] = "local"
    """Who may come in: this machine, anybody, holders of keys, whom a proxy names, or signed-in."""
    public_url: str = ""
    """Where browsers reach the server, such as "https://ask.corp" or "https://portal.corp/ask"."""
    trusted_hosts: tuple[str, ...] = ()
    """Names by which the server is addressed, beside the host it listens on."""
    proxy_networks: tuple[str, ...] = ()
    """From where a proxy in front connects, such as "10.1.2.3/32"; it names clients' addresses."""
    proxy_user_header: str = "X-Forwarded-User"
    """The header in which that proxy names the person."""
    proxy_groups_header: str = "X-Forwarded-Groups"
    """The header in which it names the person's groups, with commas between them."""
    oidc_issuer: str = ""
    """Who signs people in when access = "oidc": the issuer, as the provider writes it."""
    oidc_client_id: str = ""
    """The name under which Footnote is registered at that provider."""
    oidc_client_secret: SecretStr = SecretStr("")
    """What proves that it is Footnote; empty for a public client."""
    oidc_scopes: str = "openid profile email"
    """What the provider is asked to tell; some want "groups" too."""
    oidc_user_claim: str = "sub"
    """The claim that names a person; `sub` is the one that never changes."""
    oidc_groups_claim: str = "groups"
    """The claim with the person's groups; dots lead into objects: "realm_access.roles"."""
    session_hours: int = Field(default=8, ge=1, le=168)
    """After how long a person signs in again."""
    collections: dict[str, tuple[str, ...]] = {}
    """The groups that may read each collection; "*": whoever is let in. See docs/intranet.md."""
    embeds: dict[str, tuple[str, ...]] = {}
    """The origins of the pages that may show each embed of the widget; none: nobody may."""
    embed_secret: SecretStr = SecretStr("")
    """What the servers of those pages sign tokens with, to say who asks."""
    questions_per_minute: int = Field(default=60, ge=1)
    """How many questions a person may ask; an address ten times as many."""
    max_upload_mb: int = Field(default=25, ge=1, le=1000)
    """The largest file that may be sent."""
    audit: Literal["off", "on", "questions"] = "on"
    """Whether it is written down who asked and changed what; "questions": and in which words."""

    history_url: SecretStr = SecretStr("")
    """Where conversations, feedback and audit are kept: a PostgreSQL URL; empty: a file."""
    keep_conversations: bool = True
    """Whether the chat page keeps conversations; with access = "open" it never does."""
    keep_days: int = Field(default=0, ge=0)
    """After how many days conversations and feedback are deleted; 0: never."""
    keep_audit_days: int = Field(default=0, ge=0)
    """After how many days audit lines are deleted; 0: never."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on."""
    port: int = Field(default=7860, ge=0, le=65535)
    """The port to listen on; 0 picks a free one."""

    @field_validator("data_dir", "uploads_dir", mode="before")
    @classmethod
    def _is_named(cls, value: object) -> object:
        if value == "":  # which would be the working folder
            raise ValueError("should name a folder")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Variables(settings_cls), toml_source(settings_cls)


def load_settings(**overrides: Any) -> Settings:
    """Read settings; overrides that are None count as not given.

    Raises:
        ConfigurationError: a value of the wrong kind, or a name that is no setting.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise invalid_setting(error.errors()[0], given, os.environ) from error


def keep_libraries_quiet(*, allow_downloads: bool = False) -> None:
    """Switch off telemetry and hub look-ups of the libraries below; call it before importing them.

    What the person has set already stays as it is.
    """
    defaults = {
        "ANONYMIZED_TELEMETRY": "False",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "LANGSMITH_TRACING": "false",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    if not allow_downloads:
        defaults |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
