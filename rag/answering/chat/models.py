"""Chat models of any provider: set up from Settings, and their failures in plain words."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.answering.chat.waiting import Waits, chain_of, persistently, status_of, streams_itself
from rag.errors import ConfigurationError, ModelError, RagError
from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

_RETRIES = {"openai": 0, "anthropic": 0}
"""How often a provider's own client tries again. These need not: `chat.waiting` does."""
CONDENSE_SECONDS = 15.0
"""The most that rewriting a follow-up may take, and never more than a quarter of the time-out."""

_EXTRAS = frozenset({"openai", "ollama", "anthropic"})
_ADDRESSES = ("openai_api_base", "base_url", "anthropic_api_url")
_GUIDE = "docs/models.md shows two lines for each provider."


def load_chat_model(settings: Settings) -> BaseChatModel:
    """Set up the chat model that `settings.model` names, as in "openai:gpt-5"; ask it nothing yet.

    Raises:
        ConfigurationError: the name has no provider that is known.
        ModelError: the provider's package is missing, or it refuses the settings.
    """
    from langchain.chat_models import init_chat_model

    provider, _, name = settings.model.partition(":")
    if not provider or not name:
        raise ConfigurationError(
            f"FOOTNOTE_MODEL is {settings.model!r}; expected PROVIDER:NAME, as in 'ollama:qwen3'.",
            _GUIDE,
        )
    options = _options(provider, settings)
    try:
        with provider_errors(settings.model):
            model: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
            return model
    except ModelError as error:
        cause = error.__cause__
        if isinstance(cause, ImportError):
            raise ModelError(
                f"The chat model {settings.model} needs a package that is not installed.",
                f"Install it: {_install(provider)}",
            ) from cause
        if isinstance(cause, ValueError) and "Unsupported provider" in str(cause):
            raise ConfigurationError(
                f"FOOTNOTE_MODEL is {settings.model!r}, and no provider is called {provider!r}.",
                _GUIDE,
            ) from cause
        raise ModelError(
            f"The chat model {settings.model} cannot be set up ({type(cause).__name__}).",
            f"Most providers need FOOTNOTE_API_KEY. {_GUIDE}",
        ) from cause


def _options(provider: str, settings: Settings) -> dict[str, Any]:
    """Return what the provider's class takes; each has its own names for the same things."""
    options: dict[str, Any] = {"base_url": settings.base_url} if settings.base_url else {}
    if provider == "ollama":
        # Ollama silently drops the beginning of a prompt that is longer than its window, and that
        # is where the instructions are. A token is two characters or more.
        window = settings.context_chars // 2 + 2048
        client = {"timeout": settings.model_timeout_seconds}
        return options | {
            "client_kwargs": client,
            "num_ctx": window,
            "num_predict": settings.max_reply_tokens,
            "reasoning": False,
            "temperature": 0,
        }
    key = settings.api_key.get_secret_value()
    if not key and provider == "openai" and settings.base_url:
        # Servers of one's own want no key, the client insists on one, and a key in
        # OPENAI_API_KEY is meant for OpenAI and not for them.
        key = "none"
    if key:
        options["api_key"] = key
    return options | {
        "timeout": settings.model_timeout_seconds,
        "max_retries": _RETRIES.get(provider, 1),
        "max_tokens": settings.max_reply_tokens,
    }


def condense_seconds(settings: Settings) -> float:
    """Return how long rewriting a follow-up may take: the answer gets the rest of the time."""
    return min(CONDENSE_SECONDS, settings.model_timeout_seconds / 4)


def _install(provider: str) -> str:
    if provider in _EXTRAS:
        return f"pip install 'footnote[{provider}]'"
    return f"pip install langchain-{provider.replace('_', '-')}"


@contextmanager
def provider_errors(name: str, model: BaseChatModel | None = None) -> Iterator[None]:
    """Turn whatever goes wrong inside into a ModelError that says what and where.

    This is the one edge to the providers' code, and its `except` is broad for that: they raise
    errors of their own, of httpx and of the standard library, with no common base.
    """
    try:
        yield
    except RagError:
        raise
    except Exception as error:
        raise _model_error(error, name, _where(model)) from error


def _model_error(error: Exception, name: str, where: str) -> ModelError:
    """Say what happened without the provider's own words, which may repeat keys and prompts."""
    chain = chain_of(error)
    status = next((code for code in map(status_of, chain) if code is not None), None)
    names = " ".join(type(link).__name__ for link in chain)
    what, hint = _what_happened(status, names)
    return ModelError(f"The chat model {name}{where} {what}.", f"{hint} {_GUIDE}")


def _what_happened(status: int | None, names: str) -> tuple[str, str]:
    if status in (401, 403):
        return f"refused the key ({status})", "Check FOOTNOTE_API_KEY."
    if status == 404:
        return "is not known there (404)", "Check FOOTNOTE_MODEL and FOOTNOTE_BASE_URL."
    if status == 429:
        return "has had too many requests, or no quota is left (429)", "Wait a little."
    if status == 529:
        return "is overloaded (529)", "Wait a little."
    if status is not None:
        return f"failed with status {status}", "Look into the log of its server."
    if "Timeout" in names:
        return "did not answer in time", "Raise FOOTNOTE_MODEL_TIMEOUT_SECONDS."
    if "Protocol" in names or "ReadError" in names:
        return "broke off in the middle of its reply", "Look into the log of its server."
    if "Connect" in names:
        return "could not be reached", "Is its server running? Check FOOTNOTE_BASE_URL."
    return f"failed ({names.partition(' ')[0]})", "Try again."


def _where(model: BaseChatModel | None) -> str:
    """Return " at HOST" when the model tells its address; never a user or password in it."""
    for attribute in _ADDRESSES:
        address = getattr(model, attribute, None)
        if isinstance(address, str) and (host := urlsplit(address).netloc.rpartition("@")[2]):
            return f" at {host}"
    return ""


def messages(
    chain: Runnable[dict[str, str], AIMessage],
    variables: dict[str, str],
    waits: Waits,
    model: BaseChatModel,
) -> Generator[AIMessage | None, None, None]:
    """Stream a reply, waiting as told; None now and then while there is nothing.

    A provider without a stream for event loops is asked as it can be, with its own time-outs.
    """
    if streams_itself(model):
        yield from persistently(lambda: chain.astream(variables), waits)
    else:
        yield from chain.stream(variables)
