"""Settings as a TOML file, to be kept beside the code of a deployment and compared there (pure)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from miner.errors import InvalidArguments
from miner.settings import Settings, parse


def dump(settings: Settings) -> str:
    """Every setting with its sentence; those without a value stand as comments. `merge` reads it back."""
    simple, tables = [], []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        sentence = f"# {field.description}"
        if value is None:
            simple.append(f"{sentence}\n# {name} =\n")
        elif isinstance(value, Mapping):
            rows = "".join(f"{_key(str(key))} = {_value(one)}\n" for key, one in value.items())
            tables.append(f"{sentence}\n[{name}]\n{rows}")
        else:
            simple.append(f"{sentence}\n{name} = {_value(value)}\n")
    return "\n".join([*simple, *tables])


def merge(text: str, current: Settings, *, reset: bool = False) -> Settings:
    """`current` with what the file names; `reset`: what it does not name goes back to its default.

    Raises InvalidArguments that names the line or the setting.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidArguments({"file": f"it is not TOML: {error}"}) from None
    return parse(found if reset else {**current.model_dump(exclude_defaults=True), **found})


def changed(before: Settings, after: Settings) -> Iterator[str]:
    """The names of the settings that differ."""
    return (name for name in Settings.model_fields if getattr(before, name) != getattr(after, name))


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _string(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    text = str(value)
    if "\n" in text:
        return '"""\n' + "\n".join(_string(line)[1:-1] for line in text.split("\n")) + '"""'
    return _string(text)


def _string(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but that TOML wants DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
