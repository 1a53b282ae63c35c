"""A theme's reports on one side of its fix or of one kind of user, and the theme as a text for a tracker."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.forms import PartQuery, TrackerQuery, parse_time_key, read_query, time_key
from dashboard.http import View, cut
from dashboard.security.access import Access
from miner import settings
from miner.errors import NotFound
from miner.issues.queries import list_issues_by_id
from miner.themes import queries as themes
from miner.themes.fixed import find_split
from miner.themes.spread import list_user_reports
from miner.themes.tracked import describe_theme
from miner.themes.tracker import render

PAGE = 50


def report_list(request: Request, session: Session) -> View:
    """The reports of one part or one kind of user, the latest first; of a theme without a fix there are no parts."""
    one = themes.get_theme(session, request.path_params["id"])
    asked = read_query(request, PartQuery)
    split = None
    if asked.user:
        reports = list_user_reports(session, one.id, user=asked.user)
    else:
        split = find_split(session, one, until=None, zone=settings.load(session)[1].zone)
        if split is None:
            raise NotFound("fix of theme", one.id)
        reports = [(report.occurred_at, report.issue_id) for report in split.reports[asked.part]]
    key = parse_time_key(asked.after)
    behind = [place for place in reports if key is None or place < key]
    found = cut(behind[: PAGE + 1], PAGE, lambda place: time_key(*place))
    return View(
        "themes/reports.html",
        {
            "theme": one,
            "asked": asked,
            "split": split,
            "total": len(reports),
            "rows": list_issues_by_id(session, [issue_id for _, issue_id in found.rows]),
            "next": found.next,
        },
    )


def tracker(request: Request, session: Session) -> View:
    one = themes.get_theme(session, request.path_params["id"])
    asked = read_query(request, TrackerQuery)
    zone = settings.load(session)[1].zone
    item = describe_theme(session, one, moment=dt.datetime.now(dt.UTC), zone=zone, public_url=public_url(request))
    return View(
        "themes/tracker.html",
        {
            "theme": one,
            "asked": asked,
            "names": bool(asked.names),
            "has_names": bool(item.customers),
            "text": render(item, format_=asked.format, names=bool(asked.names)),
        },
    )


def public_url(request: Request) -> str:
    """PUBLIC_URL, else the address that this page was asked for by."""
    access: Access = request.app.state.access
    configured: str | None = request.app.state.config.public_url
    return configured or f"{'https' if access.https else request.url.scheme}://{request.url.netloc}"
