"""The week: what is new, what got worse, what came back, what is still the biggest, what fades."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard import digests
from dashboard.forms import read_query
from dashboard.http import View
from dashboard.pages import checklist
from dashboard.weeks import Compared, RangeQuery, Week, compare
from miner import settings
from miner.issues import backlog
from miner.issues.scores import find_quality
from miner.runs import queries as runs
from miner.runs.jobs import JOBS
from miner.runs.lateness import find_lateness
from miner.setup import steps as setup
from miner.themes import queries as themes
from miner.themes.proposals import find_waiting
from miner.tickets import completeness
from miner.trends import kept as kept_weeks
from miner.trends import queries as trends
from miner.trends.digest import Digest, read_digest
from miner.trends.quotes import Quote, list_quotes
from miner.trends.state import find_state
from miner.trends.visits import record_visit


def this_week(request: Request, session: Session) -> View:
    """The days that the address asks for, the present week without any."""
    if setup.is_due(session):
        return checklist.start(request, session)
    version, values = settings.load(session)
    now = dt.datetime.now(dt.UTC)
    return _live(request, session, compare(read_query(request, RangeQuery), zone=values.zone, now=now), now, version)


def one_week(request: Request, session: Session) -> View:
    """A week by its name: as it was shown once it is over, until then like every other range."""
    version, values = settings.load(session)
    now = dt.datetime.now(dt.UTC)
    week = Week.parse(request.path_params["week"], values.zone)
    compared = Compared(week.days, week.days.before(), now.astimezone(values.zone).date())
    kept = kept_weeks.find_kept(session, week.monday) if week.ends <= now else None
    return _kept(session, kept, compared, now) if kept else _live(request, session, compared, now, version)


def _live(request: Request, session: Session, compared: Compared, now: dt.datetime, version: int) -> View:
    state = find_state(session, settings_version=version)
    last = runs.find_last_completed_run(session, "pipeline")
    shared: dict[str, Any] = {
        "state": state,
        "zone": compared.now.zone.key,
        "backlogs": [(one, backlog.outlook_of(one)) for one in backlog.list_backlogs(session)],
        "quality": find_quality(session),
        "last_pipeline": last,
        "late": find_lateness(session, job="pipeline", since=last.finished_at if last else None, now=now),
        "mirrors": completeness.list_lines(session),
    }
    if not state.tickets or not themes.list_themes(session, limit=1):
        return View(
            "week_empty.html", shared | {"pipeline": JOBS["pipeline"], "active": runs.list_active_runs(session)}
        )
    present = compared.is_present
    digest = read_digest(session, now=compared.now, before=compared.before, present=present)
    judged = state if present else None
    return View(
        "week.html",
        shared
        | _page(compared, now)
        | {
            "digest": digest,
            "to": digests.To(digest),
            "headline": digests.headline(digest, period=digests.period_of(compared), state=judged),
            "quotes": _quotes(session, digest),
            "proposal": find_waiting(session),
            "last_day": None if digest.sections else trends.find_last_day(session),
            "visited": record_visit(session, by=request.state.actor) if present else None,
            "kept": None,
            "since": {},
            "totals": digest.totals,
        },
    )


def _kept(session: Session, kept: kept_weeks.Kept, compared: Compared, now: dt.datetime) -> View:
    digest = kept.digest
    since, totals = kept_weeks.find_since(session, digest)
    own = Compared(digest.now, digest.before, compared.today)
    return View(
        "week.html",
        _page(own, now)
        | {
            "state": kept.state,
            "zone": digest.now.zone.key,
            "digest": digest,
            "to": digests.To(digest),
            "headline": digests.headline(
                digest, period=digests.period_of(own), state=None if kept.later else kept.state
            ),
            "quotes": _quotes(session, digest),
            "last_day": None if digest.sections else trends.find_last_day(session),
            "visited": None,
            "kept": kept,
            "since": since,
            "totals": totals,
        },
    )


def _quotes(session: Session, digest: Digest) -> dict[int, Quote]:
    return list_quotes(session, [line.issue_id for section in digest.sections for line in section.lines])


def _page(compared: Compared, now: dt.datetime) -> dict[str, Any]:
    return {
        "compared": compared,
        "around": Week.of(compared.now.first, compared.now.zone),
        "begun": compared.now.begun(now),
        "presets": digests.presets(compared),
        "span": digests.span,
        "spark_weeks": digests.spark_weeks(compared.now),
        "more": digests.more,
        "money": digests.money,
        "corrections": digests.corrections,
        "is_fresh": digests.is_fresh,
    }
