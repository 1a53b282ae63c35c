"""What people say about a theme's work: status, owner, notes and tracker links, and setting back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.http import Redirect, View
from miner import settings
from miner.access import Actor
from miner.db import transaction
from miner.errors import Conflict, InvalidArguments
from miner.models import ThemeLogLine
from miner.themes import follow
from miner.themes import queries as themes
from miner.themes.following import list_following, list_log, list_owners

FIELDS = ("status", "fixed_at", "fixed_version", "owner", "note", "url", "title")


def follow_up(request: Request, session: Session) -> View | Redirect:
    """The forms of one theme; a retired one has none, and its own page says where its issues are."""
    one = themes.get_theme(session, request.path_params["id"])
    if one.retired_at is not None:
        return Redirect(f"/themes/{one.id}")
    return View("themes/follow.html", _shown(session, one.id))


def set_status(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    def act(session: Session, theme_id: int) -> object:
        fixed = form.get("status") == "fixed"  # else what stands in the other two fields does not matter
        zone = settings.load(session)[1].zone
        return follow.set_status(
            session,
            theme_id,
            status=form.get("status", ""),
            fixed_at=parse_moment(form.get("fixed_at", ""), zone) if fixed else None,
            fixed_version=form.get("fixed_version") if fixed else None,
            by=by,
        )

    return _do(request, form, act, "status_set")


def set_owner(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    return _do(
        request, form, lambda session, one: follow.set_owner(session, one, owner=form.get("owner"), by=by), "owner_set"
    )


def add_note(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    return _do(
        request, form, lambda session, one: follow.add_note(session, one, note=form.get("note", ""), by=by), "noted"
    )


def add_link(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    url, title = form.get("url", ""), form.get("title", "")
    return _do(request, form, lambda session, one: follow.add_link(session, one, url=url, title=title, by=by), "linked")


def remove_link(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        line = follow.remove_link(session, request.path_params["id"], by=by)
        theme_id = line.theme_id
    return Redirect(f"/themes/{theme_id}/follow#links", flash="unlinked")


def set_back(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    with transaction() as session:
        line: ThemeLogLine = follow.set_back(session, request.path_params["id"], by=by)
        theme_id = line.theme_id
    return Redirect(f"/themes/{theme_id}/follow#log", flash="set_back")


def parse_moment(typed: str, zone: ZoneInfo) -> dt.datetime | None:
    """What a field for date and time holds, in the workspace's zone; empty: none. Raises InvalidArguments."""
    if not typed.strip():
        return None
    try:
        found = dt.datetime.fromisoformat(typed.strip())
    except ValueError:
        raise InvalidArguments({"fixed_at": "a date and a time are needed, such as 2026-11-03 09:00"}) from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _do(
    request: Request, form: Mapping[str, str], act: Callable[[Session, int], object], flash: str
) -> Redirect | View:
    """Do it and go back to the theme; what was refused shows the forms again with what was typed."""
    theme_id = request.path_params["id"]
    try:
        with transaction() as session:
            done = act(session, theme_id)
    except (InvalidArguments, Conflict) as error:
        faults = error.fields if isinstance(error, InvalidArguments) else {"url": str(error)}
        with transaction() as session:
            if themes.get_theme(session, theme_id).retired_at is not None:
                raise
            shown = _shown(session, theme_id, typed=form, faults=faults)
        return View("themes/follow.html", shown, status=422 if isinstance(error, InvalidArguments) else 409)
    return Redirect(f"/themes/{theme_id}", flash=flash if done is not None else "unchanged")


def _shown(
    session: Session,
    theme_id: int,
    *,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    one = themes.get_theme(session, theme_id)
    zone = settings.load(session)[1].zone
    stands = {
        "status": one.status,
        "fixed_at": f"{one.fixed_at.astimezone(zone):%Y-%m-%dT%H:%M}" if one.fixed_at else "",
        "fixed_version": one.fixed_version or "",
        "owner": one.owner or "",
    }
    return {
        "theme": one,
        "following": list_following(session, [theme_id])[theme_id],
        "lines": list_log(session, theme_id),
        "owners": list_owners(session),
        "zone": zone.key,
        "typed": dict.fromkeys(FIELDS, "")
        | stands
        | {name: (typed or {})[name] for name in FIELDS if name in (typed or {})},
        "faults": faults or {},
        "longest": {"owner": follow.LONGEST_OWNER, "note": follow.LONGEST_NOTE, "version": follow.LONGEST_VERSION},
    }
