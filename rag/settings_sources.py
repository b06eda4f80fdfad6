"""Where settings come from, and what is said of one that cannot be used."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from rag.errors import ConfigurationError

PREFIX = "FOOTNOTE_"
TOML_FILE = "footnote.toml"
_EXPECTED = {
    "tuple_type": 'should be a list of names, such as ["a", "b"]',
    "dict_type": 'should name lists, such as {"hr": ["hr-staff"]}',
    "string_pattern_mismatch": 'should be written as "eng" or "deu+eng"',  # ocr_languages
    "string_too_short": "may not be empty",
}
_SIMILAR = 0.75
"""From this likeness on, an unknown name is taken for a misspelt one."""


class Variables(EnvSettingsSource):
    """The FOOTNOTE_* variables; lists may also be written with commas between their names.

    Others may set variables of that prefix for purposes of their own (Kubernetes does for a
    service of that name), so of unknown ones only those that resemble a setting are refused.
    """

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        prefix = PREFIX.lower()
        for variable in self.env_vars:
            name = variable.lower().removeprefix(prefix)
            ours = variable.lower().startswith(prefix)
            if ours and name not in fields and (meant := _similar(name, fields)):
                raise ConfigurationError(
                    f"There is no setting {variable.upper()}.",
                    f"Did you mean {PREFIX}{meant.upper()}?",
                )
        return super().__call__()

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Read a list or an object.

        Raises:
            ConfigurationError: it is neither.
        """
        text = str(value).strip()
        if field.annotation == tuple[str, ...] and not text.startswith("["):
            return [name.strip() for name in text.split(",") if name.strip()]
        try:
            return json.loads(text)
        except ValueError as error:
            expected = '["a", "b"]' if text.startswith("[") else '{"NAME": ["a", "b"]}'
            raise ConfigurationError(
                f"{PREFIX}{field_name.upper()} is not JSON ({error}); found {value!r}.",
                f"Write {expected}, in single quotes in a shell: '{expected}'.",
            ) from error


def toml_source(settings: type[BaseSettings]) -> PydanticBaseSettingsSource:
    """Return the source that reads footnote.toml in the working folder, where there is one.

    Raises:
        ConfigurationError: it cannot be read, or holds a name that is no setting.
    """
    try:
        text = Path(TOML_FILE).read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except FileNotFoundError:
        values = {}
    except OSError as error:
        raise ConfigurationError(
            f"{TOML_FILE} in the working folder cannot be read: {error.strerror}.",
            "It has to be a file that you may read; or run the command in another folder.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{TOML_FILE} is not UTF-8.", "Save it in that encoding."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{TOML_FILE} is not TOML: {error}.",
            'Write NAME = VALUE, each name once, text in quotes: model = "ollama:qwen3"',
        ) from error
    for name in values:
        if name not in settings.model_fields:
            raise ConfigurationError(
                f"{TOML_FILE}: there is no setting {name!r}.", _other_name(name, settings)
            )
    return InitSettingsSource(settings, values)


def invalid_setting(
    problem: Mapping[str, Any], given: Collection[str], variables: Collection[str]
) -> ConfigurationError:
    """Return what to say of a value that pydantic refused, naming the place it came from.

    `given` are the names of the settings that came as arguments, `variables` those of all
    variables of the environment.
    """
    name, *inside = (str(part) for part in problem["loc"])
    variable = f"{PREFIX}{name.upper()}"
    place, hint = f"{TOML_FILE}: {name}", f"Correct it in {TOML_FILE}."
    if name in given:
        place, hint = f"Setting {name!r}", "Correct the value that was given for it."
    elif variable in {each.upper() for each in variables}:
        place, hint = variable, "Correct that variable, or unset it."
    message = str(problem["msg"]).partition(", unable to parse")[0]
    message = message.removeprefix("Input ").removeprefix("Value error, ")
    expected = _EXPECTED.get(str(problem["type"]), message)
    where = ", ".join([place, *inside])
    found = problem.get("input")
    shown = "" if isinstance(found, SecretStr) or _is_secret(name) else f" (found {found!r})"
    return ConfigurationError(f"{where} {expected}{shown}.", hint)


def _is_secret(name: str) -> bool:
    return name.endswith(("key", "secret")) or name == "history_url"


def _other_name(name: str, settings: type[BaseSettings]) -> str:
    plain = name.lower().removeprefix(PREFIX.lower())
    meant = plain if plain in settings.model_fields else _similar(plain, settings.model_fields)
    return f"Did you mean {meant!r}?" if meant else "All settings are in docs/settings.md."


def _similar(name: str, names: Collection[str]) -> str | None:
    return next(iter(get_close_matches(name, names, n=1, cutoff=_SIMILAR)), None)
