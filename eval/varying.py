"""Settings that a person varies on the command line, and the file that keeps the best of them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from rag.errors import InputError
from rag.settings import Settings

STORED = ("embedding_model", "passage_chars", "overlap_chars")
"""What a store is written with; under others it is refused."""
_NOT_VARIED = {
    "data_dir",
    "collections",
    "embeds",
    "trusted_hosts",
    "proxy_networks",
    "host",
    "port",
}


def parse_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read `name=value,value` assignments as a grid.

    Raises:
        InputError: one is not of that form, names no setting of one value, or a value is not one.
    """
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, _, listed = (part.strip() for part in text.partition("="))
        if name == "abstain_below":
            raise InputError(
                "abstain_below is not varied: the best is found for every trial.",
                "Leave it out. For it alone, without asking again: footnote eval threshold RUN",
            )
        if name not in Settings.model_fields or name in _NOT_VARIED or not listed:
            raise InputError(f"{text!r} varies nothing.", "Write NAME=A,B,C, as in read_k=5,10.")
        given = [value.strip() for value in listed.split(",")]
        grid[name] = list(dict.fromkeys(_setting(name, value) for value in given))
    return grid


def _setting(name: str, value: str) -> Any:
    field = Settings.model_fields[name]
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise InputError(
            f"{name}={value}: {error.errors()[0]['msg']}.", "Write NAME=A,B,C, as in read_k=5,10."
        ) from error


def write_settings(path: Path, values: Mapping[str, Any]) -> None:
    """Set values in a footnote.toml, keeping its other lines.

    Raises:
        InputError: the file is not TOML, or would not be.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    # What stands below a table's heading belongs to the table, whatever it is called.
    end = next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    kept = [line for line in lines[:end] if line.partition("=")[0].strip() not in values]
    written = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    text = "\n".join([*written, *kept, *lines[end:]]) + "\n"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"{path}: not TOML ({error}).", "Mend the file, then try again."
        ) from error
    path.write_text(text, encoding="utf-8")


def needs_reindexing(settings: Settings, values: Mapping[str, Any]) -> bool:
    """Say whether a store written under the settings would be refused under the values."""
    return any(name in values and values[name] != getattr(settings, name) for name in STORED)
