"""How themes are followed up, over the API: what an automation does when an item of a tracker closes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard.api import shapes
from dashboard.forms import Query, read_query
from miner.access import Actor
from miner.db import transaction
from miner.errors import InvalidArguments, NotFound
from miner.settings import field_faults
from miner.themes import follow
from miner.themes import queries as themes
from miner.themes.following import find_by_link, list_following
from miner.themes.links import LONGEST_LINK, parse_link
from miner.trends import queries as trends

EPISODES = 5  # of a theme, the newest


class LinkQuery(Query):
    tracker_url: Annotated[str, Field(min_length=1, max_length=LONGEST_LINK)]


class ThemeBody(BaseModel):
    """What is left out stays; an owner of null is nobody."""

    model_config = ConfigDict(extra="forbid")

    status: str | None = None
    fixed_at: AwareDatetime | None = None
    fixed_version: str | None = None
    owner: str | None = None
    note: str | None = None


def theme(request: Request, session: Session) -> dict[str, Any]:
    read_query(request, Query, strict=True)
    return _shown(session, request.path_params["id"])


def linked_theme(request: Request, session: Session) -> dict[str, Any]:
    """`?tracker_url=`: the theme that an item of a tracker belongs to, as a list of one or none."""
    url = read_query(request, LinkQuery, strict=True).tracker_url
    theme_id = find_by_link(session, parse_link(url, field="tracker_url"))
    return {"items": [] if theme_id is None else [_shown(session, theme_id)], "next": None}


def change(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    """`{"status": "fixed", "fixed_at": "2026-11-03T09:00:00Z", "fixed_version": "7.2.1"}`: answers with the theme."""
    read_query(request, Query, strict=True)
    return _change(request.path_params["id"], body, by)


def change_by_link(request: Request, body: dict[str, Any], by: Actor) -> JSONResponse:
    """As `change`, of the theme that an item of a tracker belongs to; 404: it belongs to none."""
    url = parse_link(read_query(request, LinkQuery, strict=True).tracker_url, field="tracker_url")
    with transaction() as session:
        theme_id = find_by_link(session, url)
    if theme_id is None:
        raise NotFound("theme with the tracker link", url)
    return _change(theme_id, body, by)


def _change(theme_id: int, body: dict[str, Any], by: Actor) -> JSONResponse:
    try:
        given = ThemeBody.model_validate(body)
    except ValidationError as error:
        raise InvalidArguments(field_faults(error)) from None
    if not body:
        raise InvalidArguments({"body": f"name at least one of {', '.join(ThemeBody.model_fields)}"})
    if given.status is None and (given.fixed_at or given.fixed_version):
        raise InvalidArguments({"status": "a fix needs the status fixed"})
    with transaction() as session:
        if given.status is not None:
            follow.set_status(
                session,
                theme_id,
                status=given.status,
                fixed_at=given.fixed_at,
                fixed_version=given.fixed_version,
                by=by,
            )
        if "owner" in body:
            follow.set_owner(session, theme_id, owner=given.owner, by=by)
        if given.note is not None:
            follow.add_note(session, theme_id, note=given.note, by=by)
        answer = _shown(session, theme_id)
    return JSONResponse(answer)


def _shown(session: Session, theme_id: int) -> dict[str, Any]:
    one = themes.get_theme(session, theme_id)
    links = list_following(session, [one.id])[one.id].links
    return {
        "id": one.id,
        "url": f"/themes/{one.id}",
        "name": one.name,
        "type": one.type,
        "area": one.area,
        "status": one.status,
        "fixed_at": shapes.time(one.fixed_at),
        "fixed_version": one.fixed_version,
        "came_back_at": shapes.time(one.came_back_at),
        "owner": one.owner,
        "links": [{"id": link.id, "url": link.url, "title": link.title} for link in links],
        "issue_count": one.issue_count,
        "first_seen_at": shapes.time(one.first_seen_at),
        "last_seen_at": shapes.time(one.last_seen_at),
        "flag": one.flag,
        "flagged_at": shapes.time(one.flagged_at),
        "trend_sentence": one.trend_sentence,
        "trend_numbers": one.trend_numbers,
        "judged_at": shapes.time(one.judged_at),
        "episodes": [shapes.episode(line) for line in trends.list_episodes(session, one.id, limit=EPISODES)],
    }
