"""What settings must keep to beyond their types: checked when they come from outside, not when loaded (pure).

A rule that a later release adds must not make what is stored unreadable, so `settings.parse` asks here and `load` does
not. Each fault is a sentence that says what to do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

# Every area and component is a choice in the schema of an answer, which the API limits.
MOST_AREAS, MOST_COMPONENTS = 99, 300
LONGEST_NAME, LONGEST_DEFINITION, LONGEST_WORD = 100, 500, 100
MOST_HELP_CENTERS = 10

_REMEDIES = {
    "list_type": 'it is not a list: write ["one", "two"]',
    "dict_type": "it is not a table: write its name in brackets on a line of its own, and its entries below",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number such as 2.5",
    "finite_number": "write a number such as 2.5",
    "string_type": 'it is not text: write it in quotes, "like this"',
}


def remedy(fault: Mapping[str, Any], known: Collection[str]) -> str:
    """The sentence for a fault that pydantic found; `known` are the names there are."""
    if fault["type"] == "extra_forbidden":
        name = str(fault["loc"][-1])
        close = get_close_matches(name, known, n=1)
        return "there is no such setting" + (
            f": did you mean {close[0]}?" if close else "; `miner settings export` shows all"
        )
    told = str(fault["msg"]).removeprefix("Value error, ")
    return _REMEDIES.get(fault["type"], told.replace("Input should", "it must").replace("String should", "it must"))


def list_faults(values: Any) -> dict[str, str]:
    """What is wrong with settings whose types are right, by field."""
    return dict(
        [
            *_areas(values.areas),
            *_components(values.components, values.areas),
            *_definitions("type_definitions", values.type_definitions),
            *_definitions("severity_definitions", values.severity_definitions),
            *_help_centers(values.help_centers),
        ]
    )


def _areas(areas: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
    if len(areas) > MOST_AREAS:
        yield "areas", f"there are {len(areas)}, and at most {MOST_AREAS} can be told apart: join some"
    yield from _names("areas", areas)
    for area, words in areas.items():
        if any(not word.strip() or len(word) > LONGEST_WORD for word in words):
            yield (
                f"areas.{area}",
                f"one of its words is empty or longer than {LONGEST_WORD} characters: correct or remove it",
            )


def _components(components: Mapping[str, list[str]], areas: Collection[str]) -> Iterator[tuple[str, str]]:
    if (count := sum(map(len, components.values()))) > MOST_COMPONENTS:
        yield "components", f"there are {count}, and at most {MOST_COMPONENTS} fit into one question: join some"
    for area, names in components.items():
        if area not in areas:
            close = get_close_matches(area, areas, n=1)
            hint = f", or write {close[0]!r}" if close else ""
            yield f"components.{area}", f"there is no such area: add it to areas{hint}"
        yield from _names(f"components.{area}", names)


def _names(field: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for name in names:
        key = name.strip().casefold()
        if not key or not name.isprintable() or len(name) > LONGEST_NAME:
            yield field, f"a name is empty, longer than {LONGEST_NAME} characters, or has a line break: correct it"
        elif key in seen:
            yield field, f"{name!r} stands in it twice: remove one"
        seen[key] = name


def _definitions(field: str, definitions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, sentence in definitions.items():
        if not sentence.strip() or len(sentence) > LONGEST_DEFINITION:
            yield (
                f"{field}.{name}",
                f"it is empty or longer than {LONGEST_DEFINITION} characters: write a sentence, or remove the line",
            )


def _help_centers(bases: list[str]) -> Iterator[tuple[str, str]]:
    if len(bases) > MOST_HELP_CENTERS:
        yield "help_centers", f"there are {len(bases)}: at most {MOST_HELP_CENTERS} are read"
    for place, base in enumerate(bases):
        if sentence := base_fault(base):
            yield f"help_centers.{place}", sentence


def base_fault(base: str) -> str | None:
    """What is wrong with the address of a Help Center; None: nothing."""
    wanted = "write it as https://support.example.com/hc/en-us"
    try:
        parts = urlsplit(base)
        port = parts.port
    except ValueError:
        return f"it is no address: {wanted}"
    path = parts.path.strip("/").split("/")
    if parts.username or parts.password or parts.query or parts.fragment:
        return f"it holds more than a host and a locale, and nothing secret belongs here: {wanted}"
    if len(path) != 2 or path[0] != "hc" or not path[1].replace("-", "").isalnum():
        return f"it does not end with the Help Center's locale: {wanted}"
    if parts.hostname and is_loopback(parts.hostname) and parts.scheme in ("http", "https"):
        return None
    if parts.scheme != "https" or not parts.hostname or port not in (None, 443):
        return f"only https on its usual port is asked: {wanted}"
    return None


def is_loopback(host: str) -> bool:
    """Whether the name is this machine's own: only for development, see `miner/knowledge/`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
