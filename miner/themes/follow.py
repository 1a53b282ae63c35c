"""What people say about a theme's work: status, owner, notes, tracker links.

Each change is a line of `theme_log` beside the audit row, and is taken back by setting back what it changed. Functions
leave the commit to the caller. They raise NotFound, Refused (the role), InvalidArguments by field, and Conflict for a
theme that was merged or retired, for an item that another theme has, and for what was changed since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import Conflict, InvalidArguments, NotFound
from miner.models import THEME_STATUSES, Theme, ThemeLink, ThemeLogLine
from miner.themes.links import parse_link, parse_title
from miner.trends.fixes import parse_versions

LONGEST_OWNER, LONGEST_NOTE, LONGEST_VERSION = 100, 4_000, 100
STATUS_COLUMNS = ("status", "fixed_at", "fixed_version", "came_back_at")
FIXED_ANEW = "Not looked at since it was marked as fixed"


def set_status(
    session: Session,
    theme_id: int,
    *,
    status: str,
    fixed_at: dt.datetime | None = None,
    fixed_version: str | None = None,
    by: Actor,
) -> ThemeLogLine | None:
    """Give a theme a status; None: it has it. `fixed_at` is when the fix reached customers, absent: now."""
    require(by, Role.operator, "set a theme's status")
    theme = lock_theme(session, theme_id)
    if status not in THEME_STATUSES:
        raise InvalidArguments({"status": f"choose one of {', '.join(THEME_STATUSES)}"})
    version = _one_line("fixed_version", fixed_version or "", LONGEST_VERSION)
    for name, given in (("fixed_at", fixed_at), ("fixed_version", version)):
        if given is not None and status != "fixed":
            raise InvalidArguments({name: "only the status fixed has one"})
    if version and not parse_versions(version):
        raise InvalidArguments({"fixed_version": "a version holds a number, for example 7.2.1"})
    now: dt.datetime = session.execute(select(func.now())).scalar_one()
    if fixed_at is not None and fixed_at > now:
        raise InvalidArguments(
            {"fixed_at": "that is still to come: choose planned until the fix has reached customers"}
        )
    if status == theme.status and (status != "fixed" or (fixed_at or theme.fixed_at, version) == _fix_of(theme)):
        return None
    fix = {"fixed_at": fixed_at or now, "fixed_version": version} if status == "fixed" else {}
    return _write(session, theme, "status", {"status": status, "came_back_at": None} | fix, by)


def set_owner(session: Session, theme_id: int, *, owner: str | None, by: Actor) -> ThemeLogLine | None:
    """Say who looks after a theme, or that nobody does; None: nothing differs."""
    require(by, Role.operator, "give a theme an owner")
    theme = lock_theme(session, theme_id)
    name = _one_line("owner", owner or "", LONGEST_OWNER)
    return None if name == theme.owner else _write(session, theme, "owner", {"owner": name}, by)


def add_note(session: Session, theme_id: int, *, note: str, by: Actor) -> ThemeLogLine:
    """Write something down about a theme."""
    require(by, Role.operator, "write a note")
    theme = lock_theme(session, theme_id)
    words = note.replace("\r\n", "\n").strip()
    if not words or len(words) > LONGEST_NOTE:
        raise InvalidArguments({"note": f"a note has 1 to {LONGEST_NOTE:,} characters"})
    return record_line(session, theme.id, "note", {}, {"note": words}, by)


def add_link(session: Session, theme_id: int, *, url: str, title: str = "", by: Actor) -> ThemeLink:
    """Say where the work on a theme is tracked; an item belongs to one theme."""
    require(by, Role.operator, "link a tracker")
    theme = lock_theme(session, theme_id)
    link = _store_link(session, theme.id, {"url": parse_link(url), "title": parse_title(title)}, by)
    record_line(session, theme.id, "link", {}, {"url": link.url, "title": link.title}, by)
    return link


def remove_link(session: Session, link_id: int, *, by: Actor) -> ThemeLogLine:
    """Take a tracker link off its theme."""
    require(by, Role.operator, "remove a tracker link")
    link = session.get(ThemeLink, link_id)
    if link is None:
        raise NotFound("tracker link", link_id)
    theme_id, before = link.theme_id, {"url": link.url, "title": link.title}
    session.delete(link)
    return record_line(session, theme_id, "link", before, {}, by)


def set_back(session: Session, line_id: int, *, by: Actor) -> ThemeLogLine:
    """Take a line back: what it changed stands as before, unless it was changed since, which is Conflict."""
    require(by, Role.operator, "take something back")
    line = session.get(ThemeLogLine, line_id)
    if line is None:
        raise NotFound("line of a theme's log", line_id)
    theme = lock_theme(session, line.theme_id)
    if session.scalar(select(ThemeLogLine.id).where(ThemeLogLine.undoes_id == line.id)):
        raise Conflict("that was taken back already")
    if line.kind == "link":
        _toggle_link(session, line, by)
    if line.kind in ("note", "link"):
        return record_line(session, theme.id, line.kind, line.after, line.before, by, undoes=line.id)
    if _columns_of(theme, line.after) != line.after:
        raise Conflict(f"the {line.kind} was changed since: take that back first")
    return _write(session, theme, line.kind, _parse_columns(line.before), by, undoes=line.id)


def lock_theme(session: Session, theme_id: int) -> Theme:
    """The theme, locked; NotFound, or Conflict for one that leads nowhere any more."""
    theme = session.get(Theme, theme_id, with_for_update=True, populate_existing=True)
    if theme is None:
        raise NotFound("theme", theme_id)
    if theme.heir_id is not None:
        raise Conflict(f"theme {theme_id} was merged into theme {theme.heir_id}: change that one")
    if theme.retired_at is not None:
        raise Conflict(f"theme {theme_id} is retired: no report is grouped there any more")
    return theme


def record_line(
    session: Session,
    theme_id: int,
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    by: Actor,
    *,
    undoes: int | None = None,
) -> ThemeLogLine:
    line = ThemeLogLine(
        theme_id=theme_id, kind=kind, before=dict(before), after=dict(after), undoes_id=undoes, created_by=str(by)
    )
    session.add(line)
    session.flush()
    said = {"line": line.id} | ({"undoes": undoes} if undoes else {})
    kept = {} if kind == "note" else dict(after)  # a note stands in the log, where it can be read with its theme
    audit(session, by, f"theme.{kind}", "theme", theme_id, before=dict(before) or None, after=said | kept)
    return line


def _write(
    session: Session, theme: Theme, kind: str, values: Mapping[str, Any], by: Actor, *, undoes: int | None = None
) -> ThemeLogLine:
    """Set columns of the theme and record it; a status sets all of its columns."""
    values = {**dict.fromkeys(STATUS_COLUMNS), **values} if kind == "status" else dict(values)
    before = _columns_of(theme, values)
    for name, value in values.items():
        setattr(theme, name, value)
    theme.updated_at = func.now()
    if kind == "status" and values["fixed_at"] and not values["came_back_at"]:
        _end_return(session, theme)
    session.flush()
    return record_line(session, theme.id, kind, before, _columns_of(theme, values), by, undoes=undoes)


def _end_return(session: Session, theme: Theme) -> None:
    """A new fix ends what was said of the one before: that the theme came back."""
    session.execute(
        text("""
            UPDATE theme_episodes SET ended_on = greatest(last_on, CURRENT_DATE)
            WHERE theme_id = :theme AND kind = 'came_back' AND ended_on IS NULL"""),
        {"theme": theme.id},
    )
    if theme.flag == "came_back":
        theme.flag, theme.flagged_at, theme.trend_sentence = None, None, FIXED_ANEW


def _fix_of(theme: Theme) -> tuple[dt.datetime | None, str | None]:
    return theme.fixed_at, theme.fixed_version


def _columns_of(theme: Theme, names: Mapping[str, Any]) -> dict[str, Any]:
    """The theme's columns as JSON keeps them; times in UTC."""
    found = {name: getattr(theme, name) for name in names}
    return {
        name: value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value
        for name, value in found.items()
    }


def _parse_columns(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: dt.datetime.fromisoformat(value) if name.endswith("_at") and value else value
        for name, value in kept.items()
    }


def _store_link(session: Session, theme_id: int, values: Mapping[str, Any], by: Actor) -> ThemeLink:
    row = insert(ThemeLink).values(theme_id=theme_id, created_by=str(by), **values)
    link_id = session.scalar(row.on_conflict_do_nothing(index_elements=["url"]).returning(ThemeLink.id))
    if link_id is None:
        holder = session.scalar(select(ThemeLink.theme_id).where(ThemeLink.url == values["url"]))
        raise Conflict(f"this item is linked to theme {holder} already")
    return session.get_one(ThemeLink, link_id)


def _toggle_link(session: Session, line: ThemeLogLine, by: Actor) -> None:
    """Remove the link that a line added, or add the one that it removed."""
    if line.before:
        _store_link(session, line.theme_id, line.before, by)
        return
    link = session.scalars(
        select(ThemeLink).where(ThemeLink.url == line.after["url"], ThemeLink.theme_id == line.theme_id)
    ).one_or_none()
    if link is None:
        raise Conflict("that link was removed since")
    session.delete(link)


def _one_line(field: str, typed: str, longest: int) -> str | None:
    words = " ".join(typed.split())
    if not words.isprintable() or len(words) > longest:
        raise InvalidArguments({field: f"it has at most {longest} characters"})
    return words or None
