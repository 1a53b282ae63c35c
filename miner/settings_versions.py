"""Versions of the settings: what a page changes in them, what differs between two, and an older one in force again.

A form carries the version that it was made from. Whoever saves after somebody else keeps what that one changed, unless
both changed the same setting: then nothing is stored, and both are shown.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import settings
from miner.access import Actor, Role, require
from miner.errors import NotFound, SettingsConflict
from miner.models import SettingsVersion
from miner.runs.resuming import look_again
from miner.settings import Settings
from miner.settings_file import changed
from miner.tickets.customer_facts import apply_facts


@dataclass(frozen=True, slots=True)
class Version:
    """A version as a list shows it; `names` are the settings that differ from the version before it."""

    version: int
    note: str
    created_by: str
    created_at: dt.datetime
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that differs: its lines as (mark, text), mark being `-` (only before), `+` (only after) or a blank."""

    name: str
    lines: tuple[tuple[str, str], ...]


def change_settings(
    session: Session, values: Mapping[str, Any], *, based_on: int, by: Actor, note: str = ""
) -> tuple[int, tuple[str, ...]]:
    """Lay `values` over the settings in force, a None going back to the default; (version, names that changed).

    Nothing changed: the version in force and no names. Raises InvalidArguments; SettingsConflict when one of the
    settings that `values` change was changed by somebody else since `based_on`.
    """
    require(by, Role.admin, "change the settings")
    version, current = load_locked(session)
    after = laid_over(current, values)
    if based_on != version:
        base = find_version(session, based_on)
        mine = set(changed(base, laid_over(base, values)))
        both = [name for name in changed(base, current) if name in mine and name in set(changed(current, after))]
        if both:
            raise SettingsConflict(version, both)
        after = laid_over(current, {name: value for name, value in values.items() if name in mine})
    return store(session, current, after, version=version, by=by, note=note)


def restore(session: Session, version: int, *, based_on: int, by: Actor) -> tuple[int, tuple[str, ...]]:
    """Make the settings of `version` those in force again, as a new version. Raises NotFound, SettingsConflict."""
    require(by, Role.admin, "change the settings")
    newest, current = load_locked(session)
    older = find_version(session, version)
    if newest != based_on:
        raise SettingsConflict(newest, list(changed(find_version(session, based_on), current)))
    return store(session, current, older, version=newest, by=by, note=f"as version {version}")


def store(
    session: Session, before: Settings, after: Settings, *, version: int, by: Actor, note: str = ""
) -> tuple[int, tuple[str, ...]]:
    """Store `after` behind `before`, unless they say the same, with what follows at once; as `change_settings`."""
    names = tuple(changed(before, after))
    if not names:
        return version, ()
    version = settings.save(session, after, by=by, note=note)
    if "customer_fields" in names:
        apply_facts(session, after.customer_fields)
    if {"run_budget_usd", "month_budget_usd"} & set(names):
        look_again(session, "budget")
    return version, names


def load_locked(session: Session) -> tuple[int, Settings]:
    """As `settings.load`; nobody else stores a version until the caller commits."""
    session.execute(text("LOCK TABLE settings IN SHARE ROW EXCLUSIVE MODE"))
    return settings.load(session)


def laid_over(current: Settings, values: Mapping[str, Any]) -> Settings:
    """`current` with `values`, checked; a None goes back to the default. Raises InvalidArguments."""
    merged = {**current.model_dump(exclude_defaults=True), **values}
    return settings.parse({name: value for name, value in merged.items() if value is not None})


def find_version(session: Session, version: int) -> Settings:
    """The settings of that version; raises NotFound."""
    row = session.get(SettingsVersion, version)
    if row is None:
        raise NotFound("version of the settings", version)
    return Settings.model_validate(row.values)


def list_versions(session: Session, *, before: int | None = None, limit: int = 50) -> list[Version]:
    """The newest first; `before` is the last version of the page before."""
    query = select(SettingsVersion).order_by(SettingsVersion.version.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(SettingsVersion.version < before)
    rows: Sequence[SettingsVersion] = session.scalars(query).all()
    older: list[SettingsVersion | None] = [*rows[1:], None]
    return [
        Version(row.version, row.note, row.created_by, row.created_at, _names(below, row))
        for row, below in zip(rows[:limit], older, strict=False)
    ]


def _names(before: SettingsVersion | None, after: SettingsVersion) -> tuple[str, ...]:
    earlier = before.values if before else {}
    names = (name for name in Settings.model_fields if earlier.get(name) != after.values.get(name))
    return tuple(names)


def list_differences(before: Settings, after: Settings) -> list[Difference]:
    """Every setting that differs, with the lines that do and those beside them."""
    return [
        Difference(name, tuple(_lines(getattr(before, name), getattr(after, name)))) for name in changed(before, after)
    ]


def _lines(before: Any, after: Any) -> list[tuple[str, str]]:
    one, other = written(before), written(after)
    found = []
    for kind, first, last, start, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [(" ", line) for line in one[first:last]]
        else:
            found += [("-", line) for line in one[first:last]] + [("+", line) for line in other[start:end]]
    return found


def written(value: Any) -> list[str]:
    """A setting's value as lines that people read."""
    if value is None:
        return ["no limit"]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, Mapping):
        return [f"{key}: {', '.join(one) if isinstance(one, list) else one}" for key, one in value.items()] or ["none"]
    if isinstance(value, list):
        return [str(one) for one in value] or ["none"]
    return (str(value) if not isinstance(value, float) else json.dumps(value)).splitlines() or ["empty"]
