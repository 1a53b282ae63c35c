"""Schedules: when what runs by itself, and why it did not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard.http import Redirect, View
from dashboard.starting import start_for
from miner.access import Actor
from miner.db import transaction
from miner.models import Schedule, ScheduleTick
from miner.runs import pausing
from miner.runs import queries as runs
from miner.runs.cron import describe_cron, next_fire_times


@dataclass(frozen=True)
class Line:
    """A schedule with its sentence, its next fire times and what was decided lately."""

    schedule: Schedule
    sentence: str
    next_times: list[dt.datetime]
    ticks: list[ScheduleTick]


def schedule_list(request: Request, session: Session) -> View:
    schedules = runs.list_schedules(session)
    ticks = runs.list_ticks(session, [one.id for one in schedules])
    now = dt.datetime.now(dt.UTC)
    lines = [
        Line(one, describe_cron(one.cron), next_fire_times(one.cron, one.timezone, now, 3), ticks[one.id])
        for one in schedules
    ]
    return View(
        "schedules.html",
        {"lines": lines, "beat": runs.find_beat(session, "tick"), "pause": pausing.find_pause(session)},
    )


def run_now(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Start what a schedule starts, with its arguments, now."""
    with transaction() as session:
        schedule = runs.get_schedule(session, request.path_params["id"])
    started = start_for(by, schedule.job_name, schedule.args, trigger="button")
    return Redirect(f"/runs/{started.run_id}", flash="started" if started.rung else "not_rung")
