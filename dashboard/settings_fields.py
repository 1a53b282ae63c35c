"""Settings as forms: groups of fields that come from the settings' declaration, and what was typed as values (pure).

A new setting has its field without a line here: what no group names stands in the last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from miner.issues.taxonomy import SEVERITIES, TYPES
from miner.settings import Settings

EMPTY_ROWS = 3  # of areas, for new ones
LONG = 1000  # characters from which a text gets a box of several lines
_PROPERTIES: dict[str, dict[str, Any]] = Settings.model_json_schema()["properties"]
_HINTS = {"type_definitions": TYPES, "severity_definitions": SEVERITIES}


@dataclass(frozen=True)
class Group:
    """A page of settings that belong together."""

    name: str
    title: str
    sentence: str
    names: tuple[str, ...]


_NAMED = (
    Group(
        "taxonomy",
        "Areas and types",
        "What an issue can be about. Claude chooses among these; the local analyzer looks for an area's words.",
        ("areas", "components", "type_definitions", "severity_definitions"),
    ),
    Group(
        "product",
        "Product",
        "What a reader should know to understand a ticket.",
        ("product", "language", "help_centers", "examples"),
    ),
    Group("time", "Time zone", "Where the workspace's days and weeks begin.", ("time_zone",)),
    Group(
        "themes",
        "Themes",
        "From how many issues, and how finely, themes are made.",
        ("granularity", "smallest_theme", "regroup_days"),
    ),
    Group(
        "budget",
        "Budget",
        "What Claude may cost, and when somebody is asked first.",
        ("run_budget_usd", "month_budget_usd", "backlog", "ask_above_usd"),
    ),
    Group(
        "privacy",
        "Privacy",
        "What of a ticket is read, shown and sent.",
        ("redaction", "private_notes"),
    ),
    Group(
        "customers",
        "Customers",
        "Where plan, revenue and owner of a customer stand at the source. An uploaded list wins over these.",
        ("customer_fields",),
    ),
)


def groups() -> list[Group]:
    """Every page of settings; each setting stands on exactly one."""
    known = {name for group in _NAMED for name in group.names}
    rest = tuple(name for name in Settings.model_fields if name not in known)
    return [*_NAMED, Group("reading", "Reading and upkeep", "How tickets are sent, and what is kept.", rest)]


def find_group(name: str) -> Group | None:
    return next((group for group in groups() if group.name == name), None)


def group_of(setting: str) -> Group:
    return next(group for group in groups() if setting in group.names)


@dataclass(frozen=True)
class Box:
    """One thing to fill in: its name in the form, label, value, and the fault beside it."""

    name: str
    label: str
    value: str
    hint: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Field:
    """A setting on its page. `kind`: line, text, number, choice, lines, named (a box for each known key) or areas
    (rows of three boxes: name, words, components)."""

    name: str
    label: str
    sentence: str
    default: str
    kind: str
    boxes: tuple[Box, ...] = ()
    rows: tuple[tuple[Box, Box, Box], ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    declared: Any = None  # the default as it is, to compare with


def fields_of(
    group: Group, current: Settings, typed: Mapping[str, str] | None = None, faults: Mapping[str, str] | None = None
) -> list[Field]:
    """The fields of a page, filled from the settings or, after a fault, with what was typed."""
    found = []
    for name in group.names:
        if name == "components" and "areas" in group.names:
            continue  # its boxes stand in the rows of the areas
        found.append(_field(name, getattr(current, name), current, typed, faults or {}))
    return found


def parse_group(group: Group, form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed as values for the settings' own check (None: the default), and faults that it could not see."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in group.names:
        kind = kind_of(name)
        if kind == "areas" and not _numbers(form):
            continue
        if kind == "areas":
            areas, components, fault = _parse_areas(form)
            values |= {"areas": areas, "components": components}
            faults |= {"areas": fault} if fault else {}
        elif name == "components":
            continue
        elif kind == "named":
            keys = _PROPERTIES[name]["propertyNames"]["enum"]
            if any(f"{name}.{key}" in form for key in keys):
                values[name] = {key: text for key in keys if (text := form.get(f"{name}.{key}", "").strip())}
        elif name in form and kind == "lines":
            values[name] = _lines(form[name])
        elif name in form:
            values[name] = form[name].replace("\r\n", "\n").strip()
            if kind == "number" and not values[name]:
                values[name] = None
    return values, faults


def kind_of(name: str) -> str:
    schema = _schema(name)
    if name == "areas":
        return "areas"
    if schema["type"] == "object":
        return "named" if "propertyNames" in schema else "rows"
    if schema["type"] == "array":
        return "lines"
    if schema["type"] in ("integer", "number"):
        return "number"
    if schema["type"] == "boolean" or "enum" in schema:
        return "choice"
    return "text" if schema.get("maxLength", 0) >= LONG else "line"


def label_of(name: str) -> str:
    """`run_budget_usd` as `Run budget USD`."""
    return name.replace("_", " ").capitalize().replace(" usd", " USD")


def _schema(name: str) -> dict[str, Any]:
    declared = _PROPERTIES[name]
    kind: dict[str, Any] = next((one for one in declared.get("anyOf", []) if one["type"] != "null"), declared)
    return kind


def _field(
    name: str, value: Any, current: Settings, typed: Mapping[str, str] | None, faults: Mapping[str, str]
) -> Field:
    schema, kind, default = _schema(name), kind_of(name), Settings.model_fields[name].default
    boxes: tuple[Box, ...] = ()
    if kind == "named":
        hints = _HINTS.get(name, {})
        boxes = tuple(
            Box(
                f"{name}.{key}",
                label_of(key),
                (typed or {}).get(f"{name}.{key}", value.get(key, "")),
                hints.get(key, ""),
                faults.get(f"{name}.{key}", ""),
            )
            for key in schema["propertyNames"]["enum"]
        )
    elif kind != "areas":
        boxes = (Box(name, label_of(name), (typed or {}).get(name, written(value))),)
    return Field(
        name,
        label_of(name),
        Settings.model_fields[name].description or "",
        written(default) or ("no limit" if default is None else "none"),
        kind,
        boxes,
        _area_rows(current, typed, faults) if kind == "areas" else (),
        _choices(schema) if kind == "choice" else (),
        _fault(name, kind, faults),
        default,
    )


def _fault(name: str, kind: str, faults: Mapping[str, str]) -> str:
    if kind == "lines":
        return "; ".join(_below(name, faults))
    return faults.get(name) or (faults.get("components", "") if kind == "areas" else "")


def _below(name: str, faults: Mapping[str, str]) -> Iterable[str]:
    for key, fault in faults.items():
        if key == name:
            yield fault
        if key.startswith(f"{name}."):
            number = key.removeprefix(f"{name}.")
            yield f"line {int(number) + 1}: {fault}" if number.isdecimal() else fault


def _choices(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if schema["type"] == "boolean":
        return (("yes", "Yes"), ("no", "No"))
    return tuple((one, one) for one in schema["enum"])


def written(value: Any) -> str:
    """A value as a box of a form holds it."""
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "\n".join(value)
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _area_rows(
    current: Settings, typed: Mapping[str, str] | None, faults: Mapping[str, str]
) -> tuple[tuple[Box, Box, Box], ...]:
    if typed is None or not _numbers(typed):
        names = list(dict.fromkeys([*current.areas, *current.components]))
        given = [(name, current.areas.get(name, []), current.components.get(name, [])) for name in names]
        texts = [(name, "\n".join(words), "\n".join(parts)) for name, words, parts in given]
    else:
        texts = [
            (typed[f"area.{number}"], typed.get(f"words.{number}", ""), typed.get(f"components.{number}", ""))
            for number in _numbers(typed)
        ]
        texts = [row for row in texts if any(text.strip() for text in row)]
    texts += [("", "", "")] * EMPTY_ROWS
    return tuple(
        (
            Box(f"area.{number}", "Area", name, fault=""),
            Box(f"words.{number}", "Words that show it", words, fault=faults.get(f"areas.{name.strip()}", "")),
            Box(f"components.{number}", "Components", parts, fault=faults.get(f"components.{name.strip()}", "")),
        )
        for number, (name, words, parts) in enumerate(texts)
    )


def _parse_areas(form: Mapping[str, str]) -> tuple[dict[str, list[str]], dict[str, list[str]], str]:
    areas: dict[str, list[str]] = {}
    components: dict[str, list[str]] = {}
    for number in _numbers(form):
        name = form[f"area.{number}"].strip()
        words, parts = _lines(form.get(f"words.{number}", "")), _lines(form.get(f"components.{number}", ""))
        if not name and not words and not parts:
            continue
        if name in areas:
            return areas, components, f"{name!r} stands in it twice: join the two rows"
        areas[name] = words
        if parts:
            components[name] = parts
    return areas, components, ""


def _numbers(form: Mapping[str, str]) -> list[int]:
    found = (re.fullmatch(r"area\.([0-9]{1,4})", name) for name in form)
    return sorted(int(match[1]) for match in found if match)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
