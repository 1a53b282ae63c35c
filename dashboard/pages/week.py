"""The week: what is new, what got worse, what is still the biggest, what fades."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.http import View
from dashboard.pages import checklist
from dashboard.weeks import Week
from miner import settings
from miner.issues import backlog
from miner.issues.scores import find_quality
from miner.runs import queries as runs
from miner.runs.jobs import JOBS
from miner.setup import steps as setup
from miner.themes import queries as themes
from miner.themes.proposals import find_waiting
from miner.tickets import completeness
from miner.tickets import queries as tickets
from miner.trends import queries as trends

SPARK_WEEKS = 13


def this_week(request: Request, session: Session) -> View:
    if setup.is_due(session):
        return checklist.start(request, session)
    version, values = settings.load(session)
    now = dt.datetime.now(dt.UTC)
    return _show(session, Week.of(now.astimezone(values.zone).date(), values.zone), now, version)


def one_week(request: Request, session: Session) -> View:
    version, values = settings.load(session)
    return _show(session, Week.parse(request.path_params["week"], values.zone), dt.datetime.now(dt.UTC), version)


def _show(session: Session, week: Week, now: dt.datetime, settings_version: int) -> View:
    counts = tickets.count_tickets(session)
    shared: dict[str, Any] = {
        "week": week,
        "counts": counts,
        "settings_version": settings_version,
        "backlogs": [(one, backlog.outlook_of(one)) for one in backlog.list_backlogs(session)],
        "quality": find_quality(session),
        "last_pipeline": runs.find_last_completed_run(session, "pipeline"),
        "mirrors": completeness.list_lines(session),
    }
    if not counts.total or not themes.list_themes(session, limit=1):
        return View(
            "week_empty.html", shared | {"pipeline": JOBS["pipeline"], "active": runs.list_active_runs(session)}
        )
    starts, ends = week.starts, week.ends
    days = week.days_begun(now)
    sections = trends.list_week(session, week.monday, starts=starts, ends=ends, present=days < 7)
    ids = [line.id for lines in sections.values() for line in lines]
    known = tickets.has_customers(session)
    return View(
        "week.html",
        shared
        | {
            "days": days,
            "sections": sections,
            "totals": trends.count_week(session, week.monday, starts=starts, ends=ends),
            "sparks": trends.count_by_week(
                session, ids, first_monday=week.shift(1 - SPARK_WEEKS).monday, weeks=SPARK_WEEKS
            ),
            "customers": trends.count_customers(session, ids, starts=starts, ends=ends) if known else None,
            "proposal": find_waiting(session),
            "look": trends.find_look(session),
            "last_day": None if sections else trends.find_last_day(session),
        },
    )
